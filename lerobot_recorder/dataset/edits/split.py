"""One dataset becomes several, in a folder of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.edits import new_folder
from lerobot_recorder.dataset.edits.assemble import (
    Progress,
    Recipe,
    assemble,
    needed_bytes,
    no_progress,
)
from lerobot_recorder.dataset.edits.source import Selection, Source


@dataclass(frozen=True)
class Part:
    """A dataset that was made.

    Attributes:
        root: Its folder.
        episodes, frames: How many it has.
    """

    root: Path
    episodes: int
    frames: int


def split_dataset(
    source: Source,
    folder: Path,
    parts: Mapping[str, Sequence[int]],
    progress: Progress = no_progress,
    link: bool = False,
) -> tuple[list[Part], list[str]]:
    """Make datasets of parts of one, `folder/NAME` each; all of them appear at once.

    Args:
        source: The dataset; it is only read.
        folder: Where nothing may be.
        parts: Name -> its episodes, rising.
        progress: Told how many steps are done, and of how many.
        link: Share videos as hard links where the file system has no reflinks.

    Returns:
        The parts, and what is worth telling.

    Raises:
        DatasetExistsError: there is something at the folder.
        DatasetError: the source was changed meanwhile, or the disk refused.
    """
    _check_apart(source, folder)
    notices: list[str] = []
    with new_folder.new_folder(folder, {'split': str(source.root)}) as work:
        for at, (name, episodes) in enumerate(parts.items()):
            recipe = _recipe(source, episodes, folder / name, link)
            new_folder.check_room(work, needed_bytes(recipe, work))
            share = _share_of(progress, at, len(parts))
            notices += assemble(recipe, work / name, share)
        source.check_unchanged()
    return [
        Part(folder / name, len(numbers), sum(source.rows[n].length for n in numbers))
        for name, numbers in parts.items()
    ], notices


def extract_episodes(
    source: Source,
    target: Path,
    episodes: Sequence[int],
    progress: Progress = no_progress,
    link: bool = False,
) -> tuple[Part, list[str]]:
    """Make a dataset of some episodes of one; see `split_dataset`."""
    _check_apart(source, target)
    recipe = _recipe(source, episodes, target, link)
    with new_folder.new_folder(target, {'extract': str(source.root)}) as work:
        new_folder.check_room(work, needed_bytes(recipe, work))
        notices = assemble(recipe, work, progress)
        source.check_unchanged()
    frames = sum(source.rows[number].length for number in episodes)
    return Part(target, len(episodes), frames), notices


def _check_apart(source: Source, target: Path) -> None:
    one, other = source.root.resolve(), target.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise DatasetError(f'{target} lies inside of {source.root}, or around it; choose another')


def _recipe(source: Source, episodes: Sequence[int], place: Path, link: bool) -> Recipe:
    return Recipe([Selection(source, episodes)], source.features, place, link)


def _share_of(progress: Progress, at: int, count: int) -> Progress:
    return lambda done, total: progress(at * total + done, count * total)
