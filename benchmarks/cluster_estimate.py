"""What converting years of bags would take on a cluster, computed from measured figures.

    python -m benchmarks.convert_speed --json speed.json
    python -m benchmarks.many_bags --merge 100 1000 --json many.json
    python -m benchmarks.cluster_estimate --speed speed.json --many many.json --hours 10000
        --machines 100 --cores 16

Nothing here is known but what those two measured, on the machine they ran on, and the assumptions
that are printed: two cameras 640x480, cores like that machine's, none of them waiting for a disk
unless reading alone takes longer, and joining on one machine.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS = 'lerobot-ros convert'
RAW_MB_S, JPEG_MB_S = 2 * 30 * 0.9216, 2 * 30 * 0.1
"""What a bag of two cameras holds, raw and as JPEGs of 100 kB [MB per second of bag]."""


@dataclass(frozen=True)
class Cluster:
    """What there is, and what is to be done.

    Attributes:
        hours: of bags.
        machines: how many.
        cores: of each.
        read_mb_s: what a machine reads of the bags [MB/s].
        episode_s: length of a bag [s].
    """

    hours: float
    machines: int
    cores: int
    read_mb_s: float
    episode_s: float

    @property
    def bags(self) -> int:
        """How many bags there are."""
        return round(self.hours * 3600 / self.episode_s)


def per_core(speed: list[dict[str, Any]]) -> float:
    """Return processor time of our conversion for a second of bag [s]."""
    ours = next(one for one in speed if one['who'] == OURS)
    return float(ours['cpu_s'] / ours['seconds'])


def bulk_factor(many: dict[str, Any], speed: dict[str, list[dict[str, Any]]]) -> float:
    """Return processor time of many bags in a row against a single one of the same kind."""
    alone = per_core(speed['JPEG kept'])
    together = min(one['cpu_s'] for one in many['convert']) / (many['bags'] * many['seconds'])
    return float(together / alone)


def merge_s(many: dict[str, Any], bags: int) -> float:
    """Return how long joining so many datasets takes on one machine [s]; it grows evenly."""
    largest = max(many['merge'], key=lambda one: one['episodes'])
    return float(largest['wall_s'] / largest['episodes'] * bags)


def report(cluster: Cluster, name: str, cpu_s: float, many: dict[str, Any]) -> None:
    """Print a line of the table."""
    mb_s = JPEG_MB_S if 'JPEG' in name else RAW_MB_S
    total_s = cluster.hours * 3600
    compute_h = total_s * cpu_s / (cluster.machines * cluster.cores) / 3600
    read_h = total_s * mb_s / (cluster.machines * cluster.read_mb_s) / 3600
    join_h = merge_s(many, cluster.bags) / 3600
    print(
        f'  {name:<16}{total_s * cpu_s / 3600:12,.0f}{compute_h:12.2f}'
        f'{total_s * mb_s / 1e6:10,.0f}{read_h:12.2f}{join_h:10.2f}'
        f'{max(compute_h, read_h) + join_h:10.2f}'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--speed', type=Path, required=True, help='of benchmarks.convert_speed')
    parser.add_argument('--many', type=Path, required=True, help='of benchmarks.many_bags')
    parser.add_argument('--hours', type=float, default=10_000.0)
    parser.add_argument('--machines', type=int, default=100)
    parser.add_argument('--cores', type=int, default=16)
    parser.add_argument('--read-mb-s', type=float, default=500.0)
    parser.add_argument('--episode-s', type=float, default=60.0)
    options = parser.parse_args()
    speed, many = json.loads(options.speed.read_text()), json.loads(options.many.read_text())
    cluster = Cluster(
        options.hours, options.machines, options.cores, options.read_mb_s, options.episode_s
    )
    factor = bulk_factor(many, speed)
    joined = max(many['merge'], key=lambda one: one['episodes'])
    print(
        f'{cluster.hours:,.0f} h of bags of {cluster.episode_s:.0f} s ({cluster.bags:,} bags), '
        f'{cluster.machines} machines of {cluster.cores} cores, each reading '
        f'{cluster.read_mb_s:.0f} MB/s (assumed)\n'
        f'measured: many bags cost {factor:.2f} times the CPU of one long one; joining '
        f'{joined["episodes"]} took {joined["wall_s"] * 1e3 / joined["episodes"]:.1f} ms each, '
        'taken as even; cores as here, and bags that fit into memory, so that the second of '
        'their two readings costs no disk (assumed)'
    )
    print(
        f'  {"":<16}{"core hours":>12}{"compute h":>12}{"TB":>10}{"reading h":>12}'
        f'{"join h":>10}{"in all h":>10}'
    )
    for name, found in speed.items():
        if name != 'long':
            report(cluster, name, per_core(found) * factor, many)


if __name__ == '__main__':
    main()
