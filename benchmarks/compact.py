"""What joining files costs: time, CPU and bytes, of a dataset of many small episodes.

    python benchmarks/compact.py [--episodes 100] [--seconds 10]

Two cameras of 640x480 at 30 fps, H.264 ultrafast, with noise.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture

FPS = 30
CAMERAS = ('observation.images.front', 'observation.images.wrist')


def make(root: Path, episodes: int, frames: int) -> None:
    camera = {
        'dtype': 'video', 'shape': [480, 640, 3], 'names': ['height', 'width', 'channels'],
    }  # fmt: skip
    joints = {'dtype': 'float32', 'shape': [6], 'names': [f'joint_{n}.pos' for n in range(6)]}
    info = DatasetInfo(FPS, {'action': joints, **dict.fromkeys(CAMERAS, camera)})
    rng = np.random.default_rng(0)
    film = [rng.integers(0, 12, (480, 640, 3), dtype=np.uint8) for _ in range(8)]
    film = [np.roll(np.full_like(one, 90), n * 9, 1) + one for n, one in enumerate(film)]
    with DatasetWriter.create(root, info) as writer:
        for episode in range(episodes):
            for frame in range(frames):
                pictures = {key: ArrayPicture(film[frame % 8]) for key in CAMERAS}
                values = {'action': np.full(6, frame + episode, np.float32)}
                writer.add_frame(values, pictures, 'Measure')
            writer.save_episode()


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--episodes', type=int, default=100)
    parser.add_argument('--seconds', type=float, default=10.0)
    options = parser.parse_args()
    frames = round(options.seconds * FPS)
    folder = Path(tempfile.mkdtemp(prefix='compact-'))
    try:
        make(folder / 'd', options.episodes, frames)
        for name in ('first run', 'second run'):
            wall, cpu = time.monotonic(), cpu_s()
            done = compact_dataset(folder / 'd')
            wall, cpu = time.monotonic() - wall, cpu_s() - cpu
            before, after = done.before, done.after
            packets = options.episodes * frames * len(CAMERAS)
            print(
                f'{name}: {before.data}+{before.videos}+{before.episodes} files, '
                f'{before.size / 2**20:.0f} MiB -> {after.data}+{after.videos}+{after.episodes}, '
                f'{after.size / 2**20:.0f} MiB; {wall:.2f} s, CPU {cpu:.2f} s, '
                f'{cpu / packets * 1e6:.0f} us a frame; load {os.getloadavg()[0]:.1f}'
            )
        sizes = [p.stat().st_size / 2**20 for p in layout.video_files(folder / 'd', CAMERAS[0])]
        print(f'{CAMERAS[0]}: {", ".join(f"{size:.0f}" for size in sizes)} MiB')
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
