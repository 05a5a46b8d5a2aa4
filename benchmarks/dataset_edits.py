"""Our edits of datasets beside LeRobot's own, on the same datasets, in one run.

    python -m benchmarks.dataset_edits --lerobot-python ~/venv_lerobot/bin/python

Two datasets of two cameras, 640x480 at 30 fps, H.264, joined into large files. What both make of
them is compared row by row, picture by picture. Without --lerobot-python only ours run. LeRobot's
recompute_stats computes numbers in stats.json alone; ours those of all episodes, and pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compact import FPS, make
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.edits.recompute import recompute
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

DELETED = (1, 4)
CHILD = Path(__file__).with_name('edit_child.py')


def run(python: str, whose: str, edit: str, words: Sequence[str]) -> dict[str, Any]:
    """Let a process of its own do one edit; return its figures."""
    environment = {**os.environ, 'HF_HUB_OFFLINE': '1', 'PYTHONPATH': os.getcwd()}
    if whose == 'lerobot':
        environment |= {'LD_LIBRARY_PATH': '', '_ROS_WHEELS_BOOTSTRAP_COMPLETE': ''}
    done = subprocess.run(
        [python, str(CHILD), whose, edit, *words], env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f'{whose}, {edit}: {done.stderr[-2000:]}')
    return dict(json.loads(done.stdout.splitlines()[-1]))


def told(name: str, found: dict[str, Any]) -> str:
    return (
        f'{name:<28} {found["wall_s"]:8.2f} s  CPU {found["cpu_s"]:8.2f} s  '
        f'written {found["bytes"] / 2**20:8.1f} MiB  peak {found["peak_mb"]:6.0f} MB'
    )


def compare(ours: Path, theirs: Path) -> str:
    """Return how two datasets differ in what a reader sees."""
    one, other = DatasetReader(ours), DatasetReader(theirs)
    assert one.num_episodes == other.num_episodes
    same = True
    errors: list[float] = []
    for a, b in zip(one.episodes(), other.episodes(), strict=True):
        same = same and a.row_tasks == b.row_tasks
        same = same and all(np.array_equal(a.rows[key], b.rows[key]) for key in a.rows)
        for camera in one.cameras:
            for left, right in zip(a.frames(camera), b.frames(camera), strict=True):
                errors.append(float(np.mean((left.astype(int) - right) ** 2)))
    worst = max(errors, default=0.0)
    pictures = (
        'pictures equal' if not worst else f'worst PSNR {10 * np.log10(255**2 / worst):.1f} dB'
    )
    return f'rows {"equal" if same else "DIFFER"}, {len(errors)} {pictures}'


def check(root: Path) -> str:
    errors = [f for f in validate_dataset(root, decode=True) if f.severity == ERROR]
    found = recompute(read_source(root, needs_statistics=False))
    return f'{len(errors)} errors, {len(found.deviations)} wrong statistics'


def copies(folder: Path, name: str) -> list[Path]:
    """Return fresh copies of both datasets."""
    return [Path(shutil.copytree(folder / d, folder / name / d)) for d in ('one', 'two')]


def one_edit(folder: Path, edit: str, lerobot: str | None) -> None:
    results: dict[str, Path] = {}
    figures: dict[str, dict[str, Any]] = {}
    flag = '--decode' if edit == 'stats' else '--link'
    forms = {'ours': [], f'ours, {flag}=true': [flag], 'lerobot': []}
    for number, (name, flags) in enumerate(forms.items()):
        if name == 'lerobot' and not lerobot:
            continue
        place = folder / f'{edit}-{number}'
        sources = copies(folder, place.name)[: 2 if edit == 'merge' else 1]
        target = place / 'made'
        words = [f'--source={root}' for root in sources] + [f'--target={target}']
        words += [f'--episodes={n}' for n in DELETED] + flags
        whose, python = (
            ('lerobot', str(lerobot)) if name == 'lerobot' else ('ours', sys.executable)
        )
        figures[name] = run(python, whose, edit, words)
        results[name] = (
            sources[0] if edit == 'stats' else target / 'a' if edit == 'split' else target
        )
        print(told(f'{edit}: {name}', figures[name]))
        print(f'{"":28} {check(results[name])}')
    if 'lerobot' in results:
        ours = figures['ours']
        ratios = [figures['lerobot'][key] / max(ours[key], 1e-3) for key in ('wall_s', 'cpu_s')]
        print(
            f'{"":28} {ratios[0]:.1f} x wall, {ratios[1]:.1f} x CPU; '
            f'{compare(results["ours"], results["lerobot"])}'
        )


def in_place(folder: Path) -> None:
    source = copies(folder, 'in-place')[0]
    words = [f'--source={source}', *(f'--episodes={n}' for n in DELETED)]
    print(told('delete in place: ours', run(sys.executable, 'ours', 'delete in place', words)))
    print(f'{"":28} {check(source)}')


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--lerobot-python', default=os.environ.get('LEROBOT_PYTHON'))
    parser.add_argument('--episodes', type=int, default=8)
    parser.add_argument('--seconds', type=float, default=10.0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='edits-'))
    try:
        for name in ('one', 'two'):
            make(folder / name, options.episodes, round(options.seconds * FPS))
            compact_dataset(folder / name)
        size = sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())
        print(
            f'2 datasets of {options.episodes} episodes of {options.seconds:g} s, two cameras, '
            f'together {size / 2**20:.0f} MiB; load {os.getloadavg()[0]:.1f}'
        )
        for edit in ('merge', 'delete', 'split', 'stats'):
            one_edit(folder, edit, options.lerobot_python)
        in_place(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
