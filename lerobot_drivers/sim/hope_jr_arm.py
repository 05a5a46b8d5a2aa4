"""The HOPE Jr arm as it is simulated: seven servos of two models, its shape nominal."""

from __future__ import annotations

from lerobot_drivers.sim.factory import calibrate_by_hand, feetech
from lerobot_drivers.sim.figure import Capsule, Figure, Joint, Point
from lerobot_drivers.sim.models import SimJoint, SimModel
from lerobot_drivers.sim.wire import FeetechWire

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_REACH = {
    'shoulder_pitch': ('sm8512bl', 1.70656, (0.0, 0.0, 0.42), _Y),
    'shoulder_yaw': ('sts3250', 0.920388, (0.0, 0.0, -0.04), _Z),
    'shoulder_roll': ('sts3250', 1.02777, (0.0, 0.0, -0.03), _X),
    'elbow_flex': ('sts3250', 1.19267, (0.0, 0.0, -0.16), _Y),
    'wrist_roll': ('sts3250', 2.26262, (0.0, 0.0, -0.05), _Z),
    'wrist_yaw': ('sts3250', 0.314466, (0.0, 0.0, -0.12), _X),
    'wrist_pitch': ('sts3250', 0.74398, (0.0, 0.0, -0.02), _Y),
}
"""Motor, reach to either side as in the URDF [rad], place on the link before [m], axis."""
_REST = (0.2, -0.1, 0.1, -0.6, 0.0, 0.05, -0.05)
_HAND: Point = (0.0, 0.0, -0.1)
_SHELL = (236, 232, 224)


def _figure() -> Figure:
    joints = tuple(
        Joint(name, xyz, (0.0, 0.0, 0.0), -reach, reach, axis=axis)
        for name, (_, reach, xyz, axis) in _REACH.items()
    )
    ends = [*(joint.xyz for joint in joints), _HAND]
    rods = (
        Capsule(link, (0.0, 0.0, 0.0), end, (0.025, 0.022), _SHELL)
        for link, end in enumerate(ends)
    )
    return Figure(joints, tuple(rods), camera_link=len(joints))


HOPE_JR_ARM = SimModel(
    'hope_jr_arm',
    tuple(
        SimJoint(name, number, motor, -reach, reach)
        for number, (name, (motor, reach, _, _)) in enumerate(_REACH.items(), start=1)
    ),
    _REST,
    _figure(),
    wire=FeetechWire,
    build_servo=feetech,
    calibrate=calibrate_by_hand,
    volts=12.0,
)
