"""Settings of a policy: the section ``policy`` of a configuration file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.processors.config import Entries


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """Which policy drives, and how.

    Attributes:
        type: name in the table of policies, such as ``replay``.
        path: what it is made from: the dataset's folder for ``replay``.
        episode: which episode to replay.
        prefix: what the names of this robot's joints begin with, in a dataset of several robots.
        seed: what makes a scripted policy repeatable.
        fps: actions per second; None takes the policy's own.
        max_age_s: an observation further from now than this, older or stamped in the
            future, is not acted upon [s].
        approach_tolerance: how near each joint must be to the first action before the
            policy's time begins [rad or m].
        approach_timeout_s: how long that may take once the goal has got there [s].
        loop: begin anew when it has ended.
        preprocessor: steps on what it sees, after those of ``processor.robot_observation``.
        postprocessor: steps on its actions; None takes those of ``processor.robot_action``.
    """

    __pydantic_config__ = STRICT_KEYS

    type: str
    path: Path | None = None
    episode: int = 0
    prefix: str = ''
    seed: int = 0
    fps: int | None = None
    max_age_s: float = 0.5
    approach_tolerance: float = 0.15
    approach_timeout_s: float = 10.0
    loop: bool = False
    preprocessor: Entries = field(default_factory=list)
    postprocessor: Entries | None = None

    def __post_init__(self) -> None:
        checks = (
            ('fps', self.fps is None or self.fps >= 1, 'a whole number above 0'),
            ('seed', self.seed >= 0, 'not negative'),
            ('max_age_s', 0 < self.max_age_s < math.inf, 'a time above 0 s'),
            ('approach_tolerance', 0 < self.approach_tolerance < math.inf, 'a number above 0'),
            ('approach_timeout_s', 0 < self.approach_timeout_s < math.inf, 'a time above 0 s'),
        )
        for name, good, expected in checks:
            if not good:
                raise ValueError(f'{name} must be {expected}, found {getattr(self, name)!r}')
