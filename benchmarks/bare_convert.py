"""A bag read and its pictures encoded, nothing else: what no converter can be much cheaper than.

No rows, no synchronisation, no statistics, no files beside the two videos, and none of our code
but the conversion of colours. Prints one line of JSON with its pictures::

    python -m benchmarks.bare_convert BAG.mcap FOLDER --vcodec libx264 --preset ultrafast
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import threading
from pathlib import Path
from queue import Queue
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.dataset import realtime
from lerobot_recorder.dataset.i420 import to_i420

FPS, WAITING = 30, 30
OPTIONS = {
    'libx264': {'crf': '21', 'g': '2', 'bf': '0', 'threads': '1'},
    'libsvtav1': {'crf': '30', 'g': '2', 'svtav1-params': 'lp=1'},
}
MESSAGE = 0x05
_PREFIX = 4 + 4 + 12
"""CDR's first bytes and the sequence, times and length before an image's frame_id [bytes]."""


class Film(threading.Thread):
    """One camera's video; pictures come through its queue, None ends it."""

    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        super().__init__(name=path.stem)
        self.queue: Queue[NDArray[np.uint8] | None] = Queue(WAITING)
        self._path, self._options = path, options
        self.frames = 0

    def run(self) -> None:
        """Encode until None comes."""
        options = {**OPTIONS[self._options.vcodec], 'preset': self._options.preset}
        with av.open(str(self._path), 'w') as container:
            stream: Any = container.add_stream(self._options.vcodec, FPS, options=options)
            while (rgb := self.queue.get()) is not None:
                if not self.frames:
                    stream.height, stream.width = rgb.shape[:2]
                    stream.pix_fmt = 'yuv420p'
                    with realtime.no_new_realtime_threads():
                        stream.codec_context.open()
                frame = av.VideoFrame.from_numpy_buffer(to_i420(rgb), format='yuv420p')
                frame.pts, self.frames = self.frames, self.frames + 1
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


def read(path: Path, films: list[Film]) -> None:
    """Hand over the raw pictures of an uncompressed mcap, camera by camera as channels come."""
    by_channel: dict[int, Film] = {}
    left = iter(films)
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        at = 8
        while at < len(data) - 8:
            kind, size = data[at], int.from_bytes(data[at + 1 : at + 9], 'little')
            if kind == MESSAGE and size > 100_000:
                channel = int.from_bytes(data[at + 9 : at + 11], 'little')
                film = by_channel.get(channel) or by_channel.setdefault(channel, next(left))
                film.queue.put(_rgb(data, at + 9 + 22))
            is_chunk = kind == 0x06
            at += 9 + (_chunk_head(data, at + 9) if is_chunk else size)
        for film in films:
            film.queue.put(None)


def _chunk_head(data: mmap.mmap, at: int) -> int:
    """Return the bytes before the records of a chunk that is not compressed."""
    name = int.from_bytes(data[at + 28 : at + 32], 'little')
    return 28 + 4 + name + 8


def _rgb(data: mmap.mmap, at: int) -> NDArray[np.uint8]:
    """Return the pixels of a ``sensor_msgs/Image`` in CDR, rgb8 without padding."""
    start, at = at + 4, at + 12
    at += 4 + int.from_bytes(data[at : at + 4], 'little')
    at += -(at - start) % 4
    height, width = (int.from_bytes(data[at + n : at + n + 4], 'little') for n in (0, 4))
    at += 8
    at += 4 + int.from_bytes(data[at : at + 4], 'little') + 1
    at += -(at - start) % 4 + 8
    pixels = np.frombuffer(data[at : at + height * width * 3], np.uint8)
    return pixels.reshape(height, width, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('bag', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--vcodec', choices=OPTIONS, default='libx264')
    parser.add_argument('--preset', default='ultrafast')
    options = parser.parse_args()
    os.environ.setdefault('SVT_LOG', '1')
    options.folder.mkdir()
    films = [Film(options.folder / f'{name}.mp4', options) for name in ('front', 'wrist')]
    for film in films:
        film.start()
    read(options.bag, films)
    for film in films:
        film.join()
    print(json.dumps({'rows': films[0].frames, 'pictures': sum(f.frames for f in films)}))


if __name__ == '__main__':
    main()
