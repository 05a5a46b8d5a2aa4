"""Settings of a policy: the section ``policy`` of a configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.config import STRICT_KEYS


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """Which policy drives, and how.

    Attributes:
        type: name in the table of policies, such as ``replay``.
        path: what it is made from: the dataset's folder for ``replay``.
        episode: which episode to replay.
        seed: what makes a scripted policy repeatable.
        fps: actions per second; None takes the policy's own.
        max_age_s: an observation older than this is not acted upon [s].
        approach_tolerance: how near the robot must be to the first action before the
            policy's time begins [dataset units].
        approach_timeout_s: how long that may take [s].
        loop: begin anew when it has ended.
    """

    __pydantic_config__ = STRICT_KEYS

    type: str
    path: Path | None = None
    episode: int = 0
    seed: int = 0
    fps: int | None = None
    max_age_s: float = 0.5
    approach_tolerance: float = 5.0
    approach_timeout_s: float = 10.0
    loop: bool = False

    def __post_init__(self) -> None:
        if self.fps is not None and self.fps < 1:
            raise ValueError(f'fps must be a whole number above 0, found {self.fps}')
