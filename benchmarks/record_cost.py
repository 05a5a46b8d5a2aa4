"""What a recorded picture costs, from the message that arrives to the durable file.

Foreign publishers (plain rclpy, processes of their own) play a film; ``lerobot-ros record``
attaches and records one episode for each encoder::

    python -m benchmarks.record_cost --encoder preset=ultrafast --encoder preset=superfast

An encoder is any ``--dataset.rgb_encoder.*`` of the recorder, comma between; ``--jpeg 90`` lets
the cameras send JPEGs. Processor time is that of all threads of the recorder, transport, rows,
statistics and the saving of the episode included, per camera and row.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.processes import load
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

ENCODERS = ['preset=ultrafast', 'preset=superfast']


def report(name: str, figures: Figures, bare_ms: float | None = None) -> None:
    cameras = max(len(figures.arrived), 1)
    frames = max(figures.rows * cameras, 1)
    published, arrived = sum(figures.published.values()), sum(figures.arrived.values())
    print(
        f'{name}: {figures.per_frame_ms():.2f} ms CPU per frame '
        f'({figures.cpu_s / figures.wall_s:.2f} core), {figures.codec}, '
        f'{figures.video_bytes / frames / 1000:.1f} kB per frame, PSNR {figures.psnr_db:.1f} dB'
    )
    if bare_ms is not None:
        print(
            f'  the encoder alone {bare_ms:.2f} ms on this film, just now; '
            f'recorder / encoder = {figures.per_frame_ms() / bare_ms:.2f}'
        )
    peak = max((rss for _, rss, _ in figures.memory_mb), default=0.0)
    anonymous = max((part for *_, part in figures.memory_mb), default=0.0)
    print(
        f'  {figures.rows} rows x {cameras} cameras, published {published}, arrived {arrived}, '
        f'lost {figures.lost}, defects {figures.defects or "none"}; '
        f'RSS {peak:.0f} MB ({anonymous:.0f} MB anonymous); '
        f'publishers {figures.publishers_cpu_s / figures.wall_s:.2f} core, everything else '
        f'{figures.others_cpu_s / figures.wall_s:.2f}; stolen {figures.steal_s:.1f} s'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    add_options(parser)
    parser.add_argument('--cameras', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=15.0)
    parser.add_argument('--encoder', action='append', help='such as preset=ultrafast,crf=21')
    parser.add_argument('--jpeg', type=int, default=0, help='quality of compressed pictures')
    options = parser.parse_args()
    cameras = Cameras.of(options, options.cameras, options.jpeg)
    print(f'{cameras.described()}; {load()}')
    with scratch_folder(options) as folder:
        film = film_of(options, Path(folder))
        for number, encoder in enumerate(options.encoder or ENCODERS):
            root = Path(folder) / f'dataset{number}'
            figures = record(cameras, film, root, options.seconds, encoder_flags(encoder))
            report(encoder, figures, bare_encoder_ms(encoder, film))
    print(load())


if __name__ == '__main__':
    main()
