"""How late messages were published, counted without keeping them."""

from __future__ import annotations

BUCKETS_NS = tuple(round(50_000 * 1.15**step) for step in range(90))
"""Upper ends, from 50 us to 13 s [ns]."""


class Lateness:
    """Counts messages by how long they had been due."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_NS) + 1)
        self._most_ns = 0

    def add(self, late_ns: int, is_step: bool = False) -> None:
        """Count a message; one that was asked for by hand is never late [ns]."""
        if is_step:
            return
        at = next((n for n, end in enumerate(BUCKETS_NS) if late_ns <= end), len(BUCKETS_NS))
        self._counts[at] += 1
        self._most_ns = max(self._most_ns, late_ns)

    def quantile_ms(self, share: float) -> float:
        """Return below which lateness a share of the messages was [ms]."""
        wanted, seen = share * sum(self._counts), 0
        for end_ns, count in zip(BUCKETS_NS, self._counts, strict=False):
            seen += count
            if seen >= wanted:
                return end_ns / 1e6
        return self._most_ns / 1e6

    def told(self) -> str:
        """Return the figures in a line, nothing if nothing was played."""
        count = sum(self._counts)
        if not count:
            return ''
        return (
            f'{count} messages, late by {self.quantile_ms(0.5):.2f} ms (half), '
            f'{self.quantile_ms(0.99):.2f} ms (99 %), {self._most_ns / 1e6:.1f} ms at most'
        )
