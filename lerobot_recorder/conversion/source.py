"""Where an episode came from, so that no part of a bag becomes rows twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lerobot_recorder.conversion.span import EpisodeSpan, Skipped, Spans
from lerobot_recorder.dataset import accepted, commit, layout
from lerobot_recorder.dataset.record import EpisodeRecord, read_document
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.work_folder import WorkFolder

SOURCE = 'source'
"""Entry of an episode's details."""
_ENDINGS = {'.mcap', '.db3', '.bag', '.zstd', '.lz4'}
_LOOKED_AT = 64 << 10
"""Bytes of each end of a file that tell it from others: chunk indices and times are there."""


@dataclass(frozen=True)
class ConvertedPart:
    """A part of a bag that is in a dataset.

    Attributes:
        start_ns, end_ns: which part [ns].
        number: of its episode, when that was saved.
        is_whole: the conversion came to its end.
    """

    start_ns: int
    end_ns: int
    number: int
    is_whole: bool


def fingerprint(bag: Path) -> str:
    """Return what tells a bag from others wherever it lies: of each file, its size and ends.

    Raises:
        OSError: it cannot be read.
    """
    files = [bag] if bag.is_file() else sorted(p for p in bag.iterdir() if _is_storage(p))
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        digest.update(f'{size} '.encode())
        with path.open('rb') as file:
            digest.update(file.read(_LOOKED_AT))
            file.seek(max(0, size - _LOOKED_AT))
            digest.update(file.read(_LOOKED_AT))
    return digest.hexdigest()[:32]


def source_of(bag: Path, mark: str, span: EpisodeSpan, is_whole: bool) -> dict[str, Any]:
    """Return what an episode's record tells of its source.

    Args:
        bag: the bag.
        mark: its fingerprint.
        span: the part of it.
        is_whole: whether all of the part's rows are there.
    """
    return {
        SOURCE: {
            'bag': str(bag.absolute()),
            'fingerprint': mark,
            'start_ns': span.start_ns,
            'end_ns': span.end_ns,
            'found_by': span.where,
            'is_whole': is_whole,
        }
    }


def converted_parts(root: Path, mark: str) -> list[ConvertedPart]:
    """Return which parts of a bag a dataset holds."""
    found = []
    for path in sorted((root / layout.RECORDS).glob('*.json')):
        document = read_document(path) or {}
        source = (document.get('details') or {}).get(SOURCE)
        if isinstance(source, Mapping) and source.get('fingerprint') == mark:
            number = int(document.get('episode_index_when_saved') or 0)
            span_ns = int(source['start_ns']), int(source['end_ns'])
            found.append(ConvertedPart(*span_ns, number, bool(source.get('is_whole'))))
    return found


def clear_interrupted(root: Path, mark: str) -> list[str]:
    """Mend a dataset whose conversion was killed; return what was done, a sentence each.

    What is left of the episode that was being made is dropped, if its bag is this one or is where
    it was: it is made anew, now or when the turn of that bag comes.

    Args:
        root: the dataset.
        mark: the bag's fingerprint.

    Raises:
        DatasetError: it is being written by another process, or cannot be mended.
    """
    if not (root / layout.RECORDING).exists():
        return []
    done = []
    with WorkFolder(root) as work:
        for folder in work.episodes():
            source = EpisodeRecord.recovered(folder, '', {}).details.get(SOURCE, {})
            if not commit.is_pending(folder) and _can_be_read_again(source, mark):
                # Of an accepted one the last pictures may be lost; the bag has them.
                what = 'half' if accepted.read(folder) is None else 'unsaved'
                work.drop(folder)
                done.append(f'dropped the {what} episode that an interrupted conversion left')
    return [*done, *repair_dataset(root)]


def _can_be_read_again(source: Mapping[str, Any], mark: str) -> bool:
    return bool(source) and (source['fingerprint'] == mark or Path(source['bag']).exists())


def without_converted(
    spans: Spans, parts: Sequence[ConvertedPart], goes_on: bool = False
) -> Spans:
    """Return what of a bag is still to be converted.

    Args:
        spans: what is asked for.
        parts: what was converted.
        goes_on: what comes after a part that was lost becomes an episode too.
    """
    kept, skipped = [], list(spans.skipped)
    for span in spans.spans:
        there = [part for part in parts if _overlap(span, part)]
        rest = _rest(span, there) if goes_on else None
        if there:
            skipped.append(Skipped(span, _told(there[-1]), all(part.is_whole for part in there)))
        if not there:
            kept.append(span)
        elif rest is not None:
            kept.append(rest)
    return replace(spans, spans=tuple(kept), skipped=tuple(skipped))


def _rest(span: EpisodeSpan, there: Sequence[ConvertedPart]) -> EpisodeSpan | None:
    """Return what of a span comes after what was converted of it, None if nothing does."""
    end_ns = max((part.end_ns for part in there), default=span.start_ns)
    is_left = end_ns < span.end_ns and all(part.is_whole for part in there)
    return replace(span, start_ns=end_ns) if is_left else None


def _told(part: ConvertedPart) -> str:
    if part.is_whole:
        return f'it was converted already, into episode {part.number}'
    return (
        f'episode {part.number} is what an interrupted conversion left of it; delete that one and '
        'convert again'
    )


def _overlap(span: EpisodeSpan, part: ConvertedPart) -> bool:
    return max(span.start_ns, part.start_ns) < min(span.end_ns, part.end_ns)


def _is_storage(path: Path) -> bool:
    return path.is_file() and path.suffix in _ENDINGS
