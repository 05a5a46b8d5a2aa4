"""The Koch as it is simulated: its own motors and shape; joints go as far as the SO-101's."""

from __future__ import annotations

from lerobot_drivers.sim.factory import calibrate_by_hand, dynamixel
from lerobot_drivers.sim.kinematics import JOINTS
from lerobot_drivers.sim.models import MakeOperator, SimJoint, SimModel
from lerobot_drivers.sim.scripted_operator import ScriptedOperator
from lerobot_drivers.sim.so_arm import REST
from lerobot_drivers.sim.urdf_figure import ALONG_X, robot_figure
from lerobot_drivers.sim.wire2 import DynamixelWire

_FIGURE = robot_figure('koch_follower', 'gripper_link', ALONG_X)


def _joints(motors: tuple[str, ...], inverted: str = '') -> tuple[SimJoint, ...]:
    return tuple(
        SimJoint(
            joint.name,
            number,
            motor,
            joint.lower,
            joint.upper,
            centre=(joint.lower + joint.upper) / 2 if joint.name == 'gripper' else 0.0,
            full_turn=joint.name in ('shoulder_pan', 'wrist_roll'),
            drive_mode=int(joint.name == inverted),
        )
        for number, (joint, motor) in enumerate(zip(JOINTS, motors, strict=True), start=1)
    )


def _arm(
    name: str, joints: tuple[SimJoint, ...], operator: MakeOperator | None = None
) -> SimModel:
    return SimModel(
        name,
        joints,
        REST,
        _FIGURE,
        wire=DynamixelWire,
        build_servo=dynamixel,
        calibrate=calibrate_by_hand,
        volts=11.9,
        operator=operator,
    )


KOCH_FOLLOWER = _arm('koch_follower', _joints((*['xl430-w250'] * 2, *['xl330-m288'] * 4)))
KOCH_LEADER = _arm(
    'koch_leader',
    _joints(('xl330-m077',) * len(JOINTS), inverted='elbow_flex'),
    ScriptedOperator,
)
