"""One edit of a dataset, ours or LeRobot's, in a process of its own; see dataset_edits.py.

Prints its figures as JSON; imports do not count.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[], object]


def ours(options: argparse.Namespace) -> Edit:
    from lerobot_recorder.dataset.edits.delete import delete_episodes
    from lerobot_recorder.dataset.edits.merge import Merging, merge_datasets
    from lerobot_recorder.dataset.edits.source import read_source
    from lerobot_recorder.dataset.edits.split import extract_episodes, split_dataset
    from lerobot_recorder.dataset.edits.write_statistics import write_statistics

    sources, target, episodes = options.source, options.target, options.episodes
    if options.edit == 'delete in place':
        return lambda: delete_episodes(sources[0], episodes)
    if options.edit == 'merge':
        return lambda: merge_datasets(sources, target, how=Merging(link=options.link))
    if options.edit == 'stats':
        return lambda: write_statistics(sources[0], decode=options.decode)
    source = read_source(sources[0])
    kept = sorted({row.index for row in source.rows} - set(episodes))
    if options.edit == 'split':
        return lambda: split_dataset(source, target, {'a': kept, 'b': episodes}, link=options.link)
    return lambda: extract_episodes(source, target, kept, link=options.link)


def lerobots(options: argparse.Namespace) -> Edit:
    from lerobot.datasets import dataset_tools
    from lerobot.datasets.aggregate import aggregate_datasets
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    sources, target, episodes = options.source, options.target, options.episodes
    names = [f'local/{number}' for number in range(len(sources))]
    if options.edit == 'merge':
        return lambda: aggregate_datasets(names, 'local/m', roots=sources, aggr_root=target)
    dataset = LeRobotDataset('local/0', root=sources[0])
    if options.edit == 'stats':
        return lambda: dataset_tools.recompute_stats(dataset, skip_image_video=False)
    if options.edit == 'split':
        kept = sorted(set(range(dataset.meta.total_episodes)) - set(episodes))
        return lambda: dataset_tools.split_dataset(dataset, {'a': kept, 'b': episodes}, target)
    return lambda: dataset_tools.delete_episodes(dataset, episodes, target, 'local/d')


def written() -> int:
    """Return how many bytes this process has written so far."""
    lines = Path('/proc/self/io').read_text(encoding='utf-8').splitlines()
    return int(dict(line.split(': ') for line in lines)['wchar'])


def cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('whose', choices=('ours', 'lerobot'))
    parser.add_argument('edit')
    parser.add_argument('--source', type=Path, action='append')
    parser.add_argument('--target', type=Path)
    parser.add_argument('--episodes', type=int, action='append', default=[])
    parser.add_argument('--link', action='store_true')
    parser.add_argument('--decode', action='store_true')
    options = parser.parse_args()
    edit = ours(options) if options.whose == 'ours' else lerobots(options)
    wall, cpu, done = time.monotonic(), cpu_s(), written()
    edit()
    figures = {
        'wall_s': time.monotonic() - wall, 'cpu_s': cpu_s() - cpu, 'bytes': written() - done,
        'peak_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
