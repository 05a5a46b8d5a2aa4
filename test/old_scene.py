"""Small LeRobot v2.0 and v2.1 datasets, written as LeRobot up to 0.3 and others wrote them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.old_datasets.convert import OldJob, convert_old
from lerobot_recorder.old_datasets.survey import Wanted

FPS = 10
LENGTHS = (6, 5, 7)
TASKS = ('pick the cube', 'place the cube')
CAMERA = 'observation.images.top'
SIZE = (48, 64)
VIDEO_PATH = 'videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4'
REORDERED = {'bf': '2', 'g': '250', 'x264-params': 'b-adapt=0:scenecut=0'}
"""Frames that refer to later ones, as FFmpeg encodes H.264 if nobody says otherwise."""
STATE = {'dtype': 'float32', 'shape': [2], 'names': ['shoulder_pan.pos', 'gripper.pos']}
DEFAULTS = {
    'timestamp': 'float32', 'frame_index': 'int64', 'episode_index': 'int64',
    'index': 'int64', 'task_index': 'int64',
}  # fmt: skip


def camera(dtype='video'):
    return {'dtype': dtype, 'shape': [*SIZE, 3], 'names': ['height', 'width', 'channel']}


def picture(episode, frame):
    """Pixels that say which frame of which episode they are."""
    array = np.full((*SIZE, 3), (40, 90, 200), np.uint8)
    array[: 24 + 4 * (frame % 6)] = (20 * (frame % 10), 60 * (episode % 4), 90)
    return array


def state(episode, frame):
    return [0.1 * frame + episode, -0.25 * frame]


@dataclass
class OldScene:
    """What a dataset is to be; attributes are changed before `write`."""

    root: Path
    version: str | None = 'v2.1'
    lengths: tuple[int, ...] = LENGTHS
    dtype: str = 'video'
    fps: Any = FPS
    features: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    codec: str = 'libx264'
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        defaults = {k: {'dtype': d, 'shape': [1], 'names': None} for k, d in DEFAULTS.items()}
        own = {'observation.state': dict(STATE), 'action': dict(STATE), CAMERA: camera(self.dtype)}
        self.features = {**own, **self.features, **defaults}

    def table(self, number) -> Path:
        return self.root / f'data/chunk-000/episode_{number:06d}.parquet'

    def video(self, number) -> Path:
        return self.root / f'videos/chunk-000/{CAMERA}/episode_{number:06d}.mp4'

    def columns(self, number) -> dict[str, pa.Array]:
        length, before = self.lengths[number], sum(self.lengths[:number])
        frames = np.arange(length)
        vector = pa.list_(pa.float32(), 2)
        columns = {
            'observation.state': pa.array([state(number, f) for f in frames], vector),
            'action': pa.array([state(number + 1, f) for f in frames], vector),
            'timestamp': pa.array((frames / FPS).astype(np.float32)),
            'frame_index': pa.array(frames),
            'episode_index': pa.array(np.full(length, number)),
            'index': pa.array(frames + before),
            'task_index': pa.array(np.full(length, number % 2)),
        }
        if self.dtype == 'image':
            kind = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
            data = [png(picture(number, f)) for f in frames]
            rows = [{'bytes': d, 'path': f'frame_{n:06d}.png'} for n, d in enumerate(data)]
            columns[CAMERA] = pa.array(rows, kind)
        return columns

    def write(self, **changed) -> Path:
        """Write it; `changed` are columns (name -> function of the episode) to set or drop."""
        for number, length in enumerate(self.lengths):
            columns = self.columns(number)
            for name, make in changed.items():
                columns[name.replace('__', '.')] = make(number) if make else None
            columns = {name: column for name, column in columns.items() if column is not None}
            self.table(number).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), self.table(number))
            if self.dtype == 'video':
                self.encode(number, range(length))
        self.write_meta()
        return self.root

    def encode(self, number, frames, shift=0, stretch=1):
        """Encode a video; `shift` and `stretch` spoil its times [frames]."""
        path = self.video(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {'g': '2', 'bf': '0', 'threads': '1', **self.options}
        with av.open(str(path), 'w') as container:
            stream = container.add_stream(self.codec, rate=FPS, options=options)
            stream.width, stream.height = SIZE[1], SIZE[0]
            stream.pix_fmt = 'yuv420p'
            stream.codec_context.time_base = Fraction(1, 100 * FPS)
            for place, frame in enumerate(frames):
                picked = av.VideoFrame.from_ndarray(picture(number, frame), format='rgb24')
                picked.pts = round(100 * (place * stretch + shift))
                picked.time_base = Fraction(1, 100 * FPS)
                container.mux(stream.encode(picked))
            container.mux(stream.encode(None))

    def write_meta(self):
        meta = self.root / 'meta'
        meta.mkdir(parents=True, exist_ok=True)
        document = {
            'codebase_version': self.version,
            'robot_type': 'so100',
            'total_episodes': len(self.lengths),
            'total_frames': sum(self.lengths),
            'total_tasks': len(TASKS),
            'total_videos': len(self.lengths),
            'total_chunks': 1,
            'chunks_size': 1000,
            'fps': self.fps,
            'splits': {'train': f'0:{len(self.lengths)}'},
            'data_path': 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
            'video_path': VIDEO_PATH,
            'features': self.features,
            **self.info,
        }
        document = {key: value for key, value in document.items() if value is not None}
        (meta / 'info.json').write_text(json.dumps(document))
        lines = [
            {'episode_index': n, 'tasks': [TASKS[n % 2]], 'length': length}
            for n, length in enumerate(self.lengths)
        ]
        write_lines(meta / 'episodes.jsonl', lines)
        tasks = [{'task_index': n, 'task': task} for n, task in enumerate(TASKS)]
        write_lines(meta / 'tasks.jsonl', tasks)


def write_lines(path, lines):
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))


def png(pixels):
    good, data = cv2.imencode('.png', pixels[:, :, ::-1])
    assert good
    return data.tobytes()


def decoded(path):
    """All pictures of a video, in order, as RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]


def made(scene, **wanted):
    """Convert; return what was told and a reader of what came out."""
    root = scene.root.with_name('new')
    allow_failed = wanted.pop('allow_failed', False)
    converted = convert_old(OldJob(scene.root, root, Wanted(**wanted), allow_failed))
    assert validate_dataset(root, decode=True) == []
    return converted, DatasetReader(root)


def check_rows(reader, numbers=(0, 1, 2)):
    assert reader.num_episodes == len(numbers)
    for view, number in zip(reader.episodes(), numbers, strict=True):
        assert view.length == LENGTHS[number]
        wanted = np.array([state(number, f) for f in range(view.length)], np.float32)
        np.testing.assert_array_equal(view.rows['observation.state'], wanted)
        wanted = np.array([state(number + 1, f) for f in range(view.length)], np.float32)
        np.testing.assert_array_equal(view.rows['action'], wanted)
        assert set(view.row_tasks) == {TASKS[number % 2]}


def refused(scene, match, **wanted):
    root = scene.root.with_name('new')
    with pytest.raises(DatasetError, match=match) as caught:
        convert_old(OldJob(scene.root, root, Wanted(**wanted)))
    assert '\n' not in str(caught.value)
    assert sorted(path.name for path in root.parent.iterdir()) == ['old']
