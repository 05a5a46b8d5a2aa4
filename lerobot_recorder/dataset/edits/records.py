"""What `meta/ros` keeps of episodes, on its way into a new dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import durable, folder_links, layout
from lerobot_recorder.dataset.edits.source import Selection, Source
from lerobot_recorder.dataset.record import read_document

DELETED = 'meta/ros/deleted.json'
_BAG = 'bag'


def uuids(selection: Selection) -> list[str]:
    """Return the names for good of the chosen episodes that have one."""
    return [uuid for row in selection.rows if (uuid := row.extra.get('ros/uuid'))]


def files_of(selection: Selection) -> list[str]:
    """Return the files of `meta/ros` that belong to the chosen episodes, relative to the root.

    What several episodes name (`meta/ros/files`) is left out only if all that name it are.
    """
    source, kept = selection.source, set(uuids(selection))
    found = sorted((source.root / layout.RECORDS).glob('*'))
    own = [path for path in found if _uuid(path) in kept]
    shared = sorted((source.root / layout.SHARED_FILES).glob('*'))
    only_others = _named([path for path in found if _uuid(path) not in kept], shared)
    only_others -= _named(own, only_others)
    files = [*own, *(path for path in shared if path not in only_others)]
    return [path.relative_to(source.root).as_posix() for path in files]


def _uuid(path: Path) -> str:
    return path.name.partition('.')[0]


def _named(records: Sequence[Path], files: Collection[Path]) -> set[Path]:
    """Return which files records name."""
    named: set[Path] = set()
    for path in (path for path in records if path.suffix == '.json' and files):
        text = path.read_text(encoding='utf-8', errors='replace')
        named |= {file for file in files if file.name in text}
    return named


def carry(selection: Selection, root: Path, place: Path, link: bool) -> None:
    """Bring the records of the chosen episodes into a new dataset.

    Args:
        selection: The episodes.
        root: The folder in which the new dataset is made.
        place: Where it will be; what a record names outside of its dataset is named from there.
        link: Hard links will do.

    Raises:
        DatasetFormatError: two datasets have different files of one name.
    """
    for name in files_of(selection):
        source, target = selection.source.root / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        document = _moved(selection.source, name, place) if name.endswith('.json') else None
        if document is not None:
            text = json.dumps(document, indent=2, ensure_ascii=False)
            target.write_text(text, encoding='utf-8')
        elif not target.exists():
            folder_links.share(source, target, link)
        elif source.stat().st_size != target.stat().st_size:
            raise DatasetFormatError(
                f'{source} is another file than that of the same name in a dataset before it'
            )


def deleted_ids(root: Path) -> set[str]:
    """Return the names for good of the episodes that were deleted from a dataset in its place."""
    names = (read_document(root / DELETED) or {}).get('episodes')
    return {str(name) for name in names} if isinstance(names, list) else set()


def remember_deleted(root: Path, names: Collection[str]) -> None:
    """Keep the names of episodes that are deleted: an upload may take them off the Hub too."""
    if names:
        document = {'episodes': sorted(deleted_ids(root) | set(names))}
        durable.make_folders((root / DELETED).parent)
        durable.write_bytes(root / DELETED, json.dumps(document, indent=2).encode())


def left_behind(source: Source) -> list[str]:
    """Return what lies in `meta` that no other dataset can take over."""
    known = {layout.INFO, layout.STATS, layout.TASKS}
    names = (path.relative_to(source.root).as_posix() for path in source.root.glob('meta/*'))
    return sorted(name for name in names if name not in known | {layout.EPISODES, 'meta/ros'})


def repeated(selections: Sequence[Selection]) -> dict[str, list[str]]:
    """Return the episodes that lie in more than one place: uuid -> where."""
    found: dict[str, list[str]] = {}
    for selection in selections:
        for row in selection.rows:
            uuid = row.extra.get('ros/uuid')
            if uuid:
                found.setdefault(uuid, []).append(f'{selection.source.root} episode {row.index}')
    return {uuid: places for uuid, places in found.items() if len(places) > 1}


def _moved(source: Source, name: str, place: Path) -> Mapping[str, Any] | None:
    """Return a record that names its bag from another place, None if it names none."""
    path = source.root / name
    if not name.startswith(layout.RECORDS) or f'"{_BAG}"' not in path.read_text(
        'utf-8', 'replace'
    ):
        return None
    document = read_document(path)
    details = (document or {}).get('details')
    bag = details.get(_BAG) if isinstance(details, dict) else None
    told = bag.get('path') if isinstance(bag, dict) else None
    if document is None or not isinstance(told, str) or os.path.isabs(told):
        return None
    there = os.path.relpath((source.root / told).resolve(), place.resolve())
    return {**document, 'details': {**details, _BAG: {**bag, 'path': there}}}  # type: ignore[dict-item]
