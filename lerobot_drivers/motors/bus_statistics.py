"""What happened on a bus of motors, counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class BusStatistics:
    """What happened on a bus since it was made.

    Attributes:
        transactions: that succeeded.
        retries: repeated after a failure.
        timeouts: replies that did not come, or not whole.
        corrupt: replies that came damaged.
        failures: transactions given up after all retries.
        resynchronized: motors of which it had to be proved that they owe no late reply.
        last_duration_ns: request to last byte of the reply [ns].
        max_duration_ns: the longest of these [ns].
    """

    transactions: int = 0
    retries: int = 0
    timeouts: int = 0
    corrupt: int = 0
    failures: int = 0
    resynchronized: int = 0
    last_duration_ns: int = 0
    max_duration_ns: int = 0

    def succeeded(self, duration_ns: int) -> None:
        """Count one success."""
        self.transactions += 1
        self.last_duration_ns = duration_ns
        self.max_duration_ns = max(self.max_duration_ns, duration_ns)
