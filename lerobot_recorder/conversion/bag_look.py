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
from lerobot_recorder.conversion.operator_texts import OperatorText
from lerobot_recorder.conversion.stream_look import StreamLook, StreamLooker
from lerobot_recorder.messages import RawMessage, decode, peek_header_ns
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
        texts: what was said to a recorder of ours.
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
    texts: tuple[OperatorText, ...] = ()
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
        texts: topic -> kind of what is said to a recorder of ours.
        silent: topics whose silence counts.
        gap_ns: silence that counts [ns].
    """

    recorded: Collection[str]
    marking: Collection[str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
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
    looker = _Looker(bag, wanted, marks)
    for raw in base.messages(bag, {*wanted.recorded, *wanted.marking, *wanted.texts}):
        looker.add(raw)
        watch(raw)
    look = looker.look(base)
    base.restart()
    return look


class _Looker:
    """Gathers what is seen of a bag."""

    def __init__(self, bag: BagReader, wanted: LookFor, marks: MarkReader) -> None:
        self._bag, self._reader = bag, marks
        self._recorded = frozenset(wanted.recorded)
        self._marking, self._silent = frozenset(wanted.marking), frozenset(wanted.silent)
        self._silences = _Silences(wanted.gap_ns)
        self._streams: dict[str, StreamLooker] = {}
        self._kinds = wanted.texts
        self._marks: list[Mark] = []
        self._texts: list[OperatorText] = []
        self._faults: dict[str, str] = {}

    def add(self, raw: RawMessage) -> None:
        """Take in a message."""
        looker = self._streams.get(raw.topic)
        if looker is None:
            looker = self._streams[raw.topic] = StreamLooker(raw.topic, raw.msgtype)
        stamp_ns = looker.add(raw, peek_header_ns(raw, self._bag.types))
        if raw.topic in self._silent:
            self._silences.add(stamp_ns)
        if raw.topic in self._marking or raw.topic in self._kinds:
            self._read(raw)

    def look(self, base: BagTime) -> BagLook:
        """Return what was seen."""
        looks = {topic: looker.look() for topic, looker in sorted(self._streams.items())}
        recorded = [look for topic, look in looks.items() if topic in self._recorded]
        others = {t: kind for t, kind in sorted(self._bag.topics.items()) if t not in looks}
        return BagLook(
            self._bag.path,
            base.told,
            min((one.first_ns for one in recorded if one.first_ns is not None), default=0),
            max((one.last_ns for one in recorded if one.last_ns is not None), default=0),
            looks,
            others,
            (*self._marks, *self._reader.marks()),
            tuple(self._texts),
            tuple(self._silences.found),
            tuple(self._notices(base)),
        )

    def _read(self, raw: RawMessage) -> None:
        try:
            if raw.topic in self._marking:
                self._marks += self._reader.read(raw)
            if raw.topic in self._kinds:
                text = str(decode(raw, self._bag.types).data)
                self._texts.append(OperatorText(raw.received_ns, self._kinds[raw.topic], text))
        except StreamError as error:
            self._faults.setdefault(raw.topic, str(error))

    def _notices(self, base: BagTime) -> Iterator[str]:
        yield from self._bag.notices
        yield from self._faults.values()
        unknown = self._reader.unknown
        if unknown:
            told = ', '.join(f'{text!r} ({n})' for text, n in list(unknown.items())[:5])
            yield f'no word that is known: {told}; name them with --episodes.words'
        if base.has_restarted:
            yield f'{SIM_RESET}: what comes after is left out'
