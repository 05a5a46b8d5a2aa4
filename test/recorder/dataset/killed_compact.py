"""Joins the files of one dataset after the other until it is killed; see test_compact_crash.py."""

from __future__ import annotations

import sys
from pathlib import Path

from lerobot_recorder.dataset import folder_swap
from lerobot_recorder.dataset.compact import compact_dataset


def main() -> None:
    if sys.argv[1] == 'two steps':
        folder_swap.exchange = lambda one, other: False
    sys.stdout.write('open\n')
    sys.stdout.flush()
    for root in sys.argv[2:]:
        compact_dataset(Path(root))


if __name__ == '__main__':
    main()
