"""Settings of a teleoperator; names and defaults are LeRobot's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.robots.config import ArmSide, PositiveFloat, Retries


@dataclass(frozen=True, kw_only=True)
class TeleopConfig:
    """One teleoperator on one serial bus.

    Attributes:
        type: name in the table of teleoperators, such as ``so101_leader``.
        id: which of several equal ones; names its calibration file.
        port: serial device, or ``sim://<world>/<device>``.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
        use_degrees: body joints in degrees, else in -100..100; None is what LeRobot does with it.
        rate_hz: rate of commands [1/s].
        gripper_open_pos: where a gripper that is a trigger springs back to [dataset units].
        num_read_retries: how often a failed exchange with the motors is repeated.
        left_arm_port: port of the left arm of two.
        right_arm_port: port of the right one.
        left_arm_config: what else is told of the left arm alone.
        right_arm_config: what else is told of the right one.
    """

    __pydantic_config__ = STRICT_KEYS

    type: str
    id: str | None = None
    port: str | None = None
    calibration_dir: Path | None = None
    use_degrees: bool | None = None
    rate_hz: PositiveFloat = 100.0
    num_read_retries: Retries = 2
    left_arm_port: str | None = None
    right_arm_port: str | None = None
    left_arm_config: ArmSide | None = None
    right_arm_config: ArmSide | None = None
    gripper_open_pos: Annotated[float, Field(ge=0, le=100)] = 50.0
