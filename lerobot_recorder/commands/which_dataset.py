"""Which dataset a command is about: a folder, or LeRobot's place for a repo_id."""

from __future__ import annotations

import os
from pathlib import Path

from lerobot_drivers.common.command_line import section_of
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, UsageError
from lerobot_recorder.config import dataset_folder
from lerobot_recorder.dataset import folder_swap, layout

DATASET_KEYS = ('repo_id', 'root')
"""What names a dataset that is there; other keys as flags would be ignored."""


def dataset_root(sections: Section, folder: str | None = None) -> Path:
    """Return the folder of the dataset that a command line names.

    Args:
        sections: with ``dataset.root`` or ``dataset.repo_id``, unless a folder is given.
        folder: the folder named without a flag.

    Raises:
        UsageError: none is named.
        DatasetError: there is no such folder.
    """
    dataset = section_of(sections, 'dataset')
    if folder is not None:
        root = Path(folder)
    elif dataset.get('root'):
        root = Path(str(dataset['root']))
    elif dataset.get('repo_id'):
        root = dataset_folder(str(dataset['repo_id']))
    else:
        raise UsageError('name a dataset: its folder, or --dataset.repo_id=USER/NAME')
    root = root.expanduser()
    folder_swap.settle(root)
    if not root.is_dir():
        raise DatasetError(f'there is no dataset at {root}')
    return root


def new_root(sections: Section) -> Path:
    """Return where a command is to make a new dataset: ``to``, or what names a dataset.

    Raises:
        UsageError: nothing names it.
    """
    dataset = section_of(sections, 'dataset')
    told = sections.get('to') or dataset.get('root')
    if told:
        return Path(str(told)).expanduser()
    if dataset.get('repo_id'):
        return dataset_folder(str(dataset['repo_id'])).expanduser()
    raise UsageError('name the new dataset: --to=NEW_FOLDER, or --dataset.repo_id=USER/NAME')


def stands_inside(root: Path) -> bool:
    """Return whether the terminal stands in a folder, or below it."""
    here, root = Path(os.path.realpath(os.curdir)), root.resolve()
    return here == root or root in here.parents


def check_free(folder: Path, remedy: str = '') -> None:
    """Check early what would fail late.

    Args:
        folder: where a new dataset is to go.
        remedy: what else the user can do, for the error.

    Raises:
        DatasetExistsError: there is something already.
    """
    if folder.exists() and (not folder.is_dir() or not layout.is_free(folder)):
        raise DatasetExistsError(
            f'{folder} exists already; take another --dataset.repo_id or --dataset.root{remedy}'
        )
