"""What tells one arm from another: its motors, its joints, its bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lerobot_drivers.common.units import JointUnit
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.calibration import MotorCalibration, MotorScale
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.motors.scales import ScaleMaker


@dataclass(frozen=True)
class JointPlan:
    """One joint of an arm, or a motor that helps another to move one.

    Attributes:
        name: LeRobot's name of it.
        motor: what moves it.
        unit: its map into the dataset; None is the body's, degrees or -100..100 as configured.
        registers: what its motor's registers are to hold over the bus's own wishes.
        full_turn: whether it has no stops, so that its range is a turn, whoever calibrates it.
        drive_mode: what a calibration gives it; 1 turns it round.
        scale: makes the map between its ticks and its values.
        shadows: motors on the same axis, which obey its motor's id beside their own. They are
            switched, configured and watched, and neither commanded nor told as joints.
        nominal: its calibration as built, for arms that need no file; the motor's own homing
            offset counts. None where each arm must be calibrated.
        keeps_limits: whether its motor refuses goals beyond its range; what grips does not.
        velocity: fastest a hand-over may move it [rad/s or m/s]; None is as fast as the arm.
        homed_at: what its motor is to tell in the pose in which the arm is homed [tick]; None is
            LeRobot's middle of a turn.
        keeps_homing: whether a calibration leaves its homing offset alone.
    """

    name: str
    motor: Motor
    unit: JointUnit | None = None
    registers: Mapping[str, int] = field(default_factory=dict)
    full_turn: bool = False
    drive_mode: int = 0
    scale: ScaleMaker = MotorScale
    shadows: tuple[JointPlan, ...] = ()
    nominal: MotorCalibration | None = None
    keeps_limits: bool = True
    velocity: float | None = None
    homed_at: int | None = None
    keeps_homing: bool = False


@dataclass(frozen=True)
class ArmPlan:
    """One model of arm.

    Attributes:
        what: it, in words, for errors.
        bus: class of its bus.
        joints: in dataset order.
        hand_over_velocity: fastest a hand-over may move a joint [rad/s].
        home: where it rests, by joint [rad]; empty where that is not known of this model.
        simulated_as: what simulated worlds call it, where that is not its type.
        homing_pose: in which pose a calibration homes it, in words.
        wheels: motors on the same bus that drive a mobile base.
    """

    what: str
    bus: type[ArmBus]
    joints: tuple[JointPlan, ...]
    hand_over_velocity: float
    home: Mapping[str, float] = field(default_factory=dict)
    simulated_as: str = ''
    homing_pose: str = 'the middle of its range of motion'
    wheels: tuple[JointPlan, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The joints' names."""
        return tuple(joint.name for joint in self.joints)

    @property
    def arm_servos(self) -> tuple[JointPlan, ...]:
        """The motors of the joints, each with its shadows behind it."""
        return tuple(servo for joint in self.joints for servo in (joint, *joint.shadows))

    @property
    def servos(self) -> tuple[JointPlan, ...]:
        """All motors: those of the joints, then the wheels."""
        return (*self.arm_servos, *self.wheels)

    @property
    def motors(self) -> dict[str, Motor]:
        """The motors by name; the order is that of ``servos``."""
        return {servo.name: servo.motor for servo in self.servos}

    @property
    def nominal(self) -> dict[str, MotorCalibration]:
        """The calibration of all motors as built; empty where each arm must be calibrated."""
        return {servo.name: servo.nominal for servo in self.servos if servo.nominal}

    def joint(self, name: str) -> JointPlan:
        """Return the plan of a joint, of a shadow or of a wheel."""
        return next(servo for servo in self.servos if servo.name == name)

    def model_of(self, arm_type: str) -> str:
        """Return what simulated worlds call an arm of a type."""
        return self.simulated_as or arm_type
