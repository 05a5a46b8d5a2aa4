"""A dataset made anew beside the old one, which then takes its place at once.

What is neither written anew nor left out is the same file under a second name. The lock of a
recording is held throughout: it is the same file in both folders.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import durable, folder_links, folder_swap, layout
from lerobot_recorder.dataset.reading import ODD_CONTENT, told
from lerobot_recorder.dataset.work_folder import WorkFolder

PARTS = ('data', 'meta/episodes', 'videos')
"""What changes together or not at all."""


@dataclass(frozen=True)
class Renewal:
    """What is to be replaced.

    Attributes:
        root: The dataset, resolved.
        work: Its work folder: the lock.
        replaced: The files that are not taken over as they are, relative to the root.
        doing: What is done, for messages: `its files were joined`.
    """

    root: Path
    work: WorkFolder
    replaced: Collection[str]
    doing: str

    def run(self, check: Callable[[Path], None], write: Callable[[Path], None]) -> list[str]:
        """Let a new folder take the old one's place.

        Args:
            check: Looks whether there is room for what is to come into the new folder.
            write: Writes what is new into the folder it is given; all else is there already.

        Returns:
            What could not be tidied up, a sentence each.

        Raises:
            DatasetError: it was changed meanwhile, or is odd; it is as it was.
            OSError: the disk refused; it is the old or the new one, whole.
        """
        root, new = self.root, folder_swap.new_folder(self.root)
        before = folder_links.snapshot(root, {layout.RECORDING})
        try:
            new.mkdir()
            shutil.copymode(root, new)
            check(new)
            self._take_over(new, before)
            write(new)
            _sync(new)
            if folder_links.snapshot(root, {layout.RECORDING}) != before:
                raise DatasetError(f'{root} was changed while {self.doing}; it is as it was')
            old = folder_swap.swap(root)
        except BaseException as error:
            durable.remove_tree(new)
            if isinstance(error, ODD_CONTENT):
                reason = told(error)
                raise DatasetError(f'{root} is odd, it is as it was: {reason}') from error
            raise
        try:
            durable.sync_folder(root.parent)
            _carry_over(old, root, before)
            durable.remove_tree(old)
        except OSError as error:
            return [f'{old} holds the files as they were and could not be removed: {error}']
        return []

    def _take_over(self, new: Path, before: folder_links.Snapshot) -> None:
        (new / layout.RECORDING).mkdir()
        for path in (path for path in self.work.path.iterdir() if path.is_file()):
            folder_links.link(path, new / layout.RECORDING / path.name)
        folder_links.link_files(self.root, new, set(before) - set(self.replaced))
        _keep_empty_folders(self.root, new)


def check_place(root: Path, work: WorkFolder) -> None:
    """Check that a dataset can be exchanged for a folder beside it.

    Raises:
        DatasetError: it cannot.
    """
    if any(path.is_dir() for path in work.path.iterdir()):
        raise DatasetError(
            f'{root} holds an interrupted recording; resume or repair the dataset first'
        )
    if root.parent.stat().st_dev != root.stat().st_dev:
        raise DatasetError(
            f'{root} is a file system of its own and cannot be exchanged for a folder beside it; '
            'move the dataset into a folder of that file system'
        )
    if not os.access(root.parent, os.W_OK):
        raise DatasetError(f'{root.parent} cannot be written to; the new files are made there')
    for folder in ('meta', *PARTS):
        for path in (root / folder, *(root / folder).glob('*')):
            if path.is_symlink() and path.is_dir():
                raise DatasetError(f'{path} is a symbolic link; only real folders are exchanged')


def _sync(new: Path) -> None:
    folders = [Path(folder) for folder, _, _ in os.walk(new)]
    files = [path for part in PARTS for path in (new / part).rglob('*') if path.is_file()]
    durable.sync_all([*files, *folders])


def _keep_empty_folders(root: Path, new: Path) -> None:
    for folder, folders, files in os.walk(root):
        name = Path(os.path.relpath(folder, root))
        if name.parts[:1] != (layout.RECORDING,) and not folders and not files:
            folder_links.make_alike(root, new, name)


def _carry_over(old: Path, root: Path, before: folder_links.Snapshot) -> None:
    """Bring over what somebody put into the old folder in the moment of the exchange."""
    for name, facts in folder_links.snapshot(old, {layout.RECORDING}).items():
        if before.get(name) != facts and not name.startswith(PARTS):
            (root / name).unlink(missing_ok=True)
            folder_links.link_files(old, root, [name])
