"""What a simulated ViperX 300 S looks like; lengths by Interbotix' model, rounded."""

from __future__ import annotations

from lerobot_drivers.sim.figure import Capsule, Color, Figure, Joint, Marker, Point

_SHELL: Color = (44, 46, 50)
_SERVO: Color = (86, 88, 94)
_STRAIGHT: Point = (0.0, 0.0, 0.0)
_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_CLOSED, _PER_RAD = 0.0354, 0.01388
"""A finger's place is nearly even in the gripper's angle [m, m/rad]."""


def _turning(name: str, xyz: Point, axis: Point, limits: tuple[float, float]) -> Joint:
    return Joint(name, xyz, _STRAIGHT, *limits, axis=axis)


def _finger(side: str, sign: float) -> Joint:
    return Joint(
        f'{side}_finger',
        (0.066, 0.0, 0.0),
        _STRAIGHT,
        0.021,
        0.057,
        parent='wrist_rotate',
        axis=(0.0, sign, 0.0),
        kind='prismatic',
        moved_by='gripper',
        scale=_PER_RAD,
        offset=_CLOSED - 0.021,
    )


ALOHA_ARM = Figure(
    (
        _turning('waist', (0.0, 0.0, 0.079), _Z, (-3.14158, 3.14158)),
        _turning('shoulder', (0.0, 0.0, 0.048), _Y, (-1.85, 1.26)),
        _turning('elbow', (0.0596, 0.0, 0.3), _Y, (-1.76, 1.61)),
        _turning('forearm_roll', (0.2, 0.0, 0.0), _X, (-3.14158, 3.14158)),
        _turning('wrist_angle', (0.1, 0.0, 0.0), _Y, (-1.87, 2.23)),
        _turning('wrist_rotate', (0.07, 0.0, 0.0), _X, (-3.14158, 3.14158)),
        _finger('left', 1.0),
        _finger('right', -1.0),
    ),
    (
        Capsule(0, (-0.06, 0.0, 0.02), (0.06, 0.0, 0.02), (0.05, 0.05), _SHELL),
        Capsule(1, (0.0, -0.03, 0.03), (0.0, 0.03, 0.03), (0.035, 0.035), _SERVO),
        Capsule(2, (0.0, 0.0, 0.0), (0.0, 0.0, 0.3), (0.032, 0.028), _SHELL),
        Capsule(2, (0.0, 0.0, 0.3), (0.0596, 0.0, 0.3), (0.028, 0.028), _SHELL),
        Capsule(3, (0.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.03, 0.026), _SERVO),
        Capsule(4, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.024, 0.024), _SHELL),
        Capsule(5, (0.0, 0.0, 0.0), (0.07, 0.0, 0.0), (0.024, 0.022), _SERVO),
        Capsule(6, (0.0, 0.0, 0.0), (0.05, 0.0, 0.0), (0.022, 0.02), _SHELL),
        Capsule(6, (0.066, -0.06, 0.0), (0.066, 0.06, 0.0), (0.01, 0.01), _SERVO),
        Capsule(7, (0.0, 0.0, 0.0), (0.075, 0.0, 0.0), (0.009, 0.007), _SHELL),
        Capsule(8, (0.0, 0.0, 0.0), (0.075, 0.0, 0.0), (0.009, 0.007), _SHELL),
    ),
    (
        Marker('elbow', 3, (0.0, -0.04, 0.0), (230, 30, 40)),
        Marker('wrist', 5, (0.0, -0.035, 0.0), (40, 60, 235)),
        Marker('left_finger', 7, (0.075, 0.0, 0.012), (30, 200, 50)),
        Marker('right_finger', 8, (0.075, 0.0, 0.012), (225, 40, 215)),
    ),
    camera_link=6,
)
