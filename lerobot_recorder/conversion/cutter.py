"""Messages of a bag in, one take after the other: several episodes in one pass.

While the last rows of an episode wait for what belongs to them, messages of the next one come
already; they are kept until it may begin. Nothing else waits, however long the bag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import LerobotRosError, ProcessorError, StreamError
from lerobot_recorder.conversion.keeper import Keeper, Source
from lerobot_recorder.conversion.span import EpisodeSpan, Skipped
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recent_messages import RecentMessages
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.take import Take

MAX_DRAIN_NS = 2 * NS_PER_S
"""How long after the end of an episode its last messages are waited for at most [ns]."""
POLL_NS = NS_PER_S // 100
"""Rows are looked for at most so often; live it is half as often [ns]."""

MakeTake = Callable[[EpisodeSpan], Take]


@dataclass(frozen=True)
class CutPlan:
    """How a bag is cut.

    Attributes:
        spans: the parts that become episodes, in order.
        rows: how rows are made.
        make_take: begins an episode.
        source: tells where it comes from.
        goes_on: after a sensor was lost another episode begins.
    """

    spans: Sequence[EpisodeSpan]
    rows: RowPlan
    make_take: MakeTake
    source: Source
    goes_on: bool = False


class Cutter:
    """Cuts a bag into episodes.

    Args:
        plan: how.
        keeper: gets the takes.
    """

    def __init__(self, plan: CutPlan, keeper: Keeper) -> None:
        self._plan, self._keeper = plan, keeper
        self._spans = list(plan.spans)
        self._take: Take | None = None
        self._span = EpisodeSpan(0, 0)
        self._recent = RecentMessages()
        self._since: list[RawMessage] = []
        self._free_ns = self._polled_ns = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing of the bag is needed any more."""
        return self._take is None and not self._spans

    @property
    def take(self) -> Take | None:
        """The episode that is running, None between two."""
        return self._take

    def add(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            DatasetError: an episode cannot be written.
        """
        if self._take is not None:
            self._drive(self._take, raw)
        elif raw.received_ns < self._next_ns:
            self._plan.rows.observe(raw)
        if raw.received_ns < self._next_ns:
            self._recent.add(raw)
        else:
            self._since.append(raw)
        if self._take is None and self._since:
            self._begin()

    def finish(self, ended: str | None = None) -> None:
        """End the episode that is running: the bag is over.

        Args:
            ended: why it is over before its time.

        Raises:
            DatasetError: the episode cannot be written.
        """
        while self._take is not None:
            if ended is not None and not self._take.is_past_end:
                self._take.ended = ended
            self._close()
            if self._since:
                self._begin()
        for span in self._spans:
            self._keeper.skipped.append(Skipped(span, 'the bag holds no message of that time'))
        self._spans.clear()

    @property
    def _next_ns(self) -> int:
        """When the next episode begins [ns]."""
        return self._spans[0].start_ns if self._spans else FOREVER_NS

    def _begin(self) -> None:
        """Begin the next episode with what came before it, and what has come since."""
        self._span = self._spans.pop(0)
        start_ns = max(self._span.start_ns, self._free_ns)
        self._take = self._plan.make_take(replace(self._span, start_ns=start_ns))
        self._take.tell(self._plan.source(self._span, None))
        before, _ = self._recent.split(FOREVER_NS)
        with self._take.heard_before():
            self._take.seed(before)
        since, self._since = self._since, []
        for raw in since:
            self.add(raw)

    def _drive(self, take: Take, raw: RawMessage) -> None:
        try:
            take.add(raw)
            if not 0 <= raw.received_ns - self._polled_ns < POLL_NS:
                take.poll(raw.received_ns)
                self._polled_ns = raw.received_ns
        except (StreamError, ProcessorError) as error:
            take.ended = str(error)
            self._close(error)
            self._leave_out(raw.received_ns, str(error))
            return
        overdue = raw.received_ns > take.until_ns + MAX_DRAIN_NS
        if take.lost or take.ended or overdue or take.is_over(raw.received_ns):
            self._close()
            if take.lost and self._plan.goes_on:
                self._spans.insert(0, self._rest(raw.received_ns))
            elif take.lost:
                why = f'{take.lost} fell silent; --episodes.by=gaps goes on after that'
                self._leave_out(raw.received_ns, why)
            elif take.ended:
                self._leave_out(raw.received_ns, take.ended)

    def _rest(self, now_ns: int) -> EpisodeSpan:
        return replace(self._span, start_ns=max(now_ns, self._free_ns))

    def _leave_out(self, now_ns: int, why: str) -> None:
        rest = self._rest(now_ns)
        if rest.duration_s > 0:
            self._keeper.skipped.append(Skipped(rest, why))

    def _close(self, error: LerobotRosError | None = None) -> None:
        take, self._take = self._take, None
        assert take is not None
        span = self._span
        if take.lost and self._plan.goes_on:
            span = replace(span, end_ns=take.free_from_ns)
        try:
            self._keeper.close(take, span, self._plan.source, error)
        except ProcessorError as failure:  # at its first row, which came only now
            self._keeper.fail(self._span, failure)
        self._free_ns = max(self._free_ns, take.free_from_ns)
