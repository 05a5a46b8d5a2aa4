"""A LeKiwi as it is simulated: an SO-101's arm and three wheels on one bus."""

from __future__ import annotations

import math
from dataclasses import replace

from lerobot_drivers.sim.factory import calibrate_by_hand, feetech
from lerobot_drivers.sim.figure import Capsule, Color, Figure, Joint
from lerobot_drivers.sim.kinematics import SO101
from lerobot_drivers.sim.models import FactoryCalibration, SimJoint, SimModel
from lerobot_drivers.sim.omni_drive import three_wheels
from lerobot_drivers.sim.so_arm import REST, SO101_FOLLOWER
from lerobot_drivers.sim.wire import FeetechWire

WHEELS = ('base_left_wheel', 'base_back_wheel', 'base_right_wheel')
LEVER, RADIUS = 0.125, 0.05
"""From the middle to each wheel, and of each wheel [m]."""
_MOUNT = (0.0283, 0.0, 0.089)
_PLATE: Color = (237, 232, 222)
_RUBBER: Color = (48, 48, 52)
_HUB: Color = (200, 200, 206)


def _calibrated(device: str, model: SimModel) -> dict[str, FactoryCalibration]:
    """Return what LeRobot's calibration leaves: nothing of the wheels is measured."""
    arm = tuple(joint for joint in model.joints if joint.name not in WHEELS)
    made = calibrate_by_hand(device, replace(model, joints=arm))
    wheels = (joint for joint in model.joints if joint.name in WHEELS)
    return {**made, **{w.name: FactoryCalibration(w.id, 0, 0, 0, 4095) for w in wheels}}


def _figure() -> Figure:
    mount = Joint('arm_mount', _MOUNT, (0.0, 0.0, 0.0), 0.0, 0.0, parent='', kind='fixed')
    arm = [
        replace(
            joint,
            name=f'arm_{joint.name}',
            parent='arm_mount' if number == 0 else joint.parent and f'arm_{joint.parent}',
        )
        for number, joint in enumerate(SO101.joints)
    ]
    wheels = [
        Joint(
            name,
            (LEVER * math.cos(angle), LEVER * math.sin(angle), RADIUS),
            (0.0, 0.0, angle),
            -math.inf,
            math.inf,
            parent='',
            axis=(-1.0, 0.0, 0.0),
        )
        for name, angle in zip(WHEELS, map(math.radians, (60, 180, 300)), strict=True)
    ]
    behind = 1 + len(arm)
    return Figure(
        (mount, *arm, *wheels),
        (
            *_plates(),
            *(replace(rod, link=rod.link + 1) for rod in SO101.capsules),
            *(rod for link in range(behind + 1, behind + 4) for rod in _wheel(link)),
        ),
        tuple(replace(ball, link=ball.link + 1) for ball in SO101.markers),
        SO101.camera_link + 1,
    )


def _plates() -> list[Capsule]:
    ends = [(0.08 * math.cos(a), 0.08 * math.sin(a)) for a in map(math.radians, (30, 150, 270))]
    return [
        Capsule(0, (*ends[at], z), (*ends[at - 1], z), (0.012, 0.012), _PLATE)
        for z in (0.033, 0.083)
        for at in range(3)
    ]


def _wheel(link: int) -> list[Capsule]:
    """Return a tyre, and spokes that show it turn."""
    rim = RADIUS - 0.012
    corners = [
        (rim * math.cos(a), rim * math.sin(a)) for a in map(math.radians, range(0, 360, 60))
    ]
    tyre = [
        Capsule(link, (0.0, *corners[at]), (0.0, *corners[at - 1]), (0.011, 0.011), _RUBBER)
        for at in range(6)
    ]
    spokes = [
        Capsule(link, (0.01, *corners[at]), (0.01, *corners[at + 3]), (0.004, 0.004), _HUB)
        for at in range(3)
    ]
    return [*tyre, *spokes]


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
    _figure(),
    wire=FeetechWire,
    build_servo=feetech,
    calibrate=_calibrated,
    volts=12.1,
    drive=three_wheels(WHEELS, LEVER, RADIUS),
)
