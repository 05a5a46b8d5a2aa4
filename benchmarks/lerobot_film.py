"""The same film recorded by the real LeRobot library, with its own interpreter.

Prints one line of JSON: processor time with all children, rows, bytes, PSNR and version. Only
LeRobot and what it needs is imported here (``PRELOAD`` in the environment names a module that a
light installation needs before it)::

    python benchmarks/lerobot_film.py FILM.npy FOLDER --mode defaults --frames 300
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import resource
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np

if os.environ.get('PRELOAD'):
    importlib.import_module(os.environ['PRELOAD'])
from lerobot.datasets.lerobot_dataset import LeRobotDataset

CAMERAS = ('front', 'wrist')
FPS = 30


def choices(mode: str) -> dict[str, Any]:
    """Return LeRobot's settings of a mode, in the words of the version that is installed."""
    known = inspect.signature(LeRobotDataset.create).parameters
    wanted: dict[str, Any] = {}
    if mode != 'defaults':
        if 'rgb_encoder' in known:
            from lerobot.configs.video import RGBEncoderConfig

            is_av1 = mode == 'av1'
            wanted['rgb_encoder'] = (
                RGBEncoderConfig(vcodec='libsvtav1', preset=12)
                if is_av1
                else RGBEncoderConfig(vcodec='h264', crf=21, preset=mode)
            )
        else:
            wanted['vcodec'] = 'h264'
        if 'streaming_encoding' in known:
            wanted |= {'streaming_encoding': True, 'encoder_queue_maxsize': 30}
    wanted['image_writer_threads'] = 4 * len(CAMERAS)
    return wanted


def spent_s() -> float:
    """Return the processor time of this process and its ended children so far [s]."""
    usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def create(options: argparse.Namespace, size: tuple[int, int]) -> LeRobotDataset:
    """Start a dataset like the one our recorder makes of the film."""
    names = [f'joint_{number}.pos' for number in range(6)]
    vector = {'dtype': 'float32', 'shape': (6,), 'names': names}
    camera = {'dtype': 'video', 'shape': (*size, 3), 'names': ['height', 'width', 'channels']}
    features = {'action': vector, 'observation.state': vector}
    features |= {f'observation.images.{name}': camera for name in CAMERAS}
    return LeRobotDataset.create(
        'bench/film', FPS, features, root=options.folder, **choices(options.mode)
    )


def place(number: int, frames: int) -> int:
    """Return which frame of the film is the n-th of its playing to and fro."""
    at = number % max(2 * frames - 2, 1)
    return at if at < frames else 2 * frames - 2 - at


def psnr_db(folder: Path, film: Any, frames: int) -> float:
    """Return the quality of the first camera's video against the film."""
    path = next(folder.rglob('*front/*/*.mp4'))
    found = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 50 == 0 and number < frames:
                pixels = frame.to_ndarray(format='rgb24').astype(np.float32)
                error = np.mean((pixels - film[place(number, len(film))]) ** 2)
                found.append(10 * np.log10(255.0**2 / error))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('film', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--mode', default='defaults', help='or av1, or a preset of h264')
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--at-once', action='store_true', help='no waiting between rows')
    options = parser.parse_args()
    film = np.load(options.film, mmap_mode='r')
    dataset = create(options, film.shape[1:3])
    vector = np.arange(6, dtype=np.float32)
    before, start = spent_s(), time.perf_counter()
    for number in range(options.frames):
        picture = np.asarray(film[place(number, len(film))])
        row = {'action': vector, 'observation.state': vector, 'task': 'Benchmark'}
        dataset.add_frame(row | {f'observation.images.{name}': picture for name in CAMERAS})
        if not options.at_once:
            time.sleep(max(0.0, start + (number + 1) / FPS - time.perf_counter()))
    began = time.perf_counter()
    dataset.save_episode()
    saved_s = time.perf_counter() - began
    if hasattr(dataset, 'finalize'):
        dataset.finalize()
    figures = {
        'cpu_s': spent_s() - before,
        'frames': options.frames * len(CAMERAS),
        'wall_s': time.perf_counter() - start,
        'save_s': saved_s,
        'bytes': sum(path.stat().st_size for path in options.folder.rglob('*.mp4')),
        'psnr_db': psnr_db(options.folder, film, options.frames),
        'version': version('lerobot'),
        'streams': 'streaming_encoding' in choices(options.mode),
    }
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
