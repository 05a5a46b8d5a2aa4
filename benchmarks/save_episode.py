"""How long does saving an episode keep the operator waiting, and does that grow with the dataset?

Measured through the shipped writer, cameras of 640x480 paced at 30 Hz as in a recording::

    python -m benchmarks.save_episode [--codec=h264] [--seconds=10,60] [--episodes=1,100,1000]

accept: from the operator's word until the next frame was taken; durable: until the episode
counts; discard: until the next frame was taken after giving up an episode; resume: opening the
dataset, closed properly or killed. Datasets of many episodes are made of copies of one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_recorder.dataset import info, layout, repair
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter, VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture

HEIGHT, WIDTH, FPS = 480, 640, 30
CAMERAS = ('observation.images.front', 'observation.images.wrist')
JOINTS = [f'joint_{number}.pos' for number in range(7)]
GOAL_ACCEPT_MS, GOAL_DISCARD_MS = 50.0, 20.0


def dataset_info(codec: str) -> DatasetInfo:
    vector = {'dtype': 'float32', 'shape': [len(JOINTS)], 'names': JOINTS}
    names = ['height', 'width', 'channels']
    camera = {'dtype': 'video', 'shape': [HEIGHT, WIDTH, 3], 'names': names}
    features = {'action': vector, 'observation.state': dict(vector)}
    features |= {key: dict(camera) for key in CAMERAS}
    video = VideoConfig() if codec == 'h264' else VideoConfig(codec=codec, preset='12', crf=30)
    return DatasetInfo(FPS, features, 'so_follower', video)


def film(count: int = 30) -> list[NDArray[np.uint8]]:
    """Return a moving scene with sensor noise."""
    rng = np.random.default_rng(0)
    small = rng.integers(30, 225, (HEIGHT // 40, WIDTH // 40, 3)).astype(np.uint8)
    scene = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noise = rng.normal(0, 2.0, (HEIGHT, WIDTH, 3)).astype(np.int16)
    moved = (np.roll(scene, 4 * k, 1) + np.roll(noise, 17 * k, 0) for k in range(count))
    return [picture.clip(0, 255).astype(np.uint8) for picture in moved]


class Filmer:
    """Adds frames, paced or as fast as they go."""

    def __init__(self, codec: str) -> None:
        self.info = dataset_info(codec)
        self._film = film()
        self._count = 0

    def add(self, writer: DatasetWriter, frames: int, paced: bool = False) -> None:
        """Add frames, at their rate if they are to be paced."""
        begin = time.monotonic()
        for number in range(frames):
            if paced:
                time.sleep(max(0.0, begin + number / FPS - time.monotonic()))
            picture = self._film[self._count % len(self._film)]
            self._count += 1
            values = np.full(len(JOINTS), self._count, np.float32)
            row = {'action': values, 'observation.state': values}
            writer.add_frame(row, {key: ArrayPicture(picture) for key in CAMERAS}, 'Fold it')

    def record(self, writer: DatasetWriter, seconds: float) -> None:
        """Record an episode: unpaced but for its end, so that the encoders have caught up."""
        frames = round(seconds * FPS)
        self.add(writer, frames - FPS)
        self.add(writer, FPS, paced=True)


def multiplied(source: Path, root: Path, episodes: int) -> None:
    """Make a dataset of copies of the one episode of another; as it were never closed by us."""
    shutil.copytree(source, root)
    (root / 'meta/ros/seal.json').unlink()
    data, row = (
        pq.read_table(root / path(layout.FIRST_FILE))
        for path in (layout.data_file, layout.episodes_file)
    )
    length = len(data)
    number = layout.FIRST_FILE
    for index in range(1, episodes):
        number = number.next()
        _write_copy(root, number, index, data)
        _write_row(root, number, index, row, length)
        for key in CAMERAS:
            target = root / layout.video_file(key, number)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(root / layout.video_file(key, layout.FIRST_FILE), target)
    document = info.read(root)
    info.write(root, info.with_totals(document, episodes, episodes * length, 1))
    os.sync()  # else the disk is still busy with all that while savings are measured


def _write_copy(root: Path, number: layout.FileIndex, index: int, data: pq.Table) -> None:
    length = len(data)
    columns = {'episode_index': np.full(length, index)}
    columns['index'] = np.arange(length) + index * length
    for name, values in columns.items():
        data = data.set_column(data.schema.get_field_index(name), name, [values])
    path = root / layout.data_file(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, path)


def _write_row(
    root: Path, number: layout.FileIndex, index: int, row: pq.Table, length: int
) -> None:
    values = {
        'episode_index': index,
        'dataset_from_index': index * length,
        'dataset_to_index': (index + 1) * length,
    }
    for folder in ('data', 'meta/episodes', *(f'videos/{key}' for key in CAMERAS)):
        values |= {f'{folder}/chunk_index': number.chunk, f'{folder}/file_index': number.file}
    for name, value in values.items():
        row = row.set_column(row.schema.get_field_index(name), row.schema.field(name), [[value]])
    path = root / layout.episodes_file(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(row, path)


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    into.append(1e3 * (time.perf_counter() - begin))


def line(name: str, times: list[float], more: str = '') -> None:
    p50, p95 = np.percentile(times, [50, 95])
    load = os.getloadavg()[0]
    print(
        f'  {name:<28} p50 {p50:8.1f}  p95 {p95:8.1f}  max {max(times):8.1f} ms '
        f'({len(times)} times, load {load:.1f}){more}'
    )


def measure_saving(filmer: Filmer, root: Path, seconds: float, rounds: int) -> None:
    accept: list[float] = []
    durable: list[float] = []
    cpu: list[float] = []
    with DatasetWriter.resume(root, filmer.info) as writer:
        for _ in range(rounds):
            filmer.record(writer, seconds)
            before = time.process_time()
            begin = time.perf_counter()
            with timed(accept):
                pending = writer.accept_episode()
                filmer.add(writer, 1)
            pending.wait()
            durable.append(1e3 * (time.perf_counter() - begin))
            cpu.append(1e3 * (time.process_time() - before))
            writer.discard_episode()
    line(f'{seconds:g} s episode: accept', accept)
    line(f'{seconds:g} s episode: durable', durable, f', {np.median(cpu):.0f} ms CPU')


def measure_discard(filmer: Filmer, root: Path, rounds: int) -> None:
    """Discard with full queues: the worst case."""
    times: list[float] = []
    gone: list[float] = []
    with DatasetWriter.resume(root, filmer.info) as writer:
        for _ in range(rounds):
            filmer.add(writer, 3 * FPS)
            with timed(times):
                writer.discard_episode()
            with timed(gone):
                filmer.add(writer, 1)
            writer.discard_episode()
    line('discard, queues full', times)
    line('  first frame after it', gone)


def opened(root: Path, filmer: Filmer) -> float:
    times: list[float] = []
    with timed(times):
        writer = DatasetWriter.resume(root, filmer.info)
    writer.finalize()
    return times[0]


def measure_opening(filmer: Filmer, root: Path) -> None:
    repair_times: list[float] = []
    (root / layout.RECORDING).mkdir()
    with timed(repair_times):
        repair.repair_dataset(root)
    print(f'  opening: repair after a crash (all is checked) {repair_times[0]:.0f} ms')
    sealed = [opened(root, filmer) for _ in range(5)]
    line('resume, closed properly', sealed)
    os.utime(root / layout.data_file(layout.FIRST_FILE))
    print(f'  resume, a file was touched (all is checked) {opened(root, filmer):.0f} ms')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--codec', default='h264')
    parser.add_argument('--seconds', default='10,60')
    parser.add_argument('--episodes', default='1,100,1000')
    parser.add_argument('--rounds', type=int, default=8)
    args = parser.parse_args()
    filmer = Filmer(args.codec)
    print(
        f'{len(CAMERAS)} cameras {WIDTH}x{HEIGHT} at {FPS} Hz, {args.codec}; '
        f'goals: accept p95 {GOAL_ACCEPT_MS:.0f} ms, discard {GOAL_DISCARD_MS:.0f} ms'
    )
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / 'one'
        with DatasetWriter.create(one, filmer.info) as writer:
            filmer.add(writer, 3 * FPS)
            writer.save_episode()
        for episodes in map(int, args.episodes.split(',')):
            root = Path(folder) / f'of_{episodes}'
            multiplied(one, root, episodes)
            print(f'{episodes} episodes before:')
            measure_opening(filmer, root)
            for seconds in map(float, args.seconds.split(',')):
                measure_saving(filmer, root, seconds, args.rounds if seconds <= 20 else 3)
            measure_discard(filmer, root, args.rounds)
            shutil.rmtree(root)


if __name__ == '__main__':
    main()
