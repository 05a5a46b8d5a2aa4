"""A dataset to be joined, and what a reader sees of it."""

from __future__ import annotations

import json
from fractions import Fraction

import av

from lerobot_recorder.dataset import layout, realtime
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front'
WRIST = 'observation.images.wrist'
FPS = 10
CODECS = {
    'h264': ('libx264', {'bf': '0', 'g': '2', 'preset': 'ultrafast'}),
    'h264 with B-frames': ('libx264', {'bf': '2', 'g': '12', 'preset': 'veryfast'}),
    'hevc': ('libx265', {'g': '2', 'preset': 'ultrafast', 'x265-params': 'log-level=none'}),
    'av1': ('libsvtav1', {'g': '2', 'preset': '12', 'crf': '30'}),
    'mjpeg': ('mjpeg', {'qscale': '3'}),
}


def encode(path, codec, pictures, fps=FPS, **changes):
    """Write pictures into a file of its own, as another recorder would."""
    name, options = CODECS[codec]
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(name, rate=fps, options={**options, **changes})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = 'yuvj420p' if name == 'mjpeg' else 'yuv420p'
        stream.codec_context.time_base = Fraction(1, fps)
        with realtime.no_new_realtime_threads():
            stream.codec_context.open()
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decoded(root):
    """Every picture of every episode, bit by bit as the decoder gives it."""
    reader = DatasetReader(root)
    return [
        picture.tobytes()
        for view in reader.episodes()
        for camera in reader.cameras
        for picture in view.frames(camera)
    ]


def content(root):
    """Everything a reader gets to see, without where it lies."""
    reader = DatasetReader(root)
    return [
        (view.index, view.length, view.tasks, view.row_tasks, view.extra,
         {key: column.tolist() for key, column in view.rows.items()})
        for view in reader.episodes()
    ]  # fmt: skip


def whole(root):
    return [str(finding) for finding in validate_dataset(root, decode=True)]


def paths(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob('*') if p.is_file())


def make(root, tools):
    """Record seven small episodes of two cameras."""
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    film = tools.Film(info)
    with DatasetWriter.create(root, info) as writer:
        for number in range(7):
            film.episode(writer, 3 + number % 3, f'Task {number % 2}')
    return root


def set_limits(root, **limits):
    path = root / layout.INFO
    path.write_text(json.dumps({**json.loads(path.read_text()), **limits}))
