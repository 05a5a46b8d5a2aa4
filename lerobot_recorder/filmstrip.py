"""A dataset at a glance: one row of pictures per episode and camera, with its joints."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetError
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView

COLUMNS = 6
TILE_HEIGHT = 180
PLOT_HEIGHT = 150
MARGIN = 8
MIN_WIDTH = 720
SUFFIXES = ('.png', '.jpg', '.jpeg')
_TEXT = (40, 40, 40)
_COLOURS = [
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75),
]  # fmt: skip


def write_filmstrip(reader: DatasetReader, path: Path, max_episodes: int = 3) -> None:
    """Write a picture of the first episodes.

    Args:
        reader: the dataset.
        path: where the PNG or JPEG goes; its suffix says which.
        max_episodes: how many episodes to show at most.

    Raises:
        DatasetError: there is no episode, or the picture cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(f'a filmstrip ends with {" or ".join(SUFFIXES)}, found {path}')
    if not path.parent.is_dir():
        raise DatasetError(f'there is no folder {path.parent} for the filmstrip')
    if not reader.num_episodes:
        raise DatasetError(f'{reader.root} has no episodes to show')
    strips = [
        _episode(reader, reader.episode(index), index)
        for index in range(min(reader.num_episodes, max_episodes))
    ]
    width = max(strip.shape[1] for strip in strips)
    picture = np.vstack([_pad(strip, width) for strip in strips])
    if not cv2.imwrite(str(path), picture[..., ::-1]):
        raise DatasetError(f'cannot write a picture of {reader.root} to {path}')


def _episode(reader: DatasetReader, episode: EpisodeView, index: int) -> NDArray[np.uint8]:
    columns = np.unique(np.linspace(0, episode.length - 1, COLUMNS).round().astype(int))
    rows = []
    for camera in reader.cameras:
        tiles = [_tile(episode.frame(camera, int(at))) for at in columns]
        rows.append(np.hstack(tiles))
    width = max([MIN_WIDTH, *(row.shape[1] for row in rows)])
    seconds = episode.length / reader.fps
    told = ', '.join(episode.tasks)
    title = f'episode {index}: {episode.length} frames, {seconds:.1f} s, {told}'
    parts = [_title(title, width), *rows, _plot(episode, width)]
    return np.vstack([_pad(part, width) for part in parts])


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    size = (max(1, round(width * TILE_HEIGHT / height)), TILE_HEIGHT)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _title(text: str, width: int) -> NDArray[np.uint8]:
    bar = np.full((28, width, 3), 255, np.uint8)
    cv2.putText(bar, text, (MARGIN, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    return bar


def _plot(episode: EpisodeView, width: int) -> NDArray[np.uint8]:
    """Return the joints over time: what was measured as lines, what was asked for dotted."""
    plot = np.full((PLOT_HEIGHT, width, 3), 250, np.uint8)
    lines = {key: _columns(episode, key) for key in (ACTION, OBSERVATION_STATE)}
    values = np.concatenate([line.ravel() for line in lines.values()])
    values = values[np.isfinite(values)]
    if episode.length < 2 or not len(values):
        return plot
    low, span = float(values.min()), max(float(np.ptp(values)), 1e-6)
    xs = np.linspace(MARGIN, width - MARGIN, episode.length)
    for key, line in lines.items():
        for joint in range(line.shape[1]):
            heights = (line[:, joint] - low) / span * (PLOT_HEIGHT - 2 * MARGIN)
            points = np.stack([xs, PLOT_HEIGHT - MARGIN - heights], axis=1)
            points = points[np.isfinite(heights)].round().astype(np.int32)
            _draw(plot, points, _COLOURS[joint % len(_COLOURS)], key == ACTION)
    return plot


def _columns(episode: EpisodeView, key: str) -> NDArray[np.float64]:
    """Return a feature of an episode, shape (length, n); n is 0 where there is none."""
    values = np.asarray(episode.rows.get(key, ()), dtype=np.float64)
    return values.reshape(episode.length, -1)


def _draw(
    plot: NDArray[np.uint8], points: NDArray[np.int32], colour: tuple[int, int, int], dotted: bool
) -> None:
    if not len(points):
        return
    if not dotted:
        cv2.polylines(plot, [points], False, colour, 1, cv2.LINE_AA)
        return
    for x, y in points[::3]:
        cv2.circle(plot, (int(x), int(y)), 1, colour, -1, cv2.LINE_AA)


def _pad(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    missing = width - picture.shape[1]
    padding = ((0, MARGIN), (0, max(missing, 0)), (0, 0))
    return np.pad(picture, padding, constant_values=255)
