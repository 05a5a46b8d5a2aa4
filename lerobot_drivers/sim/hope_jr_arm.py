"""The HOPE Jr arm as it is simulated: seven servos of two models, their reach as in its URDF."""

from __future__ import annotations

from lerobot_drivers.sim.factory import calibrate_by_hand, feetech
from lerobot_drivers.sim.models import SimJoint, SimModel
from lerobot_drivers.sim.urdf_figure import ALONG_X, robot_figure
from lerobot_drivers.sim.wire import FeetechWire

_REACH = {
    'shoulder_pitch': 1.70656,
    'shoulder_yaw': 0.920388,
    'shoulder_roll': 1.02777,
    'elbow_flex': 1.19267,
    'wrist_roll': 2.26262,
    'wrist_yaw': 0.314466,
    'wrist_pitch': 0.74398,
}
"""How far a joint goes to either side [rad]."""
_REST = (0.2, -0.1, 0.1, -0.6, 0.0, 0.05, -0.05)


HOPE_JR_ARM = SimModel(
    'hope_jr_arm',
    tuple(
        SimJoint(name, number, 'sm8512bl' if number == 1 else 'sts3250', -reach, reach)
        for number, (name, reach) in enumerate(_REACH.items(), start=1)
    ),
    _REST,
    robot_figure('hope_jr_arm', 'hand_mount_link', ALONG_X),
    wire=FeetechWire,
    build_servo=feetech,
    calibrate=calibrate_by_hand,
    volts=12.0,
)
