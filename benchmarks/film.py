"""A film for the benchmarks: a table, an arm that moves over it, sensor noise, as a file of RGB.

    python -m benchmarks.film FILM.npy --frames 60

Played forwards and backwards it has no cut. Not a real scene: codecs are compared on it with
each other, within one run.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

NOISE_SIGMA = 2.0
_LINKS = ((0.30, 0.075, (45, 42, 40)), (0.24, 0.06, (205, 125, 30)), (0.12, 0.04, (225, 225, 220)))
"""Length and thickness, as shares of the picture's height, and colour of the arm's links."""


def make_film(path: Path, frames: int, size: tuple[int, int] = (480, 640)) -> None:
    """Write a film, shape (frames, height, width, 3), as a file for numpy.

    Args:
        path: where to.
        frames: how many.
        size: height and width [px].
    """
    random = np.random.default_rng(5)
    table = _table(random, size)
    noises = [random.normal(0, NOISE_SIGMA, (*size, 3)).astype(np.float32) for _ in range(8)]
    film = np.lib.format.open_memmap(path, 'w+', np.uint8, (frames, *size, 3))
    for number in range(frames):
        picture = table.copy()
        _draw_arm(picture, number / 30.0)
        picture += noises[random.integers(len(noises))]
        film[number] = picture.clip(0, 255).astype(np.uint8)
    film.flush()


def open_film(path: Path) -> Pixels:
    """Return a film without reading it into memory."""
    return np.load(path, mmap_mode='r')


def frame_at(number: int, frames: int) -> int:
    """Return which frame of a film is the n-th of its endless playing to and fro."""
    if frames == 1:
        return 0
    place = number % (2 * frames - 2)
    return place if place < frames else 2 * frames - 2 - place


def psnr_db(picture: Pixels, original: Pixels) -> float:
    """Return how close a picture is to its original, over all channels [dB]."""
    difference = picture.astype(np.float32) - original.astype(np.float32)
    return 10 * math.log10(255.0**2 / max(float(np.mean(difference**2)), 1e-9))


def _table(random: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a textured, unevenly lit surface."""
    height, width = size
    table = np.full((*size, 3), (110.0, 105.0, 98.0), np.float32)
    for cells, strength in ((3, 30.0), (12, 22.0), (48, 12.0), (160, 6.0)):
        rows = random.normal(0, strength, (cells, cells * width // height, 3)).astype(np.float32)
        table += cv2.resize(rows, (width, height), interpolation=cv2.INTER_CUBIC)
    return table


def _draw_arm(picture: NDArray[np.float32], at_s: float) -> None:
    height, width = picture.shape[:2]
    x, y = width * 0.5, height * 0.95
    angle = -math.pi / 2
    for number, (length, thickness, colour) in enumerate(_LINKS):
        angle += 0.7 * math.sin(at_s * (0.9 + 0.5 * number) + number)
        end_x, end_y = x + length * height * math.cos(angle), y + length * height * math.sin(angle)
        ends = (round(x), round(y)), (round(end_x), round(end_y))
        cv2.line(picture, *ends, colour, round(thickness * height), cv2.LINE_AA)
        x, y = end_x, end_y


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('path', type=Path)
    parser.add_argument('--frames', type=int, default=60)
    options = parser.parse_args()
    make_film(options.path, options.frames)


if __name__ == '__main__':
    main()
