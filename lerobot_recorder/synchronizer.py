"""Stamped samples of many streams in, one aligned set per tick of the grid out.

The grid has ticks at ``origin + k / fps`` on acquisition time. The origin is the
first picture of the reference stream from which on every stream has a value; the
ticks after it depend on stamps only, so that a live take and the bag of the same
take give the same sets. Numeric streams are taken at the stamp of the reference
picture; where that had to be repeated, time goes on in the reference's last phase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.numeric_stream import NumericStream
from lerobot_recorder.picture_stream import PictureStream
from lerobot_recorder.seen_stream import SeenStream
from lerobot_recorder.stream_kinds import make_aligned
from lerobot_recorder.streams import (
    Flag,
    Stream,
    StreamConfig,
    StreamCounts,
    Take,
    Taken,
)
from lerobot_recorder.window_stream import WindowStream


class SyncMode(str, Enum):
    """How streams meet: on acquisition time, or as a policy would have seen them."""

    ALIGNED = 'aligned'
    AS_SEEN = 'as_seen'


@dataclass(frozen=True)
class SyncConfig:
    """How to synchronise.

    Attributes:
        fps: ticks per second of the grid.
        streams: the streams; all of them are required.
        reference: the stream whose pictures lead; None takes the first camera, if any.
        mode: aligned on acquisition time, or as seen on arrival.
        watermark_ns: how much longer than a stream's known latency to wait for it [ns].
        max_gap_ns: a sensor silent for longer than this is lost [ns].
    """

    fps: int
    streams: Sequence[StreamConfig]
    reference: str | None = None
    mode: SyncMode = SyncMode.ALIGNED
    watermark_ns: int = 100_000_000
    max_gap_ns: int = NS_PER_S


@dataclass(frozen=True)
class AlignedSet:
    """What every stream was at one tick.

    Attributes:
        index: number of the tick since the origin.
        tick_ns: nominal time of the tick [ns].
        target_ns: time at which numeric streams were taken [ns].
        taken: stream name -> its value.
    """

    index: int
    tick_ns: int
    target_ns: int
    taken: Mapping[str, Taken]


class Synchronizer:
    """Aligns one episode; make a new one for the next.

    Args:
        config: streams and grid.
        start_ns: no tick lies before this acquisition time [ns].

    Raises:
        StreamError: the reference is not one of the streams, or two streams share a name.
    """

    def __init__(self, config: SyncConfig, start_ns: int = 0) -> None:
        self.config = config
        self.lost: str | None = None
        self._start_ns = start_ns
        self._now_ns = start_ns
        self._period_ns = round(NS_PER_S / config.fps)
        self._streams: dict[str, Stream] = {}
        for stream in config.streams:
            if stream.name in self._streams:
                raise StreamError(f'two streams are named {stream.name!r}')
            self._streams[stream.name] = self._make_stream(stream)
        self._reference = self._find_reference()
        self._origin_ns: int | None = None
        self._next_index = 0
        self._phase_ns = 0
        self._ending = False

    @property
    def origin_ns(self) -> int | None:
        """Time of the first tick [ns], None before there is one."""
        return self._origin_ns

    @property
    def counts(self) -> dict[str, StreamCounts]:
        """What happened on each stream so far."""
        return {name: stream.counts for name, stream in self._streams.items()}

    def tick_ns(self, index: int) -> int:
        """Return the nominal time of a tick [ns]."""
        assert self._origin_ns is not None
        return self._origin_ns + (index * NS_PER_S + self.config.fps // 2) // self.config.fps

    def is_past(self, time_ns: int) -> bool:
        """Return whether every tick up to a time has been taken [ns]."""
        return self._origin_ns is not None and self.tick_ns(self._next_index) > time_ns

    def add(self, stream: str, stamp_ns: int, value: Any, received_ns: int) -> None:
        """Take in a sample.

        Args:
            stream: name of its stream.
            stamp_ns: acquisition stamp [ns].
            value: a picture, or a vector with NaN where it does not know.
            received_ns: when the middleware received it [ns].
        """
        self._streams[stream].add(stamp_ns, value, received_ns)

    def missing(self) -> dict[str, list[int]]:
        """Return the streams without a complete value yet, with the elements they lack."""
        return {
            name: stream.missing() if isinstance(stream, NumericStream) else []
            for name, stream in self._streams.items()
            if stream.first_ns() is None
        }

    def poll(
        self, now_ns: int, until_ns: int = FOREVER_NS, limit: int | None = None
    ) -> list[AlignedSet]:
        """Return the sets that are complete, or whose deadline has passed, by now.

        Args:
            now_ns: time of arrival up to which every message has been added [ns].
            until_ns: no tick after this time is taken [ns].
            limit: so many sets at most; what is not returned is not taken.
        """
        self._now_ns = max(self._now_ns, now_ns)
        return self._drain(until_ns, limit)

    def flush(self, until_ns: int = FOREVER_NS, limit: int | None = None) -> list[AlignedSet]:
        """Return the rest up to a time, as far as every sensor still has values of its own.

        Args:
            until_ns: no tick after this time is taken [ns].
            limit: so many sets at most.
        """
        self._now_ns = FOREVER_NS
        self._ending = True
        lasts = [last for s in self._streams.values() if (last := s.last_ns()) is not None]
        end_ns = max(lasts, default=self._start_ns) + self._period_ns - 1
        return self._drain(min(until_ns, end_ns), limit)

    def _drain(self, until_ns: int, limit: int | None) -> list[AlignedSet]:
        sets: list[AlignedSet] = []
        if self._origin_ns is None and not self._find_origin():
            return sets
        while self.lost is None and self.tick_ns(self._next_index) <= until_ns:
            if limit is not None and len(sets) >= limit:
                break
            aligned = self._try_tick()
            if aligned is None:
                break
            sets.append(aligned)
        return sets

    def _make_stream(self, config: StreamConfig) -> Stream:
        if self.config.mode is SyncMode.AS_SEEN:
            windowed = config.window is not None
            return WindowStream(config, self._period_ns, True) if windowed else SeenStream(config)
        if config.take is Take.NEAREST:
            return PictureStream(config, self._period_ns)
        return make_aligned(config, self._period_ns)

    def _find_reference(self) -> PictureStream | None:
        name = self.config.reference
        if name is not None and name not in self._streams:
            known = ', '.join(self._streams)
            raise StreamError(f'reference stream {name!r} is not one of the streams: {known}')
        named = self._streams[name] if name is not None else None
        if named is None:
            pictures = (s for s in self._streams.values() if isinstance(s, PictureStream))
            named = next(pictures, None)
        return named if isinstance(named, PictureStream) else None

    def _find_origin(self) -> bool:
        """Set the origin once every stream has a value there; return whether it is set.

        It is set for good when nothing that could make it an earlier one is still on its way.
        """
        earliest_ns: int | None = None
        begun_ns: int | None = self._start_ns
        while begun_ns is not None and begun_ns != earliest_ns:
            earliest_ns = begun_ns
            begun_ns = self._begun_ns(earliest_ns)
        if begun_ns is None:
            self._forget_old()
        elif all(self._is_settled(stream, begun_ns) for stream in self._streams.values()):
            self._origin_ns = begun_ns
            self._forget(begun_ns)
        else:
            self._forget(self._start_ns)
        return self._origin_ns is not None

    def _begun_ns(self, earliest_ns: int) -> int | None:
        """Return when all streams have begun, looking from a time on, None if not yet [ns]."""
        begun_ns = earliest_ns
        for stream in self._streams.values():
            first_ns = stream.first_ns(earliest_ns - self._slack_ns(stream))
            if first_ns is None:
                return None
            begun_ns = max(begun_ns, first_ns - self._slack_ns(stream))
        return begun_ns

    def _forget(self, time_ns: int) -> None:
        """Forget what no origin from a time on can need."""
        for stream in self._streams.values():
            stream.drop_before(time_ns - self._slack_ns(stream))

    def _forget_old(self) -> None:
        """Forget what grows old while a stream has nothing to show yet."""
        self._forget(self._start_ns)
        for stream in self._streams.values():
            last_ns = stream.last_ns()
            if last_ns is not None:
                stream.drop_before(last_ns - self.config.max_gap_ns)

    def _is_settled(self, stream: Stream, time_ns: int) -> bool:
        return stream.is_settled(time_ns, self._now_ns, self.config.watermark_ns)

    def _slack_ns(self, stream: Stream) -> int:
        """Return how far after the origin a stream's first sample may lie [ns]."""
        if stream is self._reference:
            return 0
        if isinstance(stream, PictureStream):
            return self._period_ns // 2
        is_next = isinstance(stream, NumericStream) and stream.config.take is Take.NEXT
        return self._period_ns - 1 if is_next else 0

    def _try_tick(self) -> AlignedSet | None:
        tick_ns = self.tick_ns(self._next_index)
        target_ns = self._target(tick_ns)
        if target_ns is None:
            return None
        taken = {}
        for name, stream in self._streams.items():
            value = self._take(stream, self._time(stream, tick_ns, target_ns))
            if value is None:
                return None
            taken[name] = value
        if self._is_lost(taken, tick_ns):
            return None
        for name, stream in self._streams.items():
            stream.commit(taken[name], self._time(stream, tick_ns, target_ns))
        self._next_index += 1
        return AlignedSet(self._next_index - 1, tick_ns, target_ns, taken)

    def _time(self, stream: Stream, tick_ns: int, target_ns: int) -> int:
        """Return the time at which a stream is taken: pictures at the tick, numbers with them."""
        return tick_ns if isinstance(stream, PictureStream) else target_ns

    def _target(self, tick_ns: int) -> int | None:
        """Return the time at which numeric streams are taken, None if still open [ns]."""
        if self._reference is None:
            return tick_ns
        picture = self._take(self._reference, tick_ns)
        if picture is None:
            return None
        if picture.flag is Flag.SLIP:
            return picture.stamp_ns
        if picture.flag is Flag.FRESH:
            self._phase_ns = picture.stamp_ns - tick_ns
        return tick_ns + self._phase_ns

    def _take(self, stream: Stream, time_ns: int) -> Taken | None:
        if not self._is_settled(stream, time_ns):
            return None
        taken = stream.take(time_ns)
        ended = self._ending and not stream.config.may_be_silent and not stream.is_final(time_ns)
        if taken is not None and ended and taken.flag is not Flag.FRESH:
            return None
        return taken

    def _is_lost(self, taken: Mapping[str, Taken], tick_ns: int) -> bool:
        """Note the first sensor that has been silent for longer than allowed."""
        for name, value in taken.items():
            stream = self._streams[name]
            silence_ns = stream.silence_ns(value, tick_ns)
            if not stream.config.may_be_silent and silence_ns > self.config.max_gap_ns:
                self.lost = name
        return self.lost is not None
