"""A LeKiwi as it is simulated: an SO-101's arm and three wheels on one bus, seen as its URDF."""

from __future__ import annotations

import math
from dataclasses import replace

from lerobot_drivers.sim.factory import calibrate_by_hand, feetech
from lerobot_drivers.sim.models import FactoryCalibration, SimJoint, SimModel
from lerobot_drivers.sim.omni_drive import three_wheels
from lerobot_drivers.sim.so_arm import REST, SO101_FOLLOWER
from lerobot_drivers.sim.urdf_figure import figure_from_urdf
from lerobot_drivers.sim.wire import FeetechWire
from lerobot_drivers.urdf.models import robot_urdf

WHEELS = ('base_left_wheel', 'base_back_wheel', 'base_right_wheel')
LEVER, RADIUS = 0.125, 0.05
"""From the middle to each wheel, and of each wheel [m]."""


def _calibrated(device: str, model: SimModel) -> dict[str, FactoryCalibration]:
    """Return what LeRobot's calibration leaves: nothing of the wheels is measured."""
    arm = tuple(joint for joint in model.joints if joint.name not in WHEELS)
    made = calibrate_by_hand(device, replace(model, joints=arm))
    wheels = (joint for joint in model.joints if joint.name in WHEELS)
    return {**made, **{w.name: FactoryCalibration(w.id, 0, 0, 0, 4095) for w in wheels}}


LEKIWI = SimModel(
    'lekiwi',
    (
        *(replace(joint, name=f'arm_{joint.name}') for joint in SO101_FOLLOWER.joints),
        *(
            SimJoint(name, number, 'sts3215', -math.inf, math.inf, full_turn=True)
            for number, name in enumerate(WHEELS, start=len(SO101_FOLLOWER.joints) + 1)
        ),
    ),
    (*REST, 0.0, 0.0, 0.0),
    figure_from_urdf(robot_urdf('lekiwi') or '', 'arm_gripper_link'),
    wire=FeetechWire,
    build_servo=feetech,
    calibrate=_calibrated,
    volts=12.1,
    drive=three_wheels(WHEELS, LEVER, RADIUS),
)
