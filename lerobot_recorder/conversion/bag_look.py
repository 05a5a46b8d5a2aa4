"""The look into a bag before anything is made of it: one pass, nothing decoded but marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import BagTime
from lerobot_recorder.conversion.marks import Mark, MarkReader
from lerobot_recorder.conversion.stream_look import StreamLook, StreamLooker
from lerobot_recorder.messages import RawMessage, peek_header_ns
from lerobot_recorder.time_base import SIM_RESET


@dataclass(frozen=True)
class BagLook:
    """What a bag holds.

    Attributes:
        bag: where it is.
        clock: on which clock its messages are put, and why.
        first_ns: first stamp of what is recorded [ns].
        last_ns: last one [ns].
        streams: topic -> what is known of it, of what is recorded and what tells episodes.
        others: topic -> type of the rest.
        marks: what says where episodes begin and end.
        silences: begin and end of the times in which what was asked for was silent [ns].
        notices: what cannot be read, or is odd.
    """

    bag: Path
    clock: str
    first_ns: int = 0
    last_ns: int = 0
    streams: Mapping[str, StreamLook] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    silences: tuple[tuple[int, int], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Time from the first to the last stamp of what is recorded [s]."""
        return (self.last_ns - self.first_ns) / NS_PER_S

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            'clock': self.clock,
            'first_ns': self.first_ns,
            'last_ns': self.last_ns,
            'duration_s': self.duration_s,
            'streams': {topic: asdict(look) for topic, look in self.streams.items()},
            'others': dict(self.others),
            'notices': list(self.notices),
        }


@dataclass(frozen=True)
class LookFor:
    """What to look for.

    Attributes:
        recorded: topics that become rows, or go beside them.
        marking: topics that tell episodes.
        silent: topics whose silence counts.
        gap_ns: silence that counts [ns].
    """

    recorded: Collection[str]
    marking: Collection[str] = ()
    silent: Collection[str] = ()
    gap_ns: int = NS_PER_S


class _Silences:
    """Notes when nothing came on any of some topics for long."""

    def __init__(self, gap_ns: int) -> None:
        self.found: list[tuple[int, int]] = []
        self._gap_ns = gap_ns
        self._newest_ns: int | None = None

    def add(self, stamp_ns: int) -> None:
        newest_ns = self._newest_ns
        if newest_ns is not None and stamp_ns - newest_ns > self._gap_ns:
            self.found.append((newest_ns, stamp_ns))
        self._newest_ns = stamp_ns if newest_ns is None else max(newest_ns, stamp_ns)


def look_into(
    bag: BagReader,
    base: BagTime,
    wanted: LookFor,
    marks: MarkReader,
    watch: Callable[[RawMessage], None],
) -> BagLook:
    """Look at all messages of a bag.

    Args:
        bag: the bag.
        base: on which clock its headers run.
        wanted: what to look for.
        marks: reads the marks.
        watch: sees every message too.

    Raises:
        BagError: the bag is damaged.
    """
    recorded_topics = frozenset(wanted.recorded)
    types, marking, silent = bag.topics, frozenset(wanted.marking), frozenset(wanted.silent)
    streams: dict[str, StreamLooker] = {}
    silences = _Silences(wanted.gap_ns)
    found: list[Mark] = []
    faults: dict[str, str] = {}
    for raw in base.messages(bag, recorded_topics | marking):
        looker = streams.get(raw.topic)
        if looker is None:
            looker = streams[raw.topic] = StreamLooker(raw.topic, raw.msgtype)
        stamp_ns = looker.add(raw, peek_header_ns(raw, bag.types))
        if raw.topic in silent:
            silences.add(stamp_ns)
        if raw.topic in marking:
            found += _read(marks, raw, faults)
        watch(raw)
    restarted = [f'{SIM_RESET}: what comes after is left out'] if base.has_restarted else []
    base.restart()
    looks = {topic: looker.look() for topic, looker in sorted(streams.items())}
    recorded = [look for topic, look in looks.items() if topic in recorded_topics]
    return BagLook(
        bag.path,
        base.told,
        min((one.first_ns for one in recorded if one.first_ns is not None), default=0),
        max((one.last_ns for one in recorded if one.last_ns is not None), default=0),
        looks,
        {topic: kind for topic, kind in sorted(types.items()) if topic not in looks},
        (*found, *marks.marks()),
        tuple(silences.found),
        (*_notices(bag, marks, faults), *restarted),
    )


def _read(marks: MarkReader, raw: RawMessage, faults: dict[str, str]) -> list[Mark]:
    try:
        return list(marks.read(raw))
    except StreamError as error:
        faults.setdefault(raw.topic, str(error))
        return []


def _notices(bag: BagReader, marks: MarkReader, faults: Mapping[str, str]) -> Iterator[str]:
    yield from getattr(bag, 'notices', ())
    yield from faults.values()
    if marks.unknown:
        told = ', '.join(f'{text!r} ({n})' for text, n in list(marks.unknown.items())[:5])
        yield f'no word that is known: {told}; name them with --episodes.words'
