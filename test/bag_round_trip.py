"""A dataset, the bag of it, and the dataset made of that bag, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_recorder.commands import convert
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.to_bag.outlines import Wishes
from lerobot_recorder.to_bag.write import ToBagJob, write_bags

BESIDES = ('index', 'episode_index', 'task_index')


def back(root: Path, place: Path, episode: int = 0, wishes: Wishes | None = None) -> Path:
    """Return the dataset made of the bag of an episode, with no flag but its name."""
    bags = place / f'bags{episode}'
    write_bags(ToBagJob(root, bags, [episode], wishes=wishes or Wishes()))
    (bag,) = bags.iterdir()
    made = place / f'back{episode}'
    assert convert.run([str(bag), '--dataset.repo_id=me/back', f'--dataset.root={made}']) == 0
    return made


def differences(root: Path, made: Path, episode: int = 0) -> list[str]:
    """Return what of an episode is not the same in the dataset made of its bag."""
    there, here = DatasetReader(root), DatasetReader(made)
    one, other = there.episode(episode), here.episode(0)
    found = []
    if (one.length, one.row_tasks, there.fps) != (other.length, other.row_tasks, here.fps):
        found.append(f'rows: {one.length} and {other.length}')
    names = {key: f['names'] for key, f in there.features.items() if key in here.features}
    if names != {key: f['names'] for key, f in here.features.items()}:
        found.append('names')
    for key in set(one.rows) - set(BESIDES):
        if not np.array_equal(one.rows[key], other.rows[key]):
            found.append(f'values of {key}')
    return found + sorted(
        f'column {name}' for name in different_columns(root, made, episode, 'frames')
    )


def different_columns(root: Path, made: Path, episode: int, table: str) -> set[str]:
    """Return the columns of a side table that are not the same."""
    one, other = table_of(root, episode, table), table_of(made, 0, table)
    assert one.column_names == other.column_names
    return {n for n in one.column_names if one[n].to_pylist() != other[n].to_pylist()}


def table_of(root: Path, episode: int, table: str) -> pa.Table:
    uuid = DatasetReader(root).episode(episode).extra['ros/uuid']
    return pq.read_table(root / f'meta/ros/episodes/{uuid}.{table}.parquet')
