"""The recorder without ROS: messages in, the operator's words in, episodes out.

An operator's session is a row of episodes with a reset between two of them, as with
``lerobot-record``. Time is that of arrival; episodes are cut on acquisition time.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import DatasetError, StreamError
from lerobot_recorder.capture import Capture
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset.dataset_writer import (
    DatasetWriter,
    PendingEpisode,
    SavedEpisode,
)
from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import EpisodeSummary, Phase, RecorderStatus, SessionConfig
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.take import Take

MakeWriter = Callable[[dict[str, dict[str, Any]]], DatasetWriter]
KEPT_PICTURES = 3
KEPT_NUMBERS = 200
"""Messages of a topic that are kept for the start of the next take."""
SETTLING_POLLS = 3
"""Polls after the dataset was opened until the first take: that may have taken a while, and
what queued up meanwhile has to be taken in first."""
MEASURE_NS = 3 * NS_PER_S
"""So long at most the rates of the sensors are measured before the first take [ns]."""
DRAIN_NS = NS_PER_S // 2
"""How long after the end of an episode its last messages are waited for [ns]."""


@dataclass(frozen=True)
class _Accepted:
    """An episode that was kept and is being saved, and what is told of it when it is."""

    pending: PendingEpisode
    outcome: str | None
    defects: dict[str, int]
    why: str

    def told(self, saved: SavedEpisode) -> str:
        defects = ''.join(f', {number} {kind}' for kind, number in self.defects.items())
        kept = f', {self.outcome}' if self.outcome else ''
        return f'episode {saved.index} saved: {saved.length} frames{kept}{defects}{self.why}'


class Recorder:
    """Runs a session.

    Args:
        plan: how rows are made; learnt from the first messages where open.
        make_writer: opens the dataset once its features are known.
        session: how the episodes run.
        now_ns: the time of arrival now [ns].
        capture: what is kept beside the rows; by default the commands, nothing of the session.
        companions: who else is told what happens.
    """

    def __init__(
        self,
        plan: RowPlan,
        make_writer: MakeWriter,
        session: SessionConfig,
        now_ns: int,
        capture: Capture | None = None,
        companions: Sequence[Companion] = (),
    ) -> None:
        self.phase = Phase.PREPARING
        self.episodes: list[EpisodeSummary] = []
        self.message = ''
        self._plan = plan
        self._capture = capture or Capture(plan.mapping)
        self._companions = tuple(companions)
        self._make_writer = make_writer
        self._session = session
        self._writer: DatasetWriter | None = None
        self._take: Take | None = None
        self._now_ns = now_ns
        self._since_ns = now_ns
        self._measured_from_ns = now_ns
        self._keep, self._warned = True, False
        self._stopped = False
        self._pending: deque[_Accepted] = deque()
        self._settling_polls = SETTLING_POLLS
        self._recent: dict[str, deque[RawMessage]] = {}

    @property
    def accepted(self) -> int:
        """Return how many episodes were kept: those that are durable and those being saved."""
        return len(self.episodes) + len(self._pending)

    @property
    def is_done(self) -> bool:
        """Return whether the session is over."""
        return self.phase is Phase.DONE

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing that can be recorded.
        """
        is_fact = self._capture.on_message(raw)
        if is_fact or (self._take is not None and self.phase is not Phase.SAVING):
            for companion in self._companions:
                companion.on_message(raw)
        if is_fact:
            return
        if self.phase is Phase.PREPARING:
            self._plan.learn(raw)
        self._remember(raw)
        if self._take is None or self.phase is Phase.SAVING:
            self._plan.observe(raw)
        else:
            self._take.add(raw)

    def poll(self, now_ns: int) -> None:
        """Let time pass.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].

        Raises:
            StreamError: topics stay silent for too long.
            DatasetError: the dataset cannot be written, or an episode that was accepted could
                not be saved.
        """
        self._advance(now_ns)
        self._collect()
        for companion in self._companions:
            self.message = '; '.join(companion.told()) or self.message
        if self.phase is Phase.PREPARING:
            self._plan.settle(self._now_ns)
        if self.phase is Phase.PREPARING and self._writer is not None:
            self._settling_polls -= 1
            if self._settling_polls <= 0:
                self._begin()
        elif self.phase is Phase.PREPARING and self._is_measured():
            told = self._plan.check_rates(self._session.allow_low_rate)
            self._writer = self._make_writer(self._plan.features())
            self.message = '; '.join([*self._writer.notices, *told])
        elif self.phase is Phase.RESETTING and now_ns >= self._since_ns + self._session.reset_ns:
            self._begin()
        self._check_timeout()

    def end_episode(self) -> None:
        """End the running episode now and keep it, or the reset."""
        if self.phase is Phase.RESETTING:
            self._begin()
        else:
            self._end(keep=True)

    def rerecord(self) -> None:
        """Drop the running episode and record it again after a reset."""
        self._end(keep=False)

    def stop(self) -> None:
        """End the session; the running episode is kept up to now.

        The session is over when all that was accepted is durable.
        """
        self._stopped = True
        closing = (Phase.RECORDING, Phase.FINISHING, Phase.SAVING)
        if self.phase in closing and self._take is not None:
            self._take.until_ns = min(self._take.until_ns, self._now_ns)
            self._take.finish()
            self._take.ended = None if self._take.is_full else 'the session was stopped'
            self._close_take()
        self._take = None
        if not self.is_done:
            self._go(Phase.SAVING)
            self._collect()

    def wait(self) -> None:
        """Wait until all that was accepted is durable.

        Raises:
            DatasetError: an episode could not be saved; those after it are, if they can be.
        """
        failures = []
        while self._pending:
            with contextlib.suppress(DatasetError):  # told below
                self._pending[0].pending.wait()
            try:
                self._collect()
            except DatasetError as error:
                failures.append(str(error))
        self._collect()
        if failures:
            raise DatasetError('; '.join(failures))

    def restart_time(self, now_ns: int, reason: str) -> None:
        """Go on at an earlier time: the clock of all stamps went back.

        A running episode ends with what came before; the next take begins in the new time.

        Args:
            now_ns: time of arrival now, on the new clock [ns].
            reason: what happened, for the operator.
        """
        if self._take is not None and self.phase is not Phase.SAVING:
            self._take.finish()
            self._take.ended = reason
            self._close_take()
        self._recent.clear()
        self._now_ns = self._since_ns = self._measured_from_ns = now_ns

    def close(self) -> None:
        """Finalise the dataset; an episode still running is dropped, accepted ones are saved."""
        self._take = None
        if self._writer is not None:
            self._writer.finalize()
            self._writer = None
        for companion in self._companions:
            companion.close()

    def status(self) -> RecorderStatus:
        """Return what an operator must know."""
        left_ns = self._since_ns + self._session.reset_ns - self._now_ns
        return RecorderStatus(
            phase=self.phase.value,
            saved=len(self.episodes),
            accepted=self.accepted,
            wanted=self._session.num_episodes,
            frames=self._take.num_frames if self._take else 0,
            episode_frames=self._session.episode_frames,
            waiting_for=tuple(self.waiting_for()),
            left_s=max(left_ns, 0) / NS_PER_S if self.phase is Phase.RESETTING else 0.0,
            task=self._session.task,
            message=self.message,
            root=self._session.root,
            fps=self._session.fps,
        )

    def waiting_for(self) -> list[str]:
        """Return the topics without which nothing goes on."""
        if self.phase is Phase.PREPARING:
            return self._plan.unlearned_topics() or self._plan.unheard_topics()
        return self._take.waiting_for() if self._take and self.phase is Phase.WAITING else []

    def _advance(self, now_ns: int) -> None:
        self._now_ns = max(self._now_ns, now_ns)
        take = self._take
        if take is None:
            return
        take.poll(self._now_ns)
        if self.phase is Phase.WAITING and take.num_frames:
            self._go(Phase.RECORDING)
        if take.encoders_behind and not self._warned:
            self._warned = True
            self.message = (
                f'{", ".join(take.encoders_behind)}: the encoder cannot keep up, pictures are '
                'repeated; choose a faster dataset.rgb_encoder.preset or fewer or smaller cameras'
            )
        is_over = take.lost or take.ended or take.is_complete(self._now_ns)
        if is_over or self.phase is Phase.SAVING:
            self._close_when_possible()
        elif self.phase is Phase.FINISHING and self._now_ns >= take.until_ns + DRAIN_NS:
            take.finish()
            self._close_when_possible()

    def _close_when_possible(self) -> None:
        """Close the take, unless too many episodes are being saved: then it waits its turn."""
        assert self._writer is not None
        if self._writer.can_accept or not self._keep:
            self._close_take()
        elif self.phase is not Phase.SAVING:
            self.message = 'the disk or the encoders are behind: waiting for episodes to be saved'
            self._go(Phase.SAVING)

    def _collect(self) -> None:
        """Take note of the episodes that have become durable."""
        while self._pending:
            first = self._pending[0]
            if not first.pending.is_done:
                return
            self._pending.popleft()
            saved = first.pending.wait()
            summary = EpisodeSummary(saved.index, saved.length, first.outcome, first.defects)
            self.episodes.append(summary)
            for companion in self._companions:
                companion.on_durable(saved)
            self.message = first.told(saved)
        if self.phase is Phase.SAVING and self._take is None:
            self._go(Phase.DONE)

    def _is_measured(self) -> bool:
        """Return whether it is known what the streams are and how fast, or long enough waited."""
        if not self._plan.is_learned:
            self._measured_from_ns = self._now_ns
            return False
        return self._plan.is_measured or self._now_ns - self._measured_from_ns >= MEASURE_NS

    def _begin(self) -> None:
        assert self._writer is not None
        task = self._session.task
        self._take = Take(self._plan, self._writer, task, self._now_ns, self._capture)
        self._take.max_frames, self._take.is_live = self._session.episode_frames, True
        self._keep, self._warned = True, False
        kept = [raw for recent in self._recent.values() for raw in recent]
        self._take.seed(kept)
        for companion in self._companions:
            companion.begin_episode(self._take.uuid, task)
            for raw in kept:
                companion.on_message(raw)
        self._go(Phase.WAITING)

    def _remember(self, raw: RawMessage) -> None:
        """Keep the last messages: what is in force, and what was on its way, as a take begins."""
        if raw.topic not in self._recent:
            kept = KEPT_PICTURES if raw.msgtype in IMAGE_TYPES else KEPT_NUMBERS
            self._recent[raw.topic] = deque(maxlen=kept)
        self._recent[raw.topic].append(raw)

    def _end(self, keep: bool) -> None:
        if self._take is not None and self.phase in (Phase.WAITING, Phase.RECORDING):
            self._keep, self._take.until_ns = keep, self._now_ns
            self._go(Phase.FINISHING)

    def _close_take(self) -> None:
        """Save or drop the take, then reset or finish."""
        assert self._take is not None and self._writer is not None
        take, self._take = self._take, None
        keep = self._keep and take.num_frames > 0
        if keep:
            outcome = 'incomplete' if take.lost or take.ended else None
            along = {k: v for c in self._companions for k, v in c.details().items()}
            pending = take.accept(outcome, along)
            self._pending.append(_Accepted(pending, outcome, take.defects(), _why(take)))
            self.message = f'episode accepted: {pending.length} frames; being saved'
        else:
            self._writer.discard_episode()
            self.message = 'episode dropped' if not self._keep else 'nothing was recorded'
        self.message += _why(take)
        for companion in self._companions:
            companion.end_episode(keep)
        enough = self.accepted >= self._session.num_episodes
        self._go(Phase.SAVING if enough or self._stopped else Phase.RESETTING)

    def _go(self, phase: Phase) -> None:
        self.phase = phase
        self._since_ns = self._now_ns

    def _check_timeout(self) -> None:
        opened = self.phase is Phase.PREPARING and self._writer is not None
        if opened or self.phase not in (Phase.PREPARING, Phase.WAITING):
            return
        if self._now_ns - self._since_ns > self._session.timeout_ns:
            silent = ', '.join(self.waiting_for()) or 'a common start of all streams'
            seconds = self._session.timeout_ns / NS_PER_S
            told = [f'; {error}' for error in self._plan.last_errors()]
            raise StreamError(f'waited {seconds:.0f} s for {silent}{"".join(told)}')


def _why(take: Take) -> str:
    """Return why a take ended before its time, to be told behind something else."""
    silent = [f'{take.lost} fell silent'] if take.lost else []
    return ''.join(f'; {reason}' for reason in [*silent, *filter(None, [take.ended])])
