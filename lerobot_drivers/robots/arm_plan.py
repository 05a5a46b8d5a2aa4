"""What tells one arm from another: its motors, its joints, its bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lerobot_drivers.common.units import JointUnit
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.motors_bus import Motor


@dataclass(frozen=True)
class JointPlan:
    """One joint of an arm.

    Attributes:
        name: LeRobot's name of it.
        motor: what moves it.
        unit: its map into the dataset; None is the body's, degrees or -100..100 as configured.
        registers: what its motor's persistent registers are to hold beside the bus's own wishes.
        full_turn: whether it has no stops, so that its range is a turn, whoever calibrates it.
        drive_mode: what a calibration gives it; 1 turns it round.
    """

    name: str
    motor: Motor
    unit: JointUnit | None = None
    registers: Mapping[str, int] = field(default_factory=dict)
    full_turn: bool = False
    drive_mode: int = 0


@dataclass(frozen=True)
class ArmPlan:
    """One model of arm.

    Attributes:
        what: it, in words, for errors.
        bus: class of its bus.
        joints: in dataset order.
        hand_over_velocity: fastest a hand-over may move a joint [rad/s].
    """

    what: str
    bus: type[ArmBus]
    joints: tuple[JointPlan, ...]
    hand_over_velocity: float

    @property
    def names(self) -> tuple[str, ...]:
        """The joints' names."""
        return tuple(joint.name for joint in self.joints)

    @property
    def motors(self) -> dict[str, Motor]:
        """The motors by joint."""
        return {joint.name: joint.motor for joint in self.joints}

    @property
    def units(self) -> dict[str, JointUnit | None]:
        """The joints' units."""
        return {joint.name: joint.unit for joint in self.joints}
