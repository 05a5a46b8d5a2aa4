"""What a v2.1 dataset costs to convert, by us and by LeRobot's own converter, in one run.

    python benchmarks/old_datasets.py OLD_FOLDER --lerobot=VENV/bin/python [--times 20] [--runs 3]

Both get the same copy, whose episodes are those of OLD_FOLDER that have files, repeated and
numbered anew (LeRobot's converter takes no gaps). Processor time is that of whole processes,
importing included; LeRobot copies statistics and has no quantiles, we look at pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THEIRS = 'lerobot.scripts.convert_dataset_v21_to_v30'


def lines_of(root: Path, name: str) -> dict[int, dict]:
    text = (root / f'meta/{name}.jsonl').read_text()
    return {line['episode_index']: line for line in map(json.loads, text.splitlines())}


def repeat(old: Path, root: Path, times: int) -> int:
    """Write the dataset that both convert; return the number of its rows."""
    lines = {name: lines_of(old, name) for name in ('episodes', 'episodes_stats')}
    tables = sorted(old.glob('data/*/*.parquet')) * times
    films = {path.name: path for path in old.glob('videos/*/*/*.mp4')}
    shutil.copytree(old / 'meta', root / 'meta', copy_function=shutil.copyfile)
    kept: dict[str, list[dict]] = {name: [] for name in lines}
    total = 0
    for new, table in enumerate(tables):
        index = int(table.stem.rpartition('_')[2])
        total += renumber(table, root / f'data/chunk-000/episode_{new:06d}.parquet', new, total)
        film = films[f'{table.stem}.mp4']
        target = root / 'videos/chunk-000' / film.parent.name / f'episode_{new:06d}.mp4'
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film, target)
        for name, found in lines.items():
            kept[name].append({**found[index], 'episode_index': new})
    for name, some in kept.items():
        (root / f'meta/{name}.jsonl').write_text('\n'.join(map(json.dumps, some)))
    path = root / 'meta/info.json'
    document = {**json.loads(path.read_text()), 'total_episodes': len(tables)}
    path.write_text(json.dumps({**document, 'total_frames': total}))
    return total


def renumber(source: Path, target: Path, number: int, start: int) -> int:
    table = pq.read_table(source)
    columns = {
        'episode_index': np.full(len(table), number),
        'index': start + np.arange(len(table)),
    }
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, pa.int64()))
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target)
    return len(table)


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its processor time and its wall time [s]."""
    environment = {**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(folder / 'hf')}
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, env=environment, capture_output=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - wall
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('old', type=Path)
    parser.add_argument('--lerobot', required=True)
    parser.add_argument('--times', type=int, default=20)
    parser.add_argument('--runs', type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='old-datasets-'))
    try:
        frames = repeat(options.old, folder / 'old', options.times)
        for _ in range(options.runs):
            shutil.copytree(folder / 'old', folder / 'theirs')
            ours = [sys.executable, '-m', 'lerobot_drivers.cli', 'convert', str(folder / 'old')]
            theirs = [options.lerobot, '-m', THEIRS, '--repo-id=local/theirs']
            cpu, wall = measure([*ours, f'--dataset.root={folder}/ours'], folder)
            told = f'{frames} rows: ours {cpu:.1f} CPU-s {wall:.1f} s'
            theirs += [f'--root={folder}/theirs', '--push-to-hub=false']
            their_cpu, their_wall = measure(theirs, folder)
            ratios = f'ratios {cpu / their_cpu:.2f} and {wall / their_wall:.2f}'
            print(f'{told}, LeRobot {their_cpu:.1f} CPU-s {their_wall:.1f} s, {ratios}')
            for name in ('ours', 'theirs', 'theirs_old'):
                shutil.rmtree(folder / name)
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
