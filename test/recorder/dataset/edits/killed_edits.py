"""Merges, splits and deletes until it is killed; see test_edit_crash.py."""

from __future__ import annotations

import sys
from pathlib import Path

from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.merge import merge_datasets
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import split_dataset


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdout.write('open\n')
    sys.stdout.flush()
    merge_datasets([folder / 'a', folder / 'b'], folder / 'm')
    split_dataset(read_source(folder / 'a'), folder / 's', {'x': [0, 3, 4], 'y': [1, 2]})
    delete_episodes(folder / 'a', [1, 4])


if __name__ == '__main__':
    main()
