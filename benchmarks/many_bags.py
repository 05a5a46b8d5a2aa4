"""Many bags: what a process more brings, and what joining thousands of datasets takes.

    python -m benchmarks.many_bags --bags 8 --seconds 20 --merge 100 1000 --json many.json

Bags of JPEGs, kept as they are, are converted by one process and by as many as there are cores.
Then one dataset of one short episode is copied, each copy an episode of its own (uuid and files
beside the rows renamed), and the copies are joined as the command joins the datasets of bags.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.convert_speed import AS_INSTALLED, LOG
from benchmarks.film_bag import COMMANDS, STATES, BagPlan, make_bag
from benchmarks.processes import Child, load
from benchmarks.recording import scratch_folder
from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.dataset import layout, seal
from lerobot_recorder.dataset.edits.merge import merge_datasets

UUID = 'ros/uuid'


def flags_of(plan: BagPlan, root: Path) -> list[str]:
    """Return what the command is told for bags of a film."""
    cameras = ', '.join(f'{name}: {topic}' for name, topic in plan.topics.items())
    return [
        '--dataset.repo_id=b/film',
        f'--dataset.root={root}',
        '--dataset.single_task=Benchmark',
        '--dataset.rgb_encoder.vcodec=mjpeg',
        f'--topics.state={STATES}',
        f'--topics.action={COMMANDS}',
        f'--topics.cameras={{{cameras}}}',
    ]


def convert(bags: Path, plan: BagPlan, root: Path, jobs: int) -> dict[str, Any]:
    """Convert all bags of a folder; return what it took."""
    arguments = ['-m', 'lerobot_drivers.cli', 'convert', str(bags), f'--jobs={jobs}']
    began = time.monotonic()
    child = Child([*arguments, *flags_of(plan, root)], environment=AS_INSTALLED, log=LOG)
    child.wait(3600.0)
    wall_s = time.monotonic() - began
    if child.process.returncode:
        raise SystemExit(f'the conversion failed: {LOG.read_text()[-600:]}')
    return {'jobs': jobs, 'cpu_s': child.cpu_s(), 'wall_s': wall_s, 'peak_mb': child.peak_mb}


def copy_of(dataset: Path, place: Path) -> None:
    """Copy a dataset of one episode, as another episode."""
    shutil.copytree(dataset, place)
    (place / seal.SEAL).unlink()
    (path,) = (place / layout.EPISODES).rglob('*.parquet')
    table = pq.read_table(path)
    old, new = table[UUID][0].as_py(), str(uuid.uuid4())
    column = pa.array([new], table.schema.field(UUID).type)
    pq.write_table(table.set_column(table.schema.get_field_index(UUID), UUID, column), path)
    for file in (place / layout.RECORDS).glob(f'{old}*'):
        file.rename(file.with_name(file.name.replace(old, new)))
    record = place / layout.RECORDS / f'{new}.json'
    record.write_text(record.read_text().replace(old, new))


def merge(dataset: Path, count: int, folder: Path) -> dict[str, Any]:
    """Join so many copies of a dataset; return what it took."""
    parts = [folder / f'part-{number}' for number in range(count)]
    for part in parts:
        copy_of(dataset, part)
    began, before = time.monotonic(), time.process_time()
    merged = merge_datasets(parts, folder / 'all')
    figures = {
        'episodes': merged.episodes,
        'wall_s': time.monotonic() - began,
        'cpu_s': time.process_time() - before,
    }
    shutil.rmtree(folder)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--scratch', type=Path, help='folder for bags and datasets')
    parser.add_argument('--bags', type=int, default=8)
    parser.add_argument('--seconds', type=float, default=20.0, help='length of each')
    parser.add_argument('--merge', type=int, nargs='*', default=[100, 1000])
    parser.add_argument('--json', type=Path, help='file for the figures')
    options = parser.parse_args()
    stay_in_background()
    plan, cores = BagPlan(options.seconds, jpeg=90), os.cpu_count() or 1
    print(f'{options.bags} bags of {plan.described()}; {load()}')
    found: dict[str, Any] = {'bags': options.bags, 'seconds': options.seconds}
    with scratch_folder(options) as scratch:
        folder = Path(scratch)
        for name in ('bags', 'short'):
            (folder / name).mkdir()
        for number in range(options.bags):
            make_bag(folder / f'bags/run_{number}', plan)
        for jobs in sorted({1, cores}):
            figures = convert(folder / 'bags', plan, folder / f'set-{jobs}', jobs)
            found.setdefault('convert', []).append(figures)
            total_s = options.bags * options.seconds
            print(
                f'  --jobs={jobs}: {figures["cpu_s"] * 60 / total_s:.2f} CPU s per minute of bag, '
                f'{total_s / figures["wall_s"]:.1f} x real time, largest process '
                f'{figures["peak_mb"]:.0f} MB'
            )
        if options.merge:
            make_bag(folder / 'short/bag', BagPlan(2.0, jpeg=90))
            convert(folder / 'short', BagPlan(2.0, jpeg=90), folder / 'one', 1)
        for count in options.merge:
            (folder / 'parts').mkdir()
            figures = merge(folder / 'one', count, folder / 'parts')
            found.setdefault('merge', []).append(figures)
            print(
                f'  joining {count} datasets of 60 rows: {figures["wall_s"]:.1f} s, '
                f'{figures["cpu_s"] * 1e3 / count:.1f} ms CPU for each'
            )
    print(load())
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == '__main__':
    main()
