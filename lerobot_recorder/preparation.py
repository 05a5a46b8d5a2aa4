"""Before the first take: what the streams are, and how fast, is learnt from their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan

T = TypeVar('T')
MEASURE_NS = 3 * NS_PER_S
"""So long at most the rates of the sensors are measured before the first take [ns]."""


class Preparation:
    """Learns a plan and says when it is known well enough.

    Args:
        plan: how rows are made; learnt from the first messages where open.
        now_ns: the time of arrival now [ns].
    """

    def __init__(self, plan: RowPlan, now_ns: int) -> None:
        self._plan = plan
        self._measured_from_ns = now_ns
        self._failure: StreamError | None = None

    def learn(self, raw: RawMessage) -> None:
        """Learn from a message; what cannot be learnt is told when all was looked at."""
        self._try(self._plan.learn, raw)

    def restart(self, now_ns: int) -> None:
        """Measure from now on [ns]."""
        self._measured_from_ns = now_ns

    def is_over(self, now_ns: int) -> bool:
        """Return whether it is known what the streams are and how fast, or long enough waited."""
        self._try(self._plan.settle, now_ns)
        if self._failure is None and not self._plan.is_learned:
            self._measured_from_ns = now_ns
            return False
        return self._plan.is_measured or now_ns - self._measured_from_ns >= MEASURE_NS

    def check(self) -> None:
        """Check that every stream gives something of use.

        Raises:
            StreamError: one does not.
        """
        if self._failure is not None:
            raise self._failure

    def _try(self, learn: Callable[[T], None], found: T) -> None:
        try:
            learn(found)
        except StreamError as error:
            self._failure = self._failure or error
