from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture

CAMERA = 'observation.images.front'
JOINTS = [f'joint_{number}.pos' for number in range(3)]
HEIGHT, WIDTH = 48, 64


def features(cameras=(CAMERA,), dtype='video'):
    vector = {'dtype': 'float32', 'shape': [3], 'names': JOINTS}
    names = ['height', 'width', 'channels']
    entries = {'action': dict(vector), 'observation.state': dict(vector)}
    for camera in cameras:
        entries[camera] = {'dtype': dtype, 'shape': [HEIGHT, WIDTH, 3], 'names': names}
    return entries


@dataclass
class Film:
    """Makes frames that can be told apart, and remembers the rows of each saved episode."""

    info: DatasetInfo
    saved: list[list[dict]] = field(default_factory=list)
    running: list[dict] = field(default_factory=list)
    count: int = 0

    def frame(self):
        rng = np.random.default_rng(self.count)
        values = {}
        for key, feature in self.info.features.items():
            shape = tuple(feature['shape'])
            if feature['dtype'] == 'string':
                values[key] = f'text {self.count}'
            elif feature['dtype'] not in ('video', 'image'):
                values[key] = (rng.normal(size=shape) * 100).astype(feature['dtype'])
        return values

    def picture(self, camera):
        rows = np.arange(HEIGHT)[:, None]
        columns = np.arange(WIDTH)[None, :]
        red = 40 + 2 * rows + 0 * columns
        green = 40 + 2 * columns + 0 * rows
        blue = np.full((HEIGHT, WIDTH), 20 + 11 * (self.count % 20))
        return np.stack([red, green, blue], axis=2).astype(np.uint8)

    def add(self, writer, count=1, task='Pick up the cube'):
        for _ in range(count):
            values = self.frame()
            cameras = [
                k for k, f in self.info.features.items() if f['dtype'] in ('video', 'image')
            ]
            pictures = {camera: self.picture(camera) for camera in cameras}
            writer.add_frame(values, {key: ArrayPicture(p) for key, p in pictures.items()}, task)
            self.running.append({'values': values, 'pictures': pictures, 'task': task})
            self.count += 1

    def save(self, writer, record=None):
        result = writer.save_episode(record)
        self.saved.append(self.running)
        self.running = []
        return result

    def discard(self, writer):
        writer.discard_episode()
        self.running = []

    def episode(self, writer, count=5, task='Pick up the cube', record=None):
        self.add(writer, count, task)
        return self.save(writer, record)


def same_rows(view, frames):
    """Whether an episode on disk holds exactly these frames (pictures apart)."""
    assert view.length == len(frames)
    assert list(view.row_tasks) == [frame['task'] for frame in frames]
    for key in frames[0]['values']:
        expected = [frame['values'][key] for frame in frames]
        found = view.rows[key]
        if isinstance(expected[0], str):
            assert list(found) == expected
        else:
            np.testing.assert_array_equal(
                found, np.stack(expected).reshape(found.shape), strict=True
            )


def psnr(found, expected):
    error = np.mean((found.astype(float) - expected.astype(float)) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


@pytest.fixture
def info():
    return DatasetInfo(10, features(), 'so_follower')


@pytest.fixture
def film(info):
    return Film(info)


@pytest.fixture(scope='session')
def _template(tmp_path_factory):
    film = Film(DatasetInfo(10, features(), 'so_follower'))
    root = tmp_path_factory.mktemp('template') / 'good'
    with DatasetWriter.create(root, film.info) as writer:
        film.episode(writer, 5)
        film.episode(writer, 7, 'Place the cube')
        film.episode(writer, 6)
    return root, film


@pytest.fixture
def good(tmp_path, film, _template):
    """A good dataset of three episodes and two tasks."""
    root, made = _template
    film.saved, film.count = list(made.saved), made.count
    return Path(shutil.copytree(root, tmp_path / 'good'))


@pytest.fixture(scope='session')
def tools():
    """Helpers for tests that bring their own features."""

    class Tools:
        Film = Film
        features = staticmethod(features)
        same_rows = staticmethod(same_rows)
        psnr = staticmethod(psnr)
        CAMERA = CAMERA
        HEIGHT, WIDTH = HEIGHT, WIDTH

        @staticmethod
        def tree(root: Path) -> list[str]:
            return sorted(
                path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file()
            )

    return Tools
