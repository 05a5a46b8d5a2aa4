"""Parts that are each in order, put into one order, each begun only when its time has come."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar('T')


@dataclass(frozen=True)
class Part(Generic[T]):
    """Something that gives items in the order of their times.

    Attributes:
        start_ns: nothing in it is older [ns].
        rank: its own; of two items of one time, that of the lower rank comes first.
        open: begins it, and gives (time [ns], item).
    """

    start_ns: int
    rank: int
    open: Callable[[], Iterator[tuple[int, T]]]


def merged(parts: Iterable[Part[T]]) -> Iterator[tuple[int, T]]:
    """Yield the items of all parts in the order of their times.

    Only parts that overlap in time are open at once.

    Args:
        parts: sorted by their start.
    """
    heap: list[tuple[int, int, T, Iterator[tuple[int, T]]]] = []
    for part in parts:
        yield from _until(heap, part.start_ns)
        rest = part.open()
        for time_ns, item in rest:
            heapq.heappush(heap, (time_ns, part.rank, item, rest))
            break
    yield from _until(heap, None)


def _until(
    heap: list[tuple[int, int, T, Iterator[tuple[int, T]]]], end_ns: int | None
) -> Iterator[tuple[int, T]]:
    while heap and (end_ns is None or heap[0][0] < end_ns):
        time_ns, rank, item, rest = heap[0]
        yield time_ns, item
        for next_ns, following in rest:
            heapq.heapreplace(heap, (next_ns, rank, following, rest))
            break
        else:
            heapq.heappop(heap)
