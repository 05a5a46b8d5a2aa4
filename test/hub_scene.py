"""A small dataset, its way to the stand-in of the Hub, and what lies here and there."""

from __future__ import annotations

import os
from uuid import uuid4

import numpy as np

from lerobot_drivers.common.clock import ManualClock
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.hub.job import Job
from lerobot_recorder.hub.push import Push
from lerobot_recorder.hub.repository import Repository, open_api

os.environ['HF_HUB_DISABLE_PROGRESS_BARS'] = '1'  # read when huggingface_hub is imported
REPO = 'me/pick'
CAMERA = 'observation.images.front'
NOT_UPLOADED = {'meta/ros/seal.json', 'meta/ros/statistics.npz'}


def features():
    vector = {'dtype': 'float32', 'shape': [2], 'names': ['x.pos', 'y.pos']}
    names = ['height', 'width', 'channels']
    picture = {'dtype': 'video', 'shape': [32, 48, 3], 'names': names}
    return {'action': dict(vector), 'observation.state': dict(vector), CAMERA: picture}


def record(root, episodes, resume=False):
    """Record episodes; no two of them are alike."""
    info = DatasetInfo(10, features(), 'so_follower')
    with (DatasetWriter.resume if resume else DatasetWriter.create)(root, info) as writer:
        for _ in range(episodes):
            add_episode(writer)
    return root


def add_episode(writer):
    uuid = uuid4()
    rng = np.random.default_rng(uuid.int % 2**32)
    for _ in range(5):
        numbers = rng.normal(size=2).astype(np.float32)
        picture = rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)
        row = {'action': numbers, 'observation.state': numbers}
        writer.add_frame(row, {CAMERA: ArrayPicture(picture)}, 'Pick | the <cube>')
    return writer.save_episode(EpisodeRecord(str(uuid), 'success', {'repeats': 2}))


class Uploader:
    """What a worker does, in this process."""

    def __init__(self, root, **job):
        self.job = Job(root, REPO, **job)
        self.repository = Repository(self.job, open_api())
        self.clock = ManualClock(10**18)
        self.sent = []
        self.push = Push(
            self.job,
            self.repository,
            self.clock,
            lambda done, total: self.sent.append((done, total)),
        )

    def run(self, **options):
        return self.push.run(**options)


def local(root):
    """What is to be on the Hub of a dataset here."""
    names = {path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file()}
    visible = {name for name in names if not any(p.startswith('.') for p in name.split('/'))}
    return {name: (root / name).read_bytes() for name in sorted(visible - NOT_UPLOADED)}


def remote(hub):
    """What is on the Hub of it."""
    return {path: c for path, c in hub.repos[REPO].files.items() if path != '.gitattributes'}
