"""What can go wrong on a simulated bus, on request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_ALWAYS = 1 << 62


@dataclass
class BusFaults:
    """Faults that are due; a count says for how many replies.

    Attributes:
        silent: ids that do not answer.
        corrupt: id -> replies that still go out with a wrong checksum.
        delay_s: how much later replies arrive [s].
        delays_left: how many of them.
        garbage: bytes that come in front of replies.
        garbage_left: how many times.
    """

    silent: set[int] = field(default_factory=set)
    corrupt: dict[int, int] = field(default_factory=dict)
    delay_s: float = 0.0
    delays_left: int = 0
    garbage: bytes = b''
    garbage_left: int = 0

    def add_silence(self, ids: Iterable[int]) -> None:
        """Let servos not answer."""
        self.silent.update(ids)

    def add_corruption(self, ids: Iterable[int], count: int | None) -> None:
        """Let replies of servos come with a wrong checksum."""
        self.corrupt.update(dict.fromkeys(ids, _ALWAYS if count is None else count))

    def add_delay(self, seconds: float, count: int | None) -> None:
        """Let replies arrive late [s]."""
        self.delay_s, self.delays_left = seconds, _ALWAYS if count is None else count

    def add_garbage(self, data: bytes, count: int | None) -> None:
        """Let stray bytes come in front of replies."""
        self.garbage, self.garbage_left = data, _ALWAYS if count is None else count

    def spoil(self, servo_id: int, status: bytes) -> bytes:
        """Return a servo's status packet as it goes out."""
        left = self.corrupt.get(servo_id, 0)
        if left <= 0:
            return status
        self.corrupt[servo_id] = left - 1
        return status[:-1] + bytes([status[-1] ^ 0x55])

    def delay(self) -> float:
        """Return how late the reply that is due now arrives [s]."""
        if self.delays_left <= 0:
            return 0.0
        self.delays_left -= 1
        return self.delay_s

    def stray(self) -> bytes:
        """Return what comes in front of the reply that is due now."""
        if self.garbage_left <= 0:
            return b''
        self.garbage_left -= 1
        return self.garbage
