"""The videos of one camera in a new dataset: whole files as they are, pieces of the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from lerobot_recorder.dataset import folder_links, layout
from lerobot_recorder.dataset.edits import video_cut
from lerobot_recorder.dataset.edits.source import Selection
from lerobot_recorder.dataset.edits.video_cut import Piece, Scan
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.layout import FileIndex

Place = tuple[FileIndex, int]
"""A file, and the frame of it at which an episode begins."""


@dataclass
class VideoFiles:
    """Puts the videos of a camera into a new dataset, one selection after the other.

    Attributes:
        key: The camera.
        root: The new dataset.
        chunk: How many files a folder takes.
        link: Hard links will do.
        notices: What is worth telling.
    """

    key: str
    root: Path
    chunk: int
    link: bool = False
    notices: list[str] = field(default_factory=list)
    _last: FileIndex | None = None

    def take(self, selection: Selection) -> dict[int, Place]:
        """Put the videos of some episodes there; return where each lies now, by its number."""
        wanted, places = set(selection.episodes), {}
        for path, rows in files_of(selection, self.key):
            chosen = [row for row in rows if row.index in wanted]
            if len(chosen) == len(rows):
                places.update(self._whole(path, rows))
            else:
                places.update(self._cut(path, chosen, selection.source.fps))
        return places

    def _whole(self, path: Path, rows: Sequence[EpisodeRow]) -> dict[int, Place]:
        number = self._next()
        target = self._path(number)
        if not target.exists():  # else an interrupted call has put it there
            folder_links.share(path, target, self.link)
        return {row.index: (number, row.video_starts[self.key]) for row in rows}

    def _cut(self, path: Path, rows: Sequence[EpisodeRow], fps: int) -> dict[int, Place]:
        scan = video_cut.look_through(path, fps)
        starts = [row.video_starts[self.key] for row in rows]
        spans = [(start, start + row.length) for start, row in zip(starts, rows, strict=True)]
        places = {}
        for pieces in video_cut.plan(scan, spans):
            number = self._next()
            target = self._path(number)
            temporary = target.with_name(f'.{target.name}')
            video_cut.write(scan, pieces, temporary)
            os.replace(temporary, target)
            for row, start in zip(rows, starts, strict=True):
                at = _inside(start, pieces)
                if at is not None:
                    places[row.index] = (number, at)
            self._tell(scan, pieces, spans)
        return places

    def _tell(self, scan: Scan, pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]) -> None:
        frames = sum(piece.span[1] - piece.span[0] for piece in pieces)
        inside = [s for s in spans if _inside(s[0], pieces) is not None]
        spare = frames - sum(stop - start for start, stop in inside)
        if spare:
            self.notices.append(
                f'{self.key}: {spare} pictures of other episodes stay in a file cut out of '
                f'{scan.path}, in which episodes do not begin with key frames; no episode shows '
                'them, nothing was encoded anew'
            )
        if scan.has_more:
            self.notices.append(f'{self.key}: only the pictures of {scan.path} were cut out')

    def _next(self) -> FileIndex:
        self._last = self._last.next(self.chunk) if self._last else layout.FIRST_FILE
        self._path(self._last).parent.mkdir(parents=True, exist_ok=True)
        return self._last

    def _path(self, number: FileIndex) -> Path:
        return self.root / layout.video_file(self.key, number)


def files_of(selection: Selection, key: str) -> Iterator[tuple[Path, list[EpisodeRow]]]:
    """Yield the videos that hold chosen episodes, with all episodes that lie in each."""
    source, wanted = selection.source, {row.videos[key] for row in selection.rows}

    def place(row: EpisodeRow) -> Place:
        return row.videos[key], row.video_starts[key]

    rows = sorted((row for row in source.rows if row.videos[key] in wanted), key=place)
    for file, group in groupby(rows, key=lambda row: row.videos[key]):
        yield source.root / layout.video_file(key, file), list(group)


def _inside(start: int, pieces: Sequence[Piece]) -> int | None:
    """Return which frame of the new file shows a frame of the old, None if it is not in it."""
    for piece in pieces:
        if piece.span[0] <= start < piece.span[1]:
            return start - piece.span[0] + piece.start
    return None
