"""Which topics are played, and under which names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import BagError
from lerobot_recorder.guess import COMMAND_NAMES
from lerobot_recorder.play.segments import PlayedTopic, Segment
from lerobot_recorder.time_base import CLOCK_TOPIC

COMMAND_TYPES = (
    'trajectory_msgs/msg/JointTrajectory',
    'control_msgs/msg/JointJog',
    'ackermann_msgs/msg/AckermannDrive',
    'ackermann_msgs/msg/AckermannDriveStamped',
)
MORE_NAMES = ('cmd_vel', 'delta_twist_cmds', 'delta_joint_cmds', 'pose_target_cmds', 'command')
_ACTION_GOALS = '/_action/'
MAX_RATE = 100.0


@dataclass(frozen=True, kw_only=True)
class PlayConfig:
    """How to play.

    Attributes:
        rate: seconds of log per second.
        loop: begin again at the end.
        start_paused: wait for space, or for the service ~/resume.
        topics: only these; None for all.
        episodes: which ones, such as 0,3-5; None for all.
        clock: publish the log's time on /clock; a number is how often [1/s].
        commands: publish what commands a robot, too: it may move!
        remap: topic -> its name in this graph.
        namespace: before all topics.
        settle_s: time for subscribers to find the topics before the first message [s].
    """

    __pydantic_config__ = STRICT_KEYS

    rate: float = 1.0
    loop: bool = False
    start_paused: bool = False
    topics: list[str] | None = None
    episodes: Any = None
    clock: bool | float = False
    commands: bool = False
    remap: dict[str, str] = field(default_factory=dict)
    namespace: str = ''
    settle_s: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.rate <= MAX_RATE:
            raise ValueError(f'rate must be above 0 and at most {MAX_RATE:.0f}, found {self.rate}')
        if not 0 <= self.settle_s <= 60:
            raise ValueError(f'settle_s must be 0 to 60 s, found {self.settle_s}')
        for topic in (*(self.topics or ()), *self.remap, *self.remap.values()):
            if not topic.startswith('/'):
                raise ValueError(f'topics must be absolute, such as /{topic}')

    @property
    def clock_hz(self) -> float:
        """How often the clock is published, 0 for not at all [1/s]."""
        return 40.0 if self.clock is True else float(self.clock)

    def name(self, topic: str) -> str:
        """Return what a topic is called in this graph."""
        named = self.remap.get(topic, topic)
        space = self.namespace.strip('/')
        return f'/{space}{named}' if space else named


@dataclass(frozen=True)
class Choice:
    """What is played of what there is.

    Attributes:
        topics: topic -> what is known of it.
        commands: topics that are held back: they would command a robot.
    """

    topics: Mapping[str, PlayedTopic]
    commands: Sequence[str] = ()


def choose(segments: Sequence[Segment], config: PlayConfig) -> Choice:
    """Return what is played of some segments.

    Raises:
        BagError: a topic that is named is not there, or nothing is left.
    """
    there: dict[str, PlayedTopic] = {}
    actions: set[str] = set()
    for segment in segments:
        there = {**segment.topics(), **there}
        actions |= set(segment.actions())
    missing = [topic for topic in config.topics or () if topic not in there]
    if missing:
        known = ', '.join(sorted(there)) or 'none at all'
        raise BagError(f'--topics: there is no {", ".join(missing)}; topics there: {known}')
    wanted = {t: there[t] for t in config.topics or there if not (config.clock and _is_clock(t))}
    held = [t for t, told in wanted.items() if is_command(t, told.msgtype, actions)]
    if config.commands:
        return Choice(wanted)
    left = {topic: told for topic, told in wanted.items() if topic not in held}
    if not left:
        raise BagError(
            f'nothing to play but what commands a robot ({", ".join(held) or "no topic"}); '
            'with --commands=true that is published too'
        )
    return Choice(left, held)


def is_command(topic: str, msgtype: str, actions: Collection[str] = ()) -> bool:
    """Return whether a robot may move by what is on a topic.

    Args:
        topic: its name.
        msgtype: its type.
        actions: topics that are known to be commands.
    """
    last = topic.rpartition('/')[2]
    named = last in (*COMMAND_NAMES, *MORE_NAMES) or last.startswith('cmd_vel')
    return topic in actions or named or msgtype in COMMAND_TYPES or _ACTION_GOALS in topic


def _is_clock(topic: str) -> bool:
    return topic == CLOCK_TOPIC
