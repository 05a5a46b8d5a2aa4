"""Our recorder against the real LeRobot library, on the same film, in one run.

Ours is the whole recorder among foreign publishers: its processor time includes the transport.
LeRobot gets the pictures as arrays in its own process, which costs it nothing. Compared are the
same codec (H.264; streamed where that version of LeRobot can) and LeRobot's defaults (PNG, AV1
at the end) against ours::

    python -m benchmarks.against_lerobot --lerobot-python ~/venv_lerobot/bin/python
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.processes import Child, load
from benchmarks.record_cost import report
from benchmarks.recording import Cameras, add_options, film_of, record, scratch_folder

DEFAULTS = 'defaults'
MOST_OF_SAME_CODEC, MOST_OF_DEFAULTS = 1 / 2, 1 / 15


def run_lerobot(python: str, film: Path, root: Path, mode: str, seconds: float) -> dict[str, Any]:
    """Let LeRobot record the film; return its figures."""
    program = str(Path(__file__).with_name('lerobot_film.py'))
    flags = ['--mode', mode, '--frames', str(round(seconds * 30))]
    offline = {'HF_HUB_OFFLINE': '1', 'LD_LIBRARY_PATH': '', '_ROS_WHEELS_BOOTSTRAP_COMPLETE': ''}
    log = root.with_suffix('.log')
    child = Child([program, str(film), str(root), *flags], python, offline, log)
    figures = child.wait()
    if 'cpu_s' not in figures:
        raise SystemExit(f'LeRobot failed: {log.read_text()[-600:]}')
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    add_options(parser)
    parser.add_argument('--lerobot-python', default=os.environ.get('LEROBOT_PYTHON'))
    parser.add_argument('--seconds', type=float, default=10.0)
    parser.add_argument('--preset', action='append', help='of H.264, by default superfast')
    options = parser.parse_args()
    if not options.lerobot_python:
        parser.error('name the interpreter that has LeRobot: --lerobot-python or LEROBOT_PYTHON')
    cameras = Cameras.of(options, 2)
    print(f'{cameras.described()}; {load()}')
    with scratch_folder(options) as folder:
        film = film_of(options, Path(folder))
        for mode in (*(options.preset or ['superfast']), DEFAULTS):
            root = Path(folder) / f'ours-{mode}'
            flags = [] if mode == DEFAULTS else [f'--dataset.rgb_encoder.preset={mode}']
            ours = record(cameras, film, root, options.seconds, flags)
            report(f'ours, {mode}', ours)
            theirs = run_lerobot(
                options.lerobot_python, film, root.with_name(f'theirs-{mode}'), mode,
                options.seconds,
            )  # fmt: skip
            per_frame = theirs['cpu_s'] * 1e3 / theirs['frames']
            print(
                f'LeRobot {theirs["version"]}, {mode} '
                f'({"streamed" if theirs["streams"] else "PNG first"}): '
                f'{per_frame:.2f} ms CPU per frame, '
                f'{theirs["bytes"] / theirs["frames"] / 1000:.1f} kB per frame, '
                f'PSNR {theirs["psnr_db"]:.1f} dB, saving took {theirs["save_s"]:.1f} s'
            )
            limit = MOST_OF_DEFAULTS if mode == DEFAULTS else MOST_OF_SAME_CODEC
            print(f'  ours / theirs = {ours.per_frame_ms() / per_frame:.3f} (goal {limit:.3f})')
    print(load())


if __name__ == '__main__':
    main()
