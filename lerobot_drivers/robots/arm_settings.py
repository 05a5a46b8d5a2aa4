"""What an arm must know of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ArmSettings:
    """What an arm must know of the configuration of a robot or teleoperator.

    Attributes:
        kind: LeRobot's folder of its calibrations, first part.
        name: LeRobot's folder of its calibrations, second part.
        type: its type name, such as ``so101_follower``.
        id: which of several equal arms.
        port: serial device or ``sim://<world>/<device>``.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
        use_degrees: body joints in degrees in the dataset, else in -100..100.
        velocity: fastest hand-over, by joint [rad/s].
        num_retry: how often a failed exchange with the motors is repeated.
    """

    kind: Literal['robots', 'teleoperators']
    name: str
    type: str
    id: str | None
    port: str | None
    calibration_dir: Path | None
    use_degrees: bool
    velocity: float | Mapping[str, float] | None = None
    num_retry: int = 2
