"""What ALOHA's arms are made of: ViperX 300 S that follow, WidowX 250 S that lead.

Facts from Interbotix' motor configurations (``aloha_vx300s.yaml``, ``aloha_wx250s.yaml``) and
ALOHA's constants (``Interbotix/aloha``, ``constants.py``). Shoulder and elbow have two motors
each, face to face: the shadow turns the other way and obeys the id of the first one too.

The joints' angles are the motors', 0 rad at tick 2048, as ALOHA's datasets have them; arms come
with their horns mounted so, and need no calibration file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import MotorCalibration, MotorScale
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus, OperatingMode
from lerobot_drivers.motors.linkage import FingerScales, Linkage
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.motors.scales import AngleScale, ScaleMaker
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan

GRIPPER = 'gripper'
ZERO, NOBODY = 2048, 255
"""Tick of 0 rad; secondary id of a motor that obeys its own id only."""
HAND_OVER_VELOCITY, GRIPPER_VELOCITY = 1.0, 0.02
"""A third of the velocity limit [rad/s]; the same as it moves a finger [m/s]."""
GRIPPER_UNIT = JointUnit(NormMode.RANGE_0_1, lower=0.0440, upper=0.0579)
"""A follower's finger from its horn's axis, closed and open; a leader asks for it too [m]."""
SLEEP = {
    'waist': 0.0,
    'shoulder': -1.80,
    'elbow': 1.55,
    'forearm_roll': 0.0,
    'wrist_angle': -1.57,
    'wrist_rotate': 0.0,
}
"""Folded, so that it rests when it goes limp: Interbotix' sleep positions [rad]."""
ZERO_POSE = 'its zero pose: upper arm upright, forearm and hand level, straight ahead'
VIPERX_LINKAGE = Linkage(horn_radius=0.022, arm_length=0.036)
"""That of the ViperX 300 S, to which ALOHA's constants belong.

They tell the same two places as finger [m] and as angle [rad]: 0.0440 and 0.6197 closed, 0.0579
and 1.6214 open. ``aloha_vx300s.yaml`` has other lengths (0.0275, 0.035), which do not fit them.
"""

_TURN = (0, 4095)
_LEADER: dict[str, int] = {'Velocity_Limit': 131, 'Operating_Mode': OperatingMode.POSITION}
_FOLLOWER = {
    **_LEADER,
    'Profile_Velocity': 0,
    'Profile_Acceleration': 0,
    'Position_P_Gain': 800,
    'Position_I_Gain': 0,
    'Position_D_Gain': 0,
}
_GRIP: dict[str, int] = {
    'Velocity_Limit': 131,
    'Operating_Mode': OperatingMode.CURRENT_POSITION,
    'Current_Limit': 200,
    'Goal_Current': 200,
    'Profile_Velocity': 0,
    'Profile_Acceleration': 0,
}


class _Axis(NamedTuple):
    """One joint.

    Attributes:
        name: of it.
        id: of its motor.
        model: of its motor, and of its shadow.
        drive_mode: of its motor; the shadow has the other one.
        limits: lowest and highest tick.
        shadow: id of its shadow.
    """

    name: str
    id: int
    model: str
    drive_mode: int = 0
    limits: tuple[int, int] = _TURN
    shadow: int | None = None


_VIPERX = (
    _Axis('waist', 1, 'xm540-w270'),
    _Axis('shoulder', 2, 'xm540-w270', 1, (841, 2867), shadow=3),
    _Axis('elbow', 4, 'xm540-w270', 1, (898, 3094), shadow=5),
    _Axis('forearm_roll', 6, 'xm540-w270'),
    _Axis('wrist_angle', 7, 'xm540-w270', 1, (830, 3504)),
    _Axis('wrist_rotate', 8, 'xm430-w350'),
    _Axis(GRIPPER, 9, 'xm430-w350', 0, (2452, 3105)),
)
_WIDOWX = (
    _Axis('waist', 1, 'xm430-w350'),
    _Axis('shoulder', 2, 'xm430-w350', 0, (819, 3345), shadow=3),
    _Axis('elbow', 4, 'xm430-w350', 0, (648, 3094), shadow=5),
    _Axis('forearm_roll', 6, 'xm430-w350'),
    _Axis('wrist_angle', 7, 'xm430-w350', 1, (910, 3447)),
    _Axis('wrist_rotate', 8, 'xl430-w250'),
    _Axis(GRIPPER, 9, 'xc430-w150', 0, (2012, 2589)),
)
"""The limits of a gripper are where ALOHA's constants have it closed and open."""


def _servo(axis: _Axis, registers: Mapping[str, int]) -> JointPlan:
    return JointPlan(
        axis.name,
        Motor(axis.id, axis.model),
        JointUnit(),
        {**registers, 'Secondary_ID': NOBODY},
        full_turn=axis.limits == _TURN,
        drive_mode=axis.drive_mode,
        scale=AngleScale,
        homed_at=ZERO,
        nominal=MotorCalibration(axis.id, axis.drive_mode, 0, *axis.limits),
    )


def _joint(axis: _Axis, registers: Mapping[str, int]) -> JointPlan:
    master = _servo(axis, registers)
    if axis.shadow is None:
        return master
    turned = axis._replace(
        name=f'{axis.name}_shadow', id=axis.shadow, drive_mode=1 - axis.drive_mode
    )
    shadow = _servo(turned, registers)
    obeying = {**shadow.registers, 'Secondary_ID': axis.id}
    return replace(master, shadows=(replace(shadow, registers=obeying),))


def _plan(
    what: str,
    axes: tuple[_Axis, ...],
    registers: Mapping[str, int],
    grip: Mapping[str, int],
    scale: ScaleMaker,
) -> ArmPlan:
    *arm, hand = axes
    gripper = replace(
        _servo(hand, grip),
        unit=GRIPPER_UNIT,
        scale=scale,
        keeps_limits=False,
        velocity=GRIPPER_VELOCITY,
        keeps_homing=True,
    )
    joints = (*(_joint(axis, registers) for axis in arm), gripper)
    return ArmPlan(
        what, DynamixelMotorsBus, joints, HAND_OVER_VELOCITY, SLEEP, homing_pose=ZERO_POSE
    )


VIPERX = _plan(
    'a ViperX 300 S', _VIPERX, _FOLLOWER, _GRIP, FingerScales(VIPERX_LINKAGE, _VIPERX[-1].limits)
)
WIDOWX = _plan('a WidowX 250 S', _WIDOWX, _LEADER, _LEADER, MotorScale)


def check_units(device_type: str, use_degrees: bool | None) -> None:
    """Refuse degrees.

    Raises:
        ConfigError: they are asked for.
    """
    if use_degrees is not None:
        raise ConfigError(
            f"a {device_type} has radians in its datasets, as ALOHA's have; found "
            f'use_degrees={use_degrees}, which is of arms in degrees or ranges: leave it out'
        )
