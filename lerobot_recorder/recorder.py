"""The recorder without ROS: messages in, the operator's words in, episodes out.

An operator's session is a row of episodes with a reset between two of them, as with
``lerobot-record``. Time is that of arrival; episodes are cut on acquisition time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.take import Take

MakeWriter = Callable[[dict[str, dict[str, Any]]], DatasetWriter]
KEPT_PICTURES = 3
KEPT_NUMBERS = 200
"""Messages of a topic that are kept for the start of the next take."""
SETTLING_POLLS = 3
"""Polls after the dataset was opened until the first take: that may have taken a while, and
what queued up meanwhile has to be taken in first."""
DRAIN_NS = NS_PER_S // 2
"""How long after the end of an episode its last messages are waited for [ns]."""


class Phase(str, Enum):
    """What the recorder is doing."""

    PREPARING = 'preparing'
    WAITING = 'waiting'
    RECORDING = 'recording'
    FINISHING = 'finishing'
    RESETTING = 'resetting'
    DONE = 'done'


@dataclass(frozen=True)
class SessionConfig:
    """How the episodes of a session run.

    Attributes:
        task: what the robot is told to do.
        num_episodes: how many episodes to record.
        episode_frames: rows in a full episode.
        reset_ns: time between two episodes [ns].
        timeout_ns: how long to wait for messages before giving up [ns].
    """

    task: str
    num_episodes: int
    episode_frames: int
    reset_ns: int = 0
    timeout_ns: int = 20 * NS_PER_S


@dataclass(frozen=True)
class RecorderStatus:
    """What an operator must know.

    Attributes:
        phase: what the recorder is doing.
        saved: episodes that are on the disk for good.
        wanted: episodes to be recorded in this session.
        frames: rows of the running episode.
        episode_frames: rows of a full episode.
        waiting_for: topics that have not given a value yet.
        left_s: time left of a reset [s].
        task: what the robot is told to do.
        message: the last thing worth telling.
    """

    phase: str
    saved: int
    wanted: int
    frames: int
    episode_frames: int
    waiting_for: tuple[str, ...]
    left_s: float
    task: str
    message: str


def idle_status(session: SessionConfig) -> RecorderStatus:
    """Return the status of a recorder that does not know yet what to record."""
    waiting = ('any topic that can be recorded',)
    wanted, frames = session.num_episodes, session.episode_frames
    return RecorderStatus('preparing', 0, wanted, 0, frames, waiting, 0.0, session.task, '')


@dataclass(frozen=True)
class EpisodeSummary:
    """What became of one episode: durable, with its defects.

    Attributes:
        index: its number in the dataset.
        frames: its rows.
        outcome: ``incomplete`` if a sensor was lost or the session cut short, else None.
        defects: kind -> how often.
    """

    index: int
    frames: int
    outcome: str | None
    defects: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Runs a session.

    Args:
        plan: how rows are made; learnt from the first messages where open.
        make_writer: opens the dataset once its features are known.
        session: how the episodes run.
        now_ns: the time of arrival now [ns].
    """

    def __init__(
        self, plan: RowPlan, make_writer: MakeWriter, session: SessionConfig, now_ns: int
    ) -> None:
        self.phase = Phase.PREPARING
        self.episodes: list[EpisodeSummary] = []
        self.message = ''
        self._plan = plan
        self._make_writer = make_writer
        self._session = session
        self._writer: DatasetWriter | None = None
        self._take: Take | None = None
        self._now_ns = now_ns
        self._since_ns = now_ns
        self._keep = True
        self._settling_polls = SETTLING_POLLS
        self._recent: dict[str, deque[RawMessage]] = {}

    @property
    def is_done(self) -> bool:
        """Return whether the session is over."""
        return self.phase is Phase.DONE

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing that can be recorded.
        """
        if self.phase is Phase.PREPARING:
            self._plan.learn(raw)
        self._remember(raw)
        if self._take is not None:
            self._take.add(raw)

    def poll(self, now_ns: int) -> None:
        """Let time pass.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].

        Raises:
            StreamError: topics stay silent for too long.
            DatasetError: the dataset cannot be written.
        """
        self._advance(now_ns)
        if self.phase is Phase.PREPARING:
            self._plan.settle(self._now_ns)
        if self.phase is Phase.PREPARING and self._writer is not None:
            self._settling_polls -= 1
            if self._settling_polls <= 0:
                self._begin()
        elif self.phase is Phase.PREPARING and self._plan.is_learned:
            self._writer = self._make_writer(self._plan.features())
            self.message = '; '.join(self._writer.notices)
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
        """End the session at once; the running episode is kept up to now."""
        if self.phase in (Phase.RECORDING, Phase.FINISHING) and self._take is not None:
            self._take.until_ns = min(self._take.until_ns, self._now_ns)
            self._take.finish()
            self._close_take(stopped=not self._take.is_full)
        self._go(Phase.DONE)

    def close(self) -> None:
        """Finalise the dataset; an episode still running is dropped."""
        self._take = None
        if self._writer is not None:
            self._writer.finalize()
            self._writer = None

    def status(self) -> RecorderStatus:
        """Return what an operator must know."""
        left_ns = self._since_ns + self._session.reset_ns - self._now_ns
        return RecorderStatus(
            phase=self.phase.value,
            saved=len(self.episodes),
            wanted=self._session.num_episodes,
            frames=self._take.num_frames if self._take else 0,
            episode_frames=self._session.episode_frames,
            waiting_for=tuple(self.waiting_for()),
            left_s=max(left_ns, 0) / NS_PER_S if self.phase is Phase.RESETTING else 0.0,
            task=self._session.task,
            message=self.message,
        )

    def waiting_for(self) -> list[str]:
        """Return the topics without which nothing goes on."""
        if self.phase is Phase.PREPARING:
            return self._plan.unlearned_topics()
        return self._take.waiting_for() if self._take and self.phase is Phase.WAITING else []

    def _advance(self, now_ns: int) -> None:
        self._now_ns = max(self._now_ns, now_ns)
        take = self._take
        if take is None:
            return
        take.poll(self._now_ns)
        if self.phase is Phase.WAITING and take.num_frames:
            self._go(Phase.RECORDING)
        if take.lost is not None or take.is_full:
            self._close_take()
        elif self.phase is Phase.FINISHING and self._now_ns >= take.until_ns + DRAIN_NS:
            take.finish()
            self._close_take()

    def _begin(self) -> None:
        assert self._writer is not None
        self._take = Take(self._plan, self._writer, self._session.task, self._now_ns)
        self._take.max_frames = self._session.episode_frames
        self._keep = True
        self._take.seed(raw for recent in self._recent.values() for raw in recent)
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

    def _close_take(self, stopped: bool = False) -> None:
        """Save or drop the take, then reset or finish."""
        assert self._take is not None and self._writer is not None
        take, self._take = self._take, None
        if self._keep and take.num_frames:
            outcome = 'incomplete' if take.lost or stopped else None
            saved = take.save(outcome)
            defects = take.defects()
            self.episodes.append(EpisodeSummary(saved.index, saved.length, outcome, defects))
            told = ''.join(f', {number} {kind}' for kind, number in defects.items())
            self.message = f'episode {saved.index} saved: {saved.length} frames{told}'
        else:
            self._writer.discard_episode()
            self.message = 'episode dropped' if not self._keep else 'nothing was recorded'
        if take.lost is not None:
            self.message += f'; {take.lost} fell silent'
        enough = len(self.episodes) >= self._session.num_episodes
        self._go(Phase.DONE if enough or stopped else Phase.RESETTING)

    def _go(self, phase: Phase) -> None:
        self.phase = phase
        self._since_ns = self._now_ns

    def _check_timeout(self) -> None:
        if self.phase not in (Phase.PREPARING, Phase.WAITING):
            return
        if self._now_ns - self._since_ns > self._session.timeout_ns:
            silent = ', '.join(self.waiting_for()) or 'a common start of all streams'
            seconds = self._session.timeout_ns / NS_PER_S
            told = [f'; {error}' for error in self._plan.last_errors()]
            raise StreamError(f'waited {seconds:.0f} s for {silent}{"".join(told)}')
