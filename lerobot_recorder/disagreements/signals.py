"""What the recorded streams of a bag look like: enough of their numbers to compare them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.units import NormMode
from lerobot_recorder.rates import own_rate

WINDOW_NS = 30 * NS_PER_S
"""So much is compared once every stream has begun [ns]."""
SILENT_NS = NS_PER_S
Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]


@dataclass(frozen=True)
class Signal:
    """One stream of numbers, for some seconds.

    Attributes:
        feature: the feature that it is, or a part of.
        topic: its topic.
        names: its elements on the topic.
        values: in the dataset's units, shape (messages, elements).
        arrivals_ns: when they were logged, on the headers' clock, shape (messages,) [ns].
        headers_ns: their header stamps, None where the type has none, shape (messages,) [ns].
        has_names: whether its messages name their elements.
        modes: unit of each element in the dataset.
        norms: lengths of its quaternions before they are made one, shape (messages, quaternions).
        doubled: names that occur twice in a message.
        is_still: nothing in it has changed in the whole bag.
        silent_share: part of the whole bag in which it was silent for over a second.
        offset_ns: fixed latency that the mapping takes from its stamps [ns].
    """

    feature: str
    topic: str
    names: tuple[str, ...]
    values: Floats
    arrivals_ns: Stamps
    headers_ns: Stamps | None = None
    has_names: bool = True
    modes: tuple[NormMode, ...] = ()
    norms: Floats = field(default_factory=lambda: np.empty((0, 0)))
    doubled: tuple[str, ...] = ()
    is_still: bool = False
    silent_share: float = 0.0
    offset_ns: int = 0

    @cached_property
    def stamps_ns(self) -> Stamps:
        """When they were taken: by the header where it is set, else when they arrived [ns]."""
        if self.headers_ns is None or not self.headers_ns.any():
            return self.arrivals_ns
        return np.where(self.headers_ns > 0, self.headers_ns, self.arrivals_ns)

    @cached_property
    def rate_hz(self) -> float | None:
        """Messages per second by their stamps, None of too few [1/s]."""
        return own_rate(self.stamps_ns.tolist())

    @property
    def lags_ns(self) -> Stamps:
        """Time from header stamp to arrival of those that have one, shape (n,) [ns]."""
        if self.headers_ns is None:
            return np.empty(0, np.int64)
        stamped = self.headers_ns > 0
        return np.asarray((self.arrivals_ns - self.headers_ns)[stamped])

    def of(self, name: str) -> Floats:
        """Return the values of one element, shape (messages,)."""
        return np.asarray(self.values[:, self.names.index(name)])


@dataclass(frozen=True)
class Scenes:
    """One stream of pictures, some of them looked at.

    Attributes:
        feature: the feature that it is.
        topic: its topic.
        compared: first pictures that were compared with the one before.
        repeated: how many of those were byte for byte the same.
        is_still: all pictures that were looked at are the same, in the whole bag.
        spreads: brightest less darkest value of pictures decoded [0..255].
        brightest: brightest value of all of them [0..255].
    """

    feature: str
    topic: str
    compared: int = 0
    repeated: int = 0
    is_still: bool = False
    spreads: tuple[float, ...] = ()
    brightest: float = 255.0


@dataclass
class SignalLog:
    """Keeps the numbers of one stream: all until every stream has begun, then a window."""

    first_ns: int | None = None
    is_still: bool = True
    silent_ns: int = 0
    _last_ns: int = 0
    _before: Floats | None = None
    _kept: deque[tuple[int, int | None, Floats, tuple[float, ...]]] = field(default_factory=deque)

    def arrived(self, arrival_ns: int) -> None:
        """Take note of a message, whatever is in it [ns]."""
        if self.first_ns is None:
            self.first_ns = self._last_ns = arrival_ns
        pause_ns = arrival_ns - self._last_ns
        self.silent_ns += pause_ns if pause_ns > SILENT_NS else 0
        self._last_ns = max(self._last_ns, arrival_ns)

    def add(
        self, arrival_ns: int, header_ns: int | None, values: Floats, norms: Sequence[float]
    ) -> None:
        """Keep the numbers of a message."""
        self.compare(values)
        self._kept.append((arrival_ns, header_ns, values, tuple(norms)))

    def compare(self, values: Floats) -> None:
        """Take note of whether anything changes."""
        if self._before is not None and not np.array_equal(values, self._before, equal_nan=True):
            self.is_still = False
        self._before = values

    def forget_before(self, arrival_ns: int) -> None:
        """Forget what came before a time [ns]."""
        while self._kept and self._kept[0][0] < arrival_ns:
            self._kept.popleft()

    def signal(self, span_ns: tuple[int, int], **known: Any) -> Signal | None:
        """Return the stream as it was heard, None if nothing was.

        Args:
            span_ns: begin and end of the whole bag [ns].
            known: what else a signal tells.
        """
        if not self._kept or self.first_ns is None:
            return None
        arrivals, headers, values, norms = zip(*self._kept, strict=True)
        start_ns, end_ns = span_ns
        silent_ns = self.silent_ns + sum(
            pause for pause in (self.first_ns - start_ns, end_ns - self._last_ns)
            if pause > SILENT_NS
        )  # fmt: skip
        return Signal(
            values=np.stack(values),
            arrivals_ns=np.array(arrivals, np.int64),
            headers_ns=None if headers[0] is None else np.array(headers, np.int64),
            norms=np.array(norms, np.float64).reshape(len(values), -1),
            is_still=self.is_still,
            silent_share=silent_ns / max(1, end_ns - start_ns),
            **known,
        )
