"""What a session is to be, and what an operator must know of it while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.stream_health import StreamLine


class Phase(str, Enum):
    """What the recorder is doing."""

    PREPARING = 'preparing'
    WARMUP = 'warming up'
    WAITING = 'waiting'
    RECORDING = 'recording'
    FINISHING = 'finishing'
    SAVING = 'saving'
    RESETTING = 'resetting'
    DONE = 'done'

    @property
    def is_running(self) -> bool:
        """Whether an episode runs that nobody has ended yet."""
        return self in (Phase.WAITING, Phase.RECORDING)

    @property
    def is_between(self) -> bool:
        """Whether the next episode may begin."""
        return self in (Phase.WARMUP, Phase.RESETTING)


@dataclass(frozen=True)
class SessionConfig:
    """How the episodes of a session run.

    Attributes:
        task: what the robot is told to do.
        num_episodes: how many episodes to record.
        episode_frames: rows in a full episode.
        reset_ns: time between two episodes [ns].
        warmup_ns: time before the first one [ns].
        preroll_ns: how much of what came before an episode's start it begins with [ns].
        by_hand: an episode begins only when somebody says so.
        root: the dataset's folder, for whoever looks from outside.
        fps: rows per second, for the same.
        timeout_ns: how long to wait for messages before giving up [ns].
        allow_low_rate: record even if no camera is as fast as the dataset says.
        check_only: end before the first episode, when it is known whether all is well.
    """

    task: str
    num_episodes: int
    episode_frames: int
    reset_ns: int = 0
    warmup_ns: int = 0
    preroll_ns: int = 0
    by_hand: bool = False
    root: str = ''
    timeout_ns: int = 20 * NS_PER_S
    allow_low_rate: bool = False
    check_only: bool = False
    fps: int = 0


@dataclass(frozen=True)
class RecorderStatus:
    """What an operator must know.

    Attributes:
        phase: what the recorder is doing.
        saved: episodes that are on the disk for good.
        accepted: episodes that were recorded and kept, saved already or being saved.
        wanted: episodes to be recorded in this session.
        frames: rows of the running episode.
        episode_frames: rows of a full episode.
        waiting_for: topics that have not given a value yet.
        left_s: time left of a reset or the warm-up [s].
        task: what the robot is told to do.
        message: the last thing worth telling.
        paused: the session waits for resume.
        by_hand: the next episode waits for somebody to start it.
        root: the dataset's folder.
        streams: how each stream is, as of the last second.
        fps: rows per second.
    """

    phase: str
    saved: int
    accepted: int
    wanted: int
    frames: int
    episode_frames: int
    waiting_for: tuple[str, ...]
    left_s: float
    task: str
    message: str
    paused: bool = False
    by_hand: bool = False
    root: str = ''
    streams: tuple[StreamLine, ...] = ()
    fps: int = 0

    @property
    def summary(self) -> str:
        """The phase, and which episodes are on the disk and which are on their way there."""
        waiting = max(self.accepted - self.saved, 0)  # one that is being dropped is saved still
        being = f', {waiting} accepted and being saved' if waiting else ''
        return f'{self.phase}: {self.saved} of {self.wanted} episodes saved{being}'


def idle_status(session: SessionConfig) -> RecorderStatus:
    """Return the status of a recorder that does not know yet what to record."""
    waiting = ('any topic that can be recorded',)
    wanted, frames = session.num_episodes, session.episode_frames
    return RecorderStatus(
        'preparing', 0, 0, wanted, 0, frames, waiting, 0.0, session.task, '',
        root=session.root, fps=session.fps,
    )  # fmt: skip


@dataclass(frozen=True)
class EpisodeSummary:
    """What became of one episode: durable, with its defects.

    Attributes:
        index: its number in the dataset.
        frames: its rows.
        outcome: success or failure if somebody said so, ``incomplete`` if a sensor was lost or
            the session cut short, else None.
        defects: kind -> how often.
        uuid: its name for good.
        notes: what was noted of it.
    """

    index: int
    frames: int
    outcome: str | None
    defects: dict[str, int] = field(default_factory=dict)
    uuid: str = ''
    notes: tuple[str, ...] = ()
