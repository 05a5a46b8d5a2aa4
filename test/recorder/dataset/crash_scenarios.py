"""What is killed: named scenarios on one dataset, each in a process of its own.

A scenario tells on standard output what it has promised; `check` holds the dataset against that.
To add one (a dataset being compacted, say), write a function and name it in `SCENARIOS`.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord, PendingEpisode
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front'
FPS = 30
#: Frames that an encoder without a processor may still hold: half a second in a fragment, a second
#: in the queue, one in its hand.
MOST_LOST = FPS // 2 + FPS + 1
INFO = DatasetInfo(
    FPS,
    {
        'action': {'dtype': 'float32', 'shape': [2], 'names': ['a', 'b']},
        CAMERA: {'dtype': 'video', 'shape': [48, 64, 3], 'names': ['height', 'width', 'channels']},
    },
)


def tell(*words: object) -> None:
    sys.stdout.write('|'.join(str(word) for word in words) + '\n')
    sys.stdout.flush()


def brightness(frame: int) -> int:
    return (frame * 5) % 200 + 20


def add_frames(writer: DatasetWriter, serial: int, count: int, pause_s: float = 0.0) -> None:
    for frame in range(count):
        values = {'action': np.array([serial, frame], np.float32)}
        picture = np.full((48, 64, 3), brightness(frame), np.uint8)
        writer.add_frame(values, {CAMERA: ArrayPicture(picture)}, f'Task {serial % 4}')
        time.sleep(pause_s)


def unique(rng: random.Random) -> str:
    """Return a name that no other episode gets, whatever is drawn for its content."""
    return f'e{rng.getrandbits(64):016x}'


def fingerprint(view: EpisodeView) -> str:
    """Return a hash of an episode's rows and of its decoded pictures."""
    digest = hashlib.sha256()
    for name in ('action', 'timestamp', 'frame_index'):
        digest.update(np.ascontiguousarray(view.rows[name]).tobytes())
    digest.update('|'.join(view.row_tasks).encode())
    for picture in view.frames(CAMERA):
        digest.update(picture.tobytes())
    return digest.hexdigest()


def tell_durable(root: Path, pending: PendingEpisode) -> None:
    saved = pending.wait()
    tell(
        'durable', saved.uuid, saved.length, fingerprint(DatasetReader(root).episode(saved.index))
    )


def record(root: Path, rng: random.Random) -> None:
    """Record, accept, discard and save without end."""
    was_there = (root / 'meta/info.json').exists() or (root / '.recording').exists()
    writer = DatasetWriter.resume(root, INFO) if was_there else DatasetWriter.create(root, INFO)
    tell('open', writer.num_episodes, *writer.notices)
    waiting: list[PendingEpisode] = []
    while True:
        serial = rng.randrange(1_000_000)
        add_frames(writer, serial, rng.randint(8, 60), rng.choice([0.0, 0.0005, 0.002]))
        if rng.random() < 0.15:
            writer.discard_episode()
            continue
        length, outcome = writer.num_frames, rng.choice(['success', 'failure'])
        uuid = unique(rng)
        waiting.append(writer.accept_episode(EpisodeRecord(uuid, outcome)))
        tell('accepted', uuid, length, outcome)
        if rng.random() < 0.5:
            for pending in waiting:
                tell_durable(root, pending)
            waiting.clear()


def close(root: Path, rng: random.Random) -> None:
    """Open, add one episode, close: the exact statistics and the seal are written."""
    with DatasetWriter.resume(root, INFO) as writer:
        tell('open', writer.num_episodes)
        serial = rng.randrange(1_000_000)
        add_frames(writer, serial, 20)
        uuid = unique(rng)
        pending = writer.accept_episode(EpisodeRecord(uuid, 'success'))
        tell('accepted', uuid, 20, 'success')
        tell_durable(root, pending)


def repair(root: Path, rng: random.Random) -> None:
    """Mend what the one before left."""
    tell('open')
    for sentence in repair_dataset(root):
        tell('said', sentence)


SCENARIOS = {'record': record, 'close': close, 'repair': repair}


@dataclass
class Promises:
    """What the killed processes have answered.

    Attributes:
        durable: uuid -> rows and fingerprint.
        accepted: uuid -> rows and outcome.
    """

    durable: dict[str, tuple[int, str]] = field(default_factory=dict)
    accepted: dict[str, tuple[int, str]] = field(default_factory=dict)

    def hear(self, output: str) -> None:
        """Take note of what a process said before it was killed."""
        for line in output.splitlines():
            kind, _, rest = line.partition('|')
            if kind in ('durable', 'accepted'):
                uuid, length, fact = rest.split('|')
                getattr(self, kind)[uuid] = int(length), fact


def check(root: Path, promises: Promises) -> dict[str, int]:
    """Hold a mended dataset against what was promised; return how many of each kind it has."""
    assert [str(finding) for finding in validate_dataset(root)] == []
    views = {view.extra['ros/uuid']: view for view in DatasetReader(root).episodes()}
    for uuid, (length, expected) in promises.durable.items():
        assert uuid in views, f'durable episode {uuid} is gone'
        assert (views[uuid].length, fingerprint(views[uuid])) == (length, expected), uuid
        assert views[uuid].extra['ros/outcome'] == promises.accepted[uuid][1]
    shortened = check_accepted(root, promises, views)
    for view in views.values():
        _check_content(view)
    incomplete = sum(v.extra['ros/outcome'] == 'incomplete' for v in views.values())
    return {
        'episodes': len(views), 'durable': len(promises.durable), 'shortened': shortened,
        'accepted': len(promises.accepted), 'incomplete': incomplete,
    }  # fmt: skip


def check_accepted(root: Path, promises: Promises, views: Mapping[str, EpisodeView]) -> int:
    """Look for every accepted episode; return how many have lost frames."""
    shortened = 0
    for uuid, (length, outcome) in promises.accepted.items():
        if uuid not in views:
            # Killed before the first fragment of a short one was written: it is not lost silently.
            aside = [json.loads(p.read_text())['uuid'] for p in root.rglob('accepted.json')]
            assert uuid in aside and length <= MOST_LOST, f'accepted episode {uuid} is gone'
            continue
        extra = views[uuid].extra
        lost = json.loads(extra['ros/defects'] or '{}').get('lost_frames', 0)
        assert views[uuid].length == length - lost and lost <= MOST_LOST, (uuid, lost)
        assert extra['ros/outcome'] == outcome
        shortened += lost > 0
    return shortened


def _check_content(view: EpisodeView) -> None:
    serial = int(view.rows['action'][0][0])
    expected = np.stack([np.full(view.length, serial), np.arange(view.length)], axis=1)
    np.testing.assert_array_equal(view.rows['action'], expected)
    for number, picture in enumerate(view.frames(CAMERA)):
        assert abs(int(picture.mean()) - brightness(number)) <= 3, (view.index, number)
