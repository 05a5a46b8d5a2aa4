"""ALOHA's arms as they are simulated: ViperX 300 S and WidowX 250 S, as they come from the shop.

Their zeros are half a turn of each motor, but a shadow's horn is some teeth off, which its homing
offset makes good; nothing else is calibrated.
"""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lerobot_drivers.sim.factory import dynamixel
from lerobot_drivers.sim.figure import Figure
from lerobot_drivers.sim.models import FactoryCalibration, MakeOperator, SimJoint, SimModel
from lerobot_drivers.sim.pose_operator import Angles, PoseOperator
from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.urdf_figure import ALONG_X, robot_figure
from lerobot_drivers.sim.wire2 import DynamixelWire
from lerobot_drivers.urdf.models import ALOHA_REACH

SLEEP = (0.0, -1.80, 1.55, 0.0, -1.57, 0.0)
"""How the arms wait, folded: Interbotix' sleep positions [rad]."""
TURN = (0, 4095)
_ZERO = 2048
_MOST_TEETH_OFF = 40
"""Farthest that a shadow's horn is mounted from where its master's is [ticks]."""


class _Servo(NamedTuple):
    """Name, model, drive mode, calibrated limits, stops of the axis, whose shadow it is."""

    name: str
    motor: str
    drive_mode: int = 0
    limits: tuple[int, int] = TURN
    stops: tuple[int, int] | None = None
    shadows: int | None = None


_VIPERX = (
    _Servo('waist', 'xm540-w270'),
    _Servo('shoulder', 'xm540-w270', 1, (841, 2867)),
    _Servo('shoulder_shadow', 'xm540-w270', 0, (841, 2867), shadows=2),
    _Servo('elbow', 'xm540-w270', 1, (898, 3094)),
    _Servo('elbow_shadow', 'xm540-w270', 0, (898, 3094), shadows=4),
    _Servo('forearm_roll', 'xm540-w270'),
    _Servo('wrist_angle', 'xm540-w270', 1, (830, 3504)),
    _Servo('wrist_rotate', 'xm430-w350'),
    _Servo('gripper', 'xm430-w350', stops=(2452, 3105)),
)
_WIDOWX = (
    _Servo('waist', 'xm430-w350'),
    _Servo('shoulder', 'xm430-w350', 0, (819, 3345)),
    _Servo('shoulder_shadow', 'xm430-w350', 1, (819, 3345), shadows=2),
    _Servo('elbow', 'xm430-w350', 0, (648, 3094)),
    _Servo('elbow_shadow', 'xm430-w350', 1, (648, 3094), shadows=4),
    _Servo('forearm_roll', 'xm430-w350'),
    _Servo('wrist_angle', 'xm430-w350', 1, (910, 3447)),
    _Servo('wrist_rotate', 'xl430-w250'),
    _Servo('gripper', 'xc430-w150', stops=(2012, 2589)),
)
_LOW = np.array([-0.7, -1.1, 0.5, -0.6, -1.0, -0.8, -0.05])
_HIGH = np.array([0.7, -0.2, 1.4, 0.6, 0.4, 0.8, 0.82])
"""Comfortable poses of a leader: over the table, hand ahead [rad]."""


def _figure(device_type: str, angles: tuple[float, float]) -> Figure:
    """Return the shape of an arm, whose fingers its gripper's servo moves.

    Args:
        device_type: of the arm.
        angles: of that servo where the fingers are at their lower and upper limits [rad].
    """
    figure = robot_figure(device_type, 'gripper_link', ALONG_X)
    closed, opened = angles
    joints = []
    for joint in figure.joints:
        if joint.mover == 'gripper':
            scale = (joint.upper - joint.lower) / (opened - closed)
            joint = replace(joint, scale=scale, offset=joint.lower - scale * closed)
        joints.append(joint)
    return replace(figure, joints=tuple(joints))


def _angle(ticks: float) -> float:
    return (ticks - _ZERO) * RAD_PER_TICK


def _joint(number: int, servo: _Servo) -> SimJoint:
    low, high = servo.stops or servo.limits
    return SimJoint(
        servo.name,
        number,
        servo.motor,
        _angle(low),
        _angle(high),
        centre=_angle(sum(servo.limits) / 2),
        full_turn=servo.limits == TURN,
        drive_mode=servo.drive_mode,
        shadows=servo.shadows,
    )


def as_built(device: str, model: SimModel) -> dict[str, FactoryCalibration]:
    """Return the calibration that an arm's motors come with."""
    chance = random.Random(zlib.crc32(device.encode()))
    limits = {servo.name: servo.limits for servo in (_VIPERX if model is VIPERX else _WIDOWX)}
    calibration = {}
    for joint in model.joints:
        offset = chance.randint(-_MOST_TEETH_OFF, _MOST_TEETH_OFF) if joint.shadows else 0
        calibration[joint.name] = FactoryCalibration(
            joint.id, joint.drive_mode, offset, *limits[joint.name]
        )
    return calibration


class _Person:
    """Moves a leader; shadows go where their axis goes."""

    def __init__(self, seed: int) -> None:
        self._operator = PoseOperator(seed, _LOW, _HIGH)

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return angles and velocities of all servos; see ``Operator``."""
        position, velocity = self._operator.state(time_s)
        return position[_COLUMNS], velocity[_COLUMNS]


def _axis_of(servos: tuple[_Servo, ...]) -> list[int]:
    """Return which axis each servo is on."""
    return [
        sum(other.shadows is None for other in servos[: n + 1]) - 1 for n in range(len(servos))
    ]


_COLUMNS = _axis_of(_WIDOWX)
_REST = tuple((*SLEEP, _angle(2500))[column] for column in _axis_of(_VIPERX))
_AHEAD = 0.2
_PLACES = {
    'left': (_AHEAD, ALOHA_REACH, -math.pi / 2),
    'right': (_AHEAD, -ALOHA_REACH, math.pi / 2),
}
"""Two arms look at each other across the middle of the mat [m, m, rad]."""


def _arm(
    name: str,
    servos: tuple[_Servo, ...],
    figure: Figure,
    operator: MakeOperator | None = None,
) -> SimModel:
    return SimModel(
        name,
        tuple(_joint(number, servo) for number, servo in enumerate(servos, start=1)),
        _REST,
        figure,
        wire=DynamixelWire,
        build_servo=dynamixel,
        calibrate=as_built,
        volts=11.9,
        operator=operator,
        places=_PLACES,
    )


VIPERX = _arm('viperx', _VIPERX, _figure('viperx', (0.6197, 1.5708)))
WIDOWX = _arm('widowx', _WIDOWX, _figure('widowx', (-0.0552, 0.8298)), _Person)
