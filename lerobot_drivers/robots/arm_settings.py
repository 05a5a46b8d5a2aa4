"""What an arm must know of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lerobot_drivers.motors.calibration import calibration_path, find_calibration
from lerobot_drivers.sim.address import is_sim_address


@dataclass(frozen=True, kw_only=True)
class ArmIdentity:
    """Which arm it is: where it is plugged in, and what its calibration is called.

    Attributes:
        kind: LeRobot's folder of its calibrations, first part.
        name: LeRobot's folder of its calibrations, second part.
        type: its type name, such as ``so101_follower``.
        id: which of several equal arms.
        port: serial device or ``sim://<world>/<device>``.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
    """

    kind: Literal['robots', 'teleoperators']
    name: str
    type: str
    id: str | None
    port: str | None
    calibration_dir: Path | None

    @property
    def calibration_file(self) -> Path:
        """Where its calibration is written to."""
        return calibration_path(self.kind, self.name, self.id, self.calibration_dir)

    @property
    def found_calibration(self) -> Path | None:
        """Its calibration as a driver finds it, None if there is none."""
        return find_calibration(self.kind, self.name, self.id, self.calibration_dir)

    @property
    def is_simulated(self) -> bool:
        """Whether it is an arm of a simulated world."""
        return is_sim_address(self.port)


@dataclass(frozen=True, kw_only=True)
class ArmSettings(ArmIdentity):
    """What an arm must know of the configuration of a robot or teleoperator.

    Attributes:
        use_degrees: body joints in degrees in the dataset, else in -100..100.
        velocity: fastest hand-over, by joint [rad/s].
        num_retry: how often a failed exchange with the motors is repeated.
    """

    use_degrees: bool
    velocity: float | Mapping[str, float] | None = None
    num_retry: int = 2
