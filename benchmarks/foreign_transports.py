"""How many pictures of untuned strangers arrive: best effort and reliable, 1, 2 and 4 cameras.

Each case is one recording by the recorder with its defaults, with Fast DDS's own transports in
its place, and by default with publishers set as we tell users to set them::

    python -m benchmarks.foreign_transports --cameras 1,2,4 --seconds 6
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import load
from benchmarks.recording import Cameras, add_options, film_of, record, scratch_folder
from lerobot_drivers.common.processes import TRANSPORTS_VARIABLE, has_large_sockets


@dataclass(frozen=True)
class Setting:
    """Who is tuned.

    Attributes:
        name: for the table.
        publishers: the publishers have the shared-memory profile.
        recorder: the recorder has the receiver's profile, as it does by default.
    """

    name: str
    publishers: bool
    recorder: bool


SETTINGS = (
    Setting('publishers untuned, recorder as it ships', False, True),
    Setting('publishers untuned, recorder without its profile', False, False),
    Setting('publishers with the profile, recorder as it ships', True, True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    add_options(parser)
    parser.add_argument('--cameras', default='1,2,4')
    parser.add_argument('--seconds', type=float, default=6.0)
    options = parser.parse_args()
    print(f'net.core.rmem_max is large enough: {has_large_sockets()}; {load()}')
    with scratch_folder(options) as folder:
        film = film_of(options, Path(folder))
        case = 0
        for setting in SETTINGS:
            for reliability in ('best_effort', 'reliable'):
                for count in map(int, options.cameras.split(',')):
                    case += 1
                    cameras = Cameras(count, 1, reliability, setting.publishers)
                    if not setting.recorder:
                        os.environ[TRANSPORTS_VARIABLE] = 'DEFAULT'
                    figures = record(cameras, film, Path(folder) / f'{case}', options.seconds)
                    os.environ.pop(TRANSPORTS_VARIABLE, None)
                    arrived, lost = sum(figures.arrived.values()), figures.lost
                    print(
                        f'{setting.name}; {reliability}, {count} cameras: '
                        f'{arrived} of {arrived + lost} arrived '
                        f'({100 * arrived / max(arrived + lost, 1):.1f} %), recorder '
                        f'{figures.per_frame_ms():.2f} ms CPU per frame, everything else '
                        f'{figures.others_cpu_s / figures.wall_s:.2f} core',
                        flush=True,
                    )
    print(load())


if __name__ == '__main__':
    main()
