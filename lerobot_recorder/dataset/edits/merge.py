"""Several datasets become one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.edits import compatibility, new_folder, records
from lerobot_recorder.dataset.edits.assemble import (
    Progress,
    Recipe,
    assemble,
    needed_bytes,
    no_progress,
)
from lerobot_recorder.dataset.edits.compatibility import Allowed
from lerobot_recorder.dataset.edits.source import Selection, Source, read_source


@dataclass(frozen=True)
class Merging:
    """How datasets are merged.

    Attributes:
        allowed: What may differ between them.
        skip_repeated: Leave out an episode that an earlier dataset has too, instead of refusing.
        link: Share videos as hard links where the file system has no reflinks, which do not
            let a change in one dataset show in the other. Else they are copied.
    """

    allowed: Allowed = field(default_factory=Allowed)
    skip_repeated: bool = False
    link: bool = False


@dataclass(frozen=True)
class Merged:
    """What a merge has made.

    Attributes:
        root: The new dataset.
        episodes, frames: How many it has.
        tasks: Its sentences.
        skipped: Episodes that were left out: uuid -> where they lie.
        notices: What is worth telling, a sentence each.
    """

    root: Path
    episodes: int
    frames: int
    tasks: int
    skipped: Mapping[str, Sequence[str]]
    notices: tuple[str, ...]


def merge_datasets(
    sources: Sequence[Path],
    target: Path,
    progress: Progress = no_progress,
    how: Merging = Merging(),
) -> Merged:
    """Make one dataset of several; nothing is encoded anew, and none of them is changed.

    Whatever happens, the target is there as a whole or not at all; after a kill the same call
    makes it, and videos that were copied already are not copied again.

    Args:
        sources: The datasets, ours or LeRobot's; episodes come in this order.
        target: The new dataset; nothing may be there.
        progress: Told how many steps are done, and of how many.
        how: What may differ, and what is shared.

    Raises:
        DatasetExistsError: there is something at the target.
        DatasetFormatError: one is not whole, or they are not alike; all differences are told.
        DatasetError: one is being recorded into, an episode occurs twice, or the disk refused.
    """
    target = Path(target)
    new_folder.check_free(target)
    _check_places(sources, target)
    read = [read_source(Path(root)) for root in sources]
    notices = compatibility.check(read, how.allowed)
    selections, skipped = _without_repeated([_all_of(source) for source in read], how)
    notices += [line for source in read for line in _left(source)]
    features = compatibility.merged_features(read)
    recipe = Recipe(selections, features, target, how.link)
    with new_folder.new_folder(target, _settings(read, how)) as folder:
        new_folder.check_room(folder, needed_bytes(recipe, folder))
        notices += assemble(recipe, folder, progress)
        for source in read:
            source.check_unchanged()
    rows = [row for selection in selections for row in selection.rows]
    found = {task for row in rows for task in row.tasks}
    frames = sum(row.length for row in rows)
    return Merged(target, len(rows), frames, len(found), skipped, tuple(notices))


def _all_of(source: Source) -> Selection:
    return Selection(source, range(len(source.rows)))


def _check_places(sources: Sequence[Path], target: Path) -> None:
    if not sources:
        raise DatasetError('there is nothing to merge: name at least one dataset')
    there = target.resolve()
    seen: set[Path] = set()
    for root in (Path(source).resolve() for source in sources):
        if root in seen:
            raise DatasetError(f'{root} is named twice')
        if root in there.parents or there in root.parents:
            raise DatasetError(f'{target} lies inside of {root}, or around it; choose another')
        seen.add(root)


def _without_repeated(
    selections: Sequence[Selection], how: Merging
) -> tuple[list[Selection], dict[str, list[str]]]:
    """Return the episodes without those that come a second time, and those."""
    repeated = records.repeated(selections)
    if repeated and not how.skip_repeated:
        uuid, places = next(iter(repeated.items()))
        more = f', and {len(repeated) - 1} more' if len(repeated) > 1 else ''
        raise DatasetError(
            f'{" and ".join(places)} are the same episode ({uuid}){more}; '
            '--skip_repeated=true takes each only once'
        )
    seen: set[str] = set()
    kept = []
    for selection in selections:
        numbers = []
        for row in selection.rows:
            name = row.extra.get('ros/uuid')
            if name is None or name not in seen:
                numbers.append(row.index)
            seen |= {name} if name else set()
        if numbers:
            kept.append(Selection(selection.source, numbers))
    return kept, {uuid: places[1:] for uuid, places in repeated.items()}


def _left(source: Source) -> list[str]:
    names = records.left_behind(source)
    return (
        [f'{source.root}: not taken over, nobody knows how: {", ".join(names)}'] if names else []
    )


def _settings(sources: Sequence[Source], how: Merging) -> dict[str, Any]:
    digest = hashlib.sha256()
    for source in sources:
        for name, facts in sorted(source.before.items()):
            digest.update(f'{source.root.resolve()}\t{name}\t{facts}\n'.encode())
    return {'merge': digest.hexdigest(), 'link': how.link, 'skip': how.skip_repeated}
