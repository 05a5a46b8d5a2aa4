"""Before the first episode: what the streams are and how fast, then the dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.row_plan import RowPlan

MakeWriter = Callable[[dict[str, dict[str, Any]]], DatasetWriter]
SETTLING_POLLS = 3
"""Polls after the dataset was opened until the first take: that may have taken a while, and
what queued up meanwhile has to be taken in first."""
MEASURE_NS = 3 * NS_PER_S
"""So long at most the rates of the sensors are measured before the first take [ns]."""


class Preparation:
    """Learns, measures, opens the dataset, lets it settle.

    Args:
        plan: how rows are made; what is open is learnt by whoever hears the messages.
        make_writer: opens the dataset once its features are known.
        allow_low_rate: record even if no camera is as fast as the dataset says.

    Attributes:
        writer: the dataset, once it is open.
    """

    def __init__(self, plan: RowPlan, make_writer: MakeWriter, allow_low_rate: bool) -> None:
        self.writer: DatasetWriter | None = None
        self._plan = plan
        self._make_writer = make_writer
        self._allow_low_rate = allow_low_rate
        self._measured_from_ns: int | None = None
        self._settling_polls = SETTLING_POLLS

    @property
    def is_over(self) -> bool:
        """Whether the first episode may begin."""
        return self.writer is not None and self._settling_polls <= 0

    def poll(self, now_ns: int) -> str:
        """Go on as far as possible; return what is worth telling, as a rule nothing.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].

        Raises:
            StreamError: no camera is as fast as the dataset says.
            DatasetError: the dataset cannot be opened.
        """
        self._plan.settle(now_ns)
        if self.writer is not None:
            self._settling_polls -= 1
        elif self._is_measured(now_ns):
            told = self._plan.check_rates(self._allow_low_rate)
            self.writer = self._make_writer(self._plan.features())
            return '; '.join([*self.writer.notices, *told])
        return ''

    def restart(self, now_ns: int) -> None:
        """Measure anew from another time on [ns]."""
        self._measured_from_ns = now_ns

    def waiting_for(self) -> list[str]:
        """Return the topics without which nothing goes on."""
        return self._plan.unlearned_topics() or self._plan.unheard_topics()

    def _is_measured(self, now_ns: int) -> bool:
        """Return whether it is known what the streams are and how fast, or long enough waited."""
        if not self._plan.is_learned or self._measured_from_ns is None:
            self._measured_from_ns = now_ns
            return False
        return self._plan.is_measured or now_ns - self._measured_from_ns >= MEASURE_NS
