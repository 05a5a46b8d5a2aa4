"""What of a dataset will not change any more: the episodes that are durable, and their meta data.

The folder may be recorded into meanwhile. ``info.json`` comes last with every episode, so what it
counts is whole; files of an episode that it does not count yet stay out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import commit, episodes, info, layout, schema, seal
from lerobot_recorder.dataset.layout import FileIndex
from lerobot_recorder.dataset.reading import guarded

DOCUMENTS = (layout.INFO, layout.STATS, layout.TASKS)
"""Replaced with every episode, so their content is kept as it was found."""
LOCAL = (seal.SEAL, seal.STATISTICS)
"""Of no use on another disk."""
TRIES = 50
MAX_FAILURES = 3
PAUSE_S = 0.2
_BLOCK = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file as it was found.

    Attributes:
        source: where its content is, or the content itself.
        size: its size [bytes].
        mtime_ns: when it was last changed, 0 for a content [ns].
    """

    source: Path | bytes
    size: int
    mtime_ns: int = 0

    @classmethod
    def of(cls, path: Path) -> LocalFile:
        """Look at a file.

        Raises:
            OSError: it is not there.
        """
        facts = path.stat()
        return cls(path, facts.st_size, facts.st_mtime_ns)

    def is_still(self) -> bool:
        """Return whether the file is as it was."""
        if isinstance(self.source, bytes):
            return True
        try:
            return LocalFile.of(self.source) == self
        except OSError:
            return False

    def blocks(self) -> Iterator[bytes]:
        """Yield the content.

        Raises:
            OSError: it cannot be read.
        """
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open('rb') as file:
            while block := file.read(_BLOCK):
                yield block

    def sha256(self) -> str:
        """Return the name the Hub gives to a large content."""
        return self._digest(hashlib.sha256())

    def git_sha1(self) -> str:
        """Return the name git gives to a small content."""
        return self._digest(hashlib.sha1(b'blob %d\0' % self.size, usedforsecurity=False))

    def _digest(self, digest: hashlib._Hash) -> str:
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """A dataset at one moment.

    Attributes:
        root: its folder.
        episodes: how many it has.
        files: path in the dataset -> file.
    """

    root: Path
    episodes: int
    files: Mapping[str, LocalFile]

    def is_still(self) -> bool:
        """Return whether all files that were found are as they were."""
        return all(file.is_still() for file in self.files.values())


def take(root: Path, clock: Clock) -> Snapshot:
    """Look at a dataset, between two episodes that are being saved.

    Args:
        root: the dataset.
        clock: to wait until an episode has been saved.

    Raises:
        DatasetError: it is no dataset, not whole, without episodes, or changes all the time.
    """
    failures = 0
    for _ in range(TRIES):
        try:
            settled = not _is_changing(root)
            found = _look(root) if settled else None
            if found and not _is_changing(root) and _documents(root) == _documents_of(found):
                return found
        except (OSError, DatasetFormatError) as error:
            failures += 1  # the folder may just be exchanged for one with joined files
            if failures >= MAX_FAILURES:
                raise DatasetError(str(error)) from error
        clock.sleep(PAUSE_S)
    raise DatasetError(
        f'{root} is being changed, or was left in the midst of it; where nobody records any more, '
        'lerobot-ros record --resume=true mends it'
    )


def record_ids(paths: Mapping[str, object]) -> set[str]:
    """Return the names for good of the episodes among paths in a dataset."""
    folder = layout.RECORDS + '/'
    names = [path.removeprefix(folder) for path in paths if path.startswith(folder)]
    return {name.removesuffix('.json') for name in names if name.endswith('.json')}


def _look(root: Path) -> Snapshot:
    files = _documents(root)
    document = info.read(root)
    total = int(document.get('total_episodes', 0))
    if not total:
        raise DatasetError(f'{root} has no episodes to upload')
    indices: list[int] = []
    with guarded(f'{root}: meta/episodes'):
        for path in layout.episodes_files(root):
            table, _ = episodes.read_file(path, statistics=False)
            found = table['episode_index'].to_pylist()
            if min(found, default=total) >= total:
                continue
            indices += found
            files[path.relative_to(root).as_posix()] = LocalFile.of(path)
            for name in _named(table, document['features']):
                files[name] = _existing(root, name)
    if sorted(indices) != list(range(total)):
        raise DatasetFormatError(
            f'{root}: {layout.INFO} counts {total} episodes, meta/episodes holds {len(indices)}; '
            f'lerobot-ros validate {root} tells more'
        )
    return Snapshot(root, total, {**files, **_meta_files(root)})


def _named(table: pa.Table, features: schema.Features) -> set[str]:
    """Return the data files and videos that rows of meta/episodes name."""
    names = {layout.data_file(index) for index in _indices(table, 'data')}
    for key in schema.video_keys(features):
        names |= {layout.video_file(key, index) for index in _indices(table, f'videos/{key}')}
    return names


def _indices(table: pa.Table, prefix: str) -> Iterator[FileIndex]:
    chunks, files = (table[f'{prefix}/{name}_index'].to_pylist() for name in ('chunk', 'file'))
    return (FileIndex(*pair) for pair in zip(chunks, files, strict=True))


def _existing(root: Path, name: str) -> LocalFile:
    try:
        return LocalFile.of(root / name)
    except FileNotFoundError:
        raise DatasetFormatError(
            f'{root / name} is missing; lerobot-ros validate {root} tells more'
        ) from None


def _meta_files(root: Path) -> dict[str, LocalFile]:
    """Return what else lies in meta/: ours, and what LeRobot may have put there."""
    found = {}
    for path in sorted((root / 'meta').rglob('*')):
        name = path.relative_to(root)
        hidden = any(part.startswith('.') for part in name.parts)
        known = (*DOCUMENTS, *LOCAL)
        if hidden or name.as_posix() in known or name.is_relative_to(layout.EPISODES):
            continue
        if path.is_file():
            found[name.as_posix()] = LocalFile.of(path)
    return found


def _documents(root: Path) -> dict[str, LocalFile]:
    found = {}
    for name in DOCUMENTS:
        path = root / name
        if path.exists():
            content = path.read_bytes()
            found[name] = LocalFile(content, len(content))
    return found


def _documents_of(snapshot: Snapshot) -> dict[str, LocalFile]:
    return {name: snapshot.files[name] for name in DOCUMENTS if name in snapshot.files}


def _is_changing(root: Path) -> bool:
    """Return whether an episode is just being moved to its place."""
    return any(map(commit.is_pending, (root / layout.RECORDING).glob('episode-*')))
