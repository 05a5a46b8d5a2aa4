"""Before the first episode: what the streams are and how fast, then the dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import SessionConfig
from lerobot_recorder.row_plan import RowPlan

T = TypeVar('T')
MakeWriter = Callable[[dict[str, dict[str, Any]]], DatasetWriter]
SETTLING_POLLS = 3
"""Polls after the dataset was opened until the first take: that may have taken a while, and
what queued up meanwhile has to be taken in first."""
MEASURE_NS = 3 * NS_PER_S
"""So long at most the rates of the sensors are measured before the first take [ns]."""


class Preparation:
    """Learns a plan, measures, opens the dataset, lets it settle.

    Args:
        plan: how rows are made; learnt from the first messages where open.
        make_writer: opens the dataset once its features are known.
        session: whether low rates are allowed, and whether to check only.
        companions: look at the streams before the dataset is opened.
        now_ns: the time of arrival now [ns].

    Attributes:
        writer: the dataset, once it is open.
        is_checked: all was looked at, and that was all that was asked for.
    """

    def __init__(
        self,
        plan: RowPlan,
        make_writer: MakeWriter,
        session: SessionConfig,
        companions: Companion,
        now_ns: int,
    ) -> None:
        self.writer: DatasetWriter | None = None
        self.is_checked = False
        self._plan, self._make_writer = plan, make_writer
        self._session, self._companions = session, companions
        self._measured_from_ns = now_ns
        self._settling_polls = SETTLING_POLLS
        self._failure: StreamError | None = None

    @property
    def is_over(self) -> bool:
        """Whether the first episode may begin."""
        return self.writer is not None and self._settling_polls <= 0

    def learn(self, raw: RawMessage) -> None:
        """Learn from a message; what cannot be learnt is told when all was looked at."""
        self._try(self._plan.learn, raw)

    def poll(self, now_ns: int) -> str:
        """Go on as far as possible; return what is worth telling, as a rule nothing.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].

        Raises:
            StreamError: a stream gives nothing of use, or no camera is fast enough.
            DatasetError: the dataset cannot be opened.
        """
        self._try(self._plan.settle, now_ns)
        if self.writer is not None:
            self._settling_polls -= 1
        elif self._is_measured(now_ns):
            self.check()
            told = self._plan.check_rates(self._session.allow_low_rate)
            if self._session.check_only:
                self.is_checked = True
                return ''
            self.writer = self._make_writer(self._plan.features())
            return '; '.join([*self.writer.notices, *told])
        return ''

    def check(self) -> None:
        """Look at all streams.

        Raises:
            StreamError: one gives nothing of use.
        """
        self._companions.check(self._plan)
        if self._failure is not None:
            raise self._failure

    def restart(self, now_ns: int) -> None:
        """Measure anew from another time on [ns]."""
        self._measured_from_ns = now_ns

    def waiting_for(self) -> list[str]:
        """Return the topics without which nothing goes on."""
        return self._plan.unlearned_topics() or self._plan.unheard_topics()

    def _is_measured(self, now_ns: int) -> bool:
        """Return whether it is known what the streams are and how fast, or long enough waited."""
        # A topic may be found seconds after the others; patience with it ends in the recorder.
        if self._failure is None and self.waiting_for():
            self._measured_from_ns = now_ns
            return False
        return self._plan.is_measured or now_ns - self._measured_from_ns >= MEASURE_NS

    def _try(self, learn: Callable[[T], None], found: T) -> None:
        try:
            learn(found)
        except StreamError as error:
            self._failure = self._failure or error


def waited_in_vain(timeout_ns: int, topics: Sequence[str], plan: RowPlan) -> StreamError:
    """Return the error of topics that stayed silent for so long [ns]."""
    silent = ', '.join(topics) or 'a common start of all streams'
    told = ''.join(f'; {error}' for error in plan.last_errors())
    return StreamError(f'waited {timeout_ns / NS_PER_S:.0f} s for {silent}{told}')
