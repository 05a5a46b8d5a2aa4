"""Many cameras at once: is every picture there, how much of a core, how much memory over time?

    python -m benchmarks.many_cameras --cameras 8 --encoder preset=ultrafast --minutes 10

Exits 1 if a picture that arrived is not in the dataset, or one that was sent did not arrive.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.processes import load
from benchmarks.record_cost import report
from benchmarks.recording import (
    Cameras,
    Figures,
    add_options,
    bare_encoder_ms,
    encoder_flags,
    film_of,
    record,
    scratch_folder,
)

LIMIT_MB, LIMIT_MB_PER_CAMERA, LIMIT_MB_PER_AV1 = 150, 40, 90


def told_memory(figures: Figures, seconds: float, cameras: int, is_av1: bool) -> None:
    """Print resident memory over time, and how fast it grows after the first fifth."""
    times = np.array([at for at, *_ in figures.memory_mb])
    sizes = np.array([rss for _, rss, _ in figures.memory_mb])
    marks = np.interp(np.linspace(0, times[-1], 7), times, sizes)
    limit = LIMIT_MB + (LIMIT_MB_PER_AV1 if is_av1 else LIMIT_MB_PER_CAMERA) * cameras
    print(
        f'  RSS over time {", ".join(f"{size:.0f}" for size in marks)} MB '
        f'(limit {limit} MB), {figures.slope_mb_per_min(seconds / 5):+.2f} MB/min '
        f'after {seconds / 5:.0f} s; real-time threads: {figures.real_time or "none"}'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    add_options(parser)
    parser.add_argument('--cameras', type=int, default=8)
    parser.add_argument('--minutes', type=float, default=0.5)
    parser.add_argument('--encoder', default='preset=ultrafast')
    parser.add_argument('--jpeg', type=int, default=0, help='quality of compressed pictures')
    options = parser.parse_args()
    cameras = Cameras.of(options, options.cameras, options.jpeg)
    seconds = options.minutes * 60
    print(f'{cameras.described()}, {options.minutes} min; {load()}')
    with scratch_folder(options) as folder:
        film = film_of(options, Path(folder))
        root = Path(folder) / 'dataset'
        figures = record(cameras, film, root, seconds, encoder_flags(options.encoder))
        bare_ms = bare_encoder_ms(options.encoder, film)
    report(options.encoder, figures, bare_ms)
    told_memory(figures, seconds, options.cameras, figures.codec == 'av1')
    print(load())
    lost = figures.lost + figures.missing
    if lost or figures.real_time:
        sys.exit(f'{lost} pictures lost or missing; real-time threads: {figures.real_time}')


if __name__ == '__main__':
    main()
