"""What converting a bag costs: the shipped command, beside what could be, and beside others.

For each encoder: processor time per minute of bag, wall time against real time, peak memory,
rows and whether they are right, of ``lerobot-ros convert``; of a bare loop that reads the same
bag and encodes its pictures, without rows or statistics; of the real LeRobot library, fed the
same pictures and joints as arrays (reading and decoding cost it nothing); and of forge-robotics,
the one converter of such bags that pip can install (others refuse them). All in one run, all in
the background of the machine (nice 5, as the encoders of a recording are)::

    python -m benchmarks.convert_speed --seconds 60 --lerobot-python ~/venv_lerobot/bin/python
        --rival-python ~/venv_forge/bin/python

``--long 600`` converts a JPEG bag of so many seconds as well: memory must not grow with it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.film import make_film
from benchmarks.film_bag import (
    COMMANDS,
    FILM_FRAMES,
    FPS,
    JOINTS,
    STATES,
    BagPlan,
    joints_at,
    make_bag,
)
from benchmarks.processes import Child, load
from benchmarks.recording import scratch_folder
from lerobot_drivers.common.scheduling import stay_in_background

LOG = Path(tempfile.gettempdir()) / 'convert_speed.log'
"""What the processes said on stderr."""
AS_INSTALLED = {
    'HF_HUB_OFFLINE': '1',
    'PYTHONDONTWRITEBYTECODE': '',
    'PYTHONPYCACHEPREFIX': str(Path(tempfile.gettempdir()) / 'convert_speed.pyc'),
}
"""Modules are compiled once, as they are where pip has installed them."""
MOST_MB = 300.0
LEROBOT_IMPORT = 'import lerobot.datasets.lerobot_dataset'
FIRST_S = 0.001
"""Stamp of the first picture after that of the first joints [s]."""
MOST_LAG_S = 0.5


@dataclass(frozen=True)
class Way:
    """One way to convert.

    Attributes:
        name: the encoder, in words.
        flags: of the shipped command.
        floor: how many times faster than the bag's time it is to be.
        bare: encoder and preset of the bare loop, None where there is nothing to encode.
        lerobot: LeRobot's settings that make the same, None if there are none.
    """

    name: str
    flags: tuple[str, ...]
    floor: float
    bare: tuple[str, str] | None = None
    lerobot: str | None = None

    @property
    def keeps_jpeg(self) -> bool:
        """Whether it converts the bag of JPEGs."""
        return self.bare is None


def _x264(preset: str, floor: float) -> Way:
    flags = ('--dataset.rgb_encoder.vcodec=h264', f'--dataset.rgb_encoder.preset={preset}')
    return Way(f'x264 {preset}', flags, floor, ('libx264', preset), preset)


_AV1 = ('--dataset.rgb_encoder.vcodec=libsvtav1', '--dataset.rgb_encoder.preset=12')
WAYS = (
    _x264('ultrafast', 8.4),
    _x264('superfast', 5.6),
    Way('AV1 preset 12', _AV1, 2.1, ('libsvtav1', '12'), 'av1'),
    Way('JPEG kept', ('--dataset.rgb_encoder.vcodec=mjpeg',), 30.0),
)


@dataclass(frozen=True)
class Figures:
    """What one conversion cost and gave.

    Attributes:
        who: who converted.
        seconds: length of the bag [s].
        cpu_s: processor time, children included [s].
        wall_s: time [s].
        peak_mb: most resident memory [MB].
        rows: rows it made, 0 if unknown.
        verdict: whether they are right.
    """

    who: str
    seconds: float
    cpu_s: float
    wall_s: float
    peak_mb: float
    rows: int = 0
    verdict: str = ''

    @property
    def speed(self) -> float:
        """How many times faster than real time it was."""
        return self.seconds / self.wall_s

    def line(self) -> str:
        """Return it as a line of the table."""
        return (
            f'  {self.who:<24}{self.cpu_s * 60 / self.seconds:9.2f} {self.speed:9.1f} x'
            f'{self.peak_mb:9.0f} {self.rows or "-":>8}  {self.verdict}'
        )


def run(
    who: str, seconds: float, arguments: Sequence[str], python: str | None = None
) -> tuple[Figures, dict[str, Any]]:
    """Run a conversion as a process; return what it cost and the JSON it printed last."""
    began = time.monotonic()
    child = Child(arguments, python or sys.executable, AS_INSTALLED, LOG)
    printed = child.wait(3600.0)
    wall_s = time.monotonic() - began
    verdict = '' if child.process.returncode == 0 else f'ended with {child.process.returncode}'
    return Figures(who, seconds, child.cpu_s(), wall_s, child.peak_mb, 0, verdict), printed


def judged(figures: Figures, root: Path, rows: int) -> Figures:
    """Return figures with what the dataset says of the rows.

    Args:
        figures: the cost.
        root: the dataset.
        rows: how many there should be.
    """
    if figures.verdict:
        return figures
    try:
        table = pq.read_table(sorted((root / 'data').rglob('*.parquet')))
        states = np.stack(table['observation.state'].to_numpy(zero_copy_only=False))
    except (OSError, KeyError, ValueError) as error:
        return _with(figures, 0, f'no rows with states: {type(error).__name__}')
    videos = sorted(path.name for path in (root / 'videos').glob('*')) if root.exists() else []
    told = _told_lag(states)
    if abs(len(states) - rows) > 1:
        told = f'{rows} rows expected; {told}'
    if len(videos) != 2:
        told += f'; {len(videos)} of 2 cameras'
    return _with(figures, len(states), told)


def _with(figures: Figures, rows: int, verdict: str) -> Figures:
    return Figures(**{**asdict(figures), 'rows': rows, 'verdict': verdict})


def _told_lag(states: NDArray[Any]) -> str:
    """Return how late the joints are against the pictures' grid, at its begin and its end."""
    if states.shape[1:] != (JOINTS,):
        return f'joints have shape {states.shape[1:]}, expected {(JOINTS,)}'
    third = max(30, len(states) // 3)
    begin_ms = 1e3 * lag_s(states[:third], 0)
    end_ms = 1e3 * lag_s(states[-third:], len(states) - third)
    if max(abs(begin_ms), abs(end_ms)) > 1e3 * MOST_LAG_S - 1:
        return 'joints and rows have nothing to do with each other'
    return f'joints {begin_ms:+.1f} ms at begin, {end_ms:+.1f} ms at end'


def lag_s(states: NDArray[Any], first_row: int) -> float:
    """Return the shift in time that fits rows best [s]."""
    shifts = np.arange(-MOST_LAG_S, MOST_LAG_S, 0.0005)
    at_s = FIRST_S + (first_row + np.arange(len(states))) / FPS
    found = []
    for shift in shifts:
        true = np.stack([joints_at(float(at)) for at in at_s[::5] - shift])
        found.append(float(np.mean((true - states[::5]) ** 2)))
    return float(shifts[int(np.argmin(found))])


def ours(way: Way, bag: Path, plan: BagPlan, root: Path) -> Figures:
    """Convert by the shipped command."""
    cameras = ', '.join(f'{name}: {topic}' for name, topic in plan.topics.items())
    arguments = ['-m', 'lerobot_drivers.cli', 'convert', str(bag), '--dataset.repo_id=b/film']
    arguments += [f'--dataset.root={root}', '--dataset.single_task=Benchmark']
    arguments += [f'--topics.state={STATES}', f'--topics.action={COMMANDS}']
    arguments += [f'--topics.cameras={{{cameras}}}', *way.flags]
    figures, _ = run('lerobot-ros convert', plan.seconds, arguments)
    return judged(figures, root, plan.pictures)


def bare(way: Way, bag: Path, plan: BagPlan, root: Path) -> Figures:
    """Read and encode, nothing else."""
    assert way.bare is not None
    (file,) = bag.glob('*.mcap')
    arguments = ['-m', 'benchmarks.bare_convert', str(file), str(root)]
    arguments += ['--vcodec', way.bare[0], '--preset', way.bare[1]]
    figures, printed = run('read and encode alone', plan.seconds, arguments)
    return _with(figures, int(printed.get('rows', 0)), figures.verdict or 'no dataset')


def lerobot(python: str, way: Way, film: Path, plan: BagPlan, root: Path) -> Figures:
    """Let LeRobot make a dataset of the same pictures, given to it as arrays."""
    assert way.lerobot is not None
    program = str(Path(__file__).with_name('lerobot_film.py'))
    arguments = [program, str(film), str(root), '--mode', way.lerobot, '--at-once']
    figures, printed = run(
        'LeRobot, given arrays', plan.seconds, [*arguments, '--frames', str(plan.pictures)], python
    )
    rows = int(printed.get('frames', 0)) // 2
    return _with(figures, rows, figures.verdict or f'LeRobot {printed.get("version")}, as given')


def rival(python: str, bag: Path, plan: BagPlan, root: Path) -> Figures:
    """Let forge-robotics convert."""
    forge = str(Path(python).with_name('forge'))
    (file,) = bag.glob('*.mcap')
    arguments = [forge, 'convert', str(file), str(root), '--format', 'lerobot-v3', '--fps', '30']
    figures, _ = run('forge-robotics', plan.seconds, arguments, python)
    return judged(figures, root, plan.pictures)


def measure(options: argparse.Namespace, way: Way, bag: Path, folder: Path) -> list[Figures]:
    """Convert a bag in every way there is, print and return the figures."""
    jpeg = options.jpeg if way.keeps_jpeg else 0
    plan = BagPlan(options.seconds, jpeg)
    name = way.name.replace(' ', '_')
    print(f'{way.name}: {plan.described()}')
    print(f'  {"":<24}{"CPU s/min":>9} {"real time":>11}{"peak MB":>9} {"rows":>8}')
    found = [ours(way, bag, plan, folder / f'{name}-ours')]
    print(found[0].line())
    if way.bare is not None:
        found.append(bare(way, bag, plan, folder / f'{name}-bare'))
        print(found[-1].line())
    if way.lerobot is not None and options.lerobot_python:
        film, root = folder / 'film.npy', folder / f'{name}-lerobot'
        found.append(lerobot(options.lerobot_python, way, film, plan, root))
        print(found[-1].line())
    if options.rival_python and way.name in (WAYS[0].name, WAYS[-1].name):
        found.append(rival(options.rival_python, bag, plan, folder / f'{name}-rival'))
        print(found[-1].line())
    _compare(way, found)
    return found


def _compare(way: Way, found: list[Figures]) -> None:
    mine, *others = found
    reached = mine.speed >= way.floor and mine.peak_mb < MOST_MB
    print(
        f'  {mine.speed:.1f} x real time (goal {way.floor}), {mine.peak_mb:.0f} MB '
        f'(goal {MOST_MB:.0f}): {"reached" if reached else "NOT reached"}'
    )
    for other in others:
        print(
            f'  ours / {other.who}: CPU {mine.cpu_s / other.cpu_s:.2f}, '
            f'wall {mine.wall_s / other.wall_s:.2f}'
        )


def measure_length(options: argparse.Namespace, folder: Path) -> list[Figures]:
    """Convert a long bag of JPEGs, to see whether memory grows with the bag."""
    way, plan = WAYS[-1], BagPlan(options.long, options.jpeg)
    bag = folder / 'long-bag'
    make_bag(bag, plan)
    print(f'{way.name}: {plan.described()}')
    found = ours(way, bag, plan, folder / 'long')
    print(found.line())
    return [found]


def _compile(options: argparse.Namespace) -> None:
    """Import once what will be run, for its compiled modules."""
    run('', 1, ['-c', 'import lerobot_recorder.commands.convert, benchmarks.bare_convert'])
    if options.lerobot_python:
        run('', 1, ['-c', LEROBOT_IMPORT], options.lerobot_python)
    if options.rival_python:
        forge = str(Path(options.rival_python).with_name('forge'))
        run('', 1, [forge, 'convert', '--help'], options.rival_python)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--scratch', type=Path, help='folder for bags and datasets')
    parser.add_argument('--seconds', type=float, default=20.0, help='length of the bags')
    parser.add_argument('--long', type=float, default=0.0, help='length of one more bag of JPEGs')
    parser.add_argument('--jpeg', type=int, default=90, help='quality of its JPEGs')
    parser.add_argument('--only', nargs='*', help='parts of names, such as ultrafast')
    parser.add_argument('--lerobot-python', default=os.environ.get('LEROBOT_PYTHON'))
    parser.add_argument('--rival-python', help='interpreter that has forge-robotics')
    parser.add_argument('--json', type=Path, help='file for the figures')
    options = parser.parse_args()
    for name, flag in (('LeRobot', options.lerobot_python), ('rival', options.rival_python)):
        if not flag:
            print(f'SKIPPED: no --{name.lower()}-python, nothing is compared with it')
    stay_in_background()
    print(load())
    _compile(options)
    figures: dict[str, list[Figures]] = {}
    with scratch_folder(options) as scratch:
        folder = Path(scratch)
        make_film(folder / 'film.npy', FILM_FRAMES)
        for way in WAYS:
            if options.only and not any(part in way.name for part in options.only):
                continue
            bag = folder / ('jpeg' if way.keeps_jpeg else 'raw')
            if not bag.exists():
                make_bag(bag, BagPlan(options.seconds, options.jpeg if way.keeps_jpeg else 0))
            figures[way.name] = measure(options, way, bag, folder)
        if options.long:
            figures['long'] = measure_length(options, folder)
    print(load())
    if options.json:
        told = {name: [asdict(one) for one in found] for name, found in figures.items()}
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == '__main__':
    main()
