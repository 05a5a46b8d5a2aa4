"""The SO-100 and SO-101 as they are simulated; both have the SO-101's shape."""

from __future__ import annotations

from lerobot_drivers.sim.factory import calibrate_by_hand, feetech
from lerobot_drivers.sim.kinematics import JOINTS, SO101
from lerobot_drivers.sim.models import MakeOperator, SimJoint, SimModel
from lerobot_drivers.sim.scripted_operator import ScriptedOperator
from lerobot_drivers.sim.wire import FeetechWire

REST = (0.0, -1.55, 1.5, 0.9, 0.0, 0.0)
"""Where a follower waits before it is first moved: folded [rad]."""

_JOINTS = tuple(
    SimJoint(
        joint.name,
        number,
        'sts3215',
        joint.lower,
        joint.upper,
        centre=(joint.lower + joint.upper) / 2 if joint.name == 'gripper' else 0.0,
        full_turn=joint.name == 'wrist_roll',
    )
    for number, joint in enumerate(JOINTS, start=1)
)


def _arm(name: str, volts: float, operator: MakeOperator | None = None) -> SimModel:
    return SimModel(
        name,
        _JOINTS,
        REST,
        SO101,
        wire=FeetechWire,
        build_servo=feetech,
        calibrate=calibrate_by_hand,
        volts=volts,
        operator=operator,
    )


SO100_FOLLOWER, SO101_FOLLOWER = (_arm(f'so10{n}_follower', 12.1) for n in (0, 1))
SO100_LEADER, SO101_LEADER = (_arm(f'so10{n}_leader', 7.5, ScriptedOperator) for n in (0, 1))
