"""Which dataset a command is about: a folder, or LeRobot's place for a repo_id."""

from __future__ import annotations

from pathlib import Path

from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import DatasetError, UsageError
from lerobot_recorder.config import dataset_folder


def dataset_root(sections: Section, folder: str | None = None) -> Path:
    """Return the folder of the dataset that a command line names.

    Args:
        sections: with ``dataset.root`` or ``dataset.repo_id``, unless a folder is given.
        folder: the folder named without a flag.

    Raises:
        UsageError: none is named.
        DatasetError: there is no such folder.
    """
    dataset = sections.get('dataset') or {}
    if folder is not None:
        root = Path(folder)
    elif dataset.get('root'):
        root = Path(str(dataset['root']))
    elif dataset.get('repo_id'):
        root = dataset_folder(str(dataset['repo_id']))
    else:
        raise UsageError('name a dataset: its folder, or --dataset.repo_id=USER/NAME')
    root = root.expanduser()
    if not root.is_dir():
        raise DatasetError(f'there is no dataset at {root}')
    return root
