"""Where the SO-101's joints must be for its fingers to be around something."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.figure import Pose, Vector, transform
from lerobot_drivers.sim.kinematics import JOINTS, link_poses, planar_reach
from lerobot_drivers.sim.twin.arm_xml import FACE, HAND, PAD_MIDDLE, PARALLEL_GAP

Angles = NDArray[np.float64]

GRIP = (PARALLEL_GAP / 2 - FACE, 0.0, PAD_MIDDLE - 0.004)
"""Centre of what the fingers hold, in the hand's frame [m]."""

_PAN_X = JOINTS[0].xyz[0]
_TURNING_WEIGHT_M = 0.05
_ROUNDS = 12
_NUDGE_RAD = 1e-5
_GOOD_M = 0.002
_QUARTER = math.pi / 2


@dataclass(frozen=True)
class Hold:
    """How the hand holds something.

    Attributes:
        x: of its centre in the base frame [m].
        y: of its centre [m].
        z: of its centre above the table [m].
        pitch: of the hand below the horizontal [rad].
        yaw: of the direction in which the fingers open, in the base frame [rad].
        beside: how far the fixed finger keeps away from it [m].
    """

    x: float
    y: float
    z: float
    pitch: float
    yaw: float
    beside: float = 0.0


def nearest_yaw(x: float, y: float, yaw: float) -> float:
    """Return that of a cube's four yaws at which the hand is turned least [rad]."""
    natural = azimuth(x, y) + _QUARTER
    return natural + (yaw - natural + _QUARTER / 2) % _QUARTER - _QUARTER / 2


def azimuth(x: float, y: float) -> float:
    """Return the direction of a place as seen from the shoulder [rad]."""
    return math.atan2(y, x - _PAN_X)


def reach(hold: Hold, grip: float) -> Angles:
    """Return the six angles at which the hand holds like that, least squares [rad].

    Raises:
        ValueError: it is out of reach.
    """
    radius = math.hypot(hold.x - _PAN_X, hold.y)
    pan = azimuth(hold.x, hold.y)
    angles = np.array([-pan, *planar_reach(radius, hold.z, hold.pitch), 0.0])
    for _ in range(_ROUNDS):
        missing = _missing(angles, hold)
        slopes = [(_missing(angles + nudge, hold) - missing) / _NUDGE_RAD for nudge in _NUDGES]
        step = np.linalg.lstsq(np.stack(slopes, axis=1), -missing, rcond=None)[0]
        angles = angles + np.clip(step, -0.4, 0.4)
    off = float(np.linalg.norm(_missing(angles, hold)[:3]))
    low, high = np.array([(joint.lower, joint.upper) for joint in JOINTS[:5]]).T
    if off > _GOOD_M or (angles < low).any() or (angles > high).any():
        raise ValueError(f'({hold.x:.3f}, {hold.y:.3f}, {hold.z:.3f}) m is out of reach')
    return np.array([*angles, grip])


_NUDGES = np.eye(5) * _NUDGE_RAD


def _missing(angles: Angles, hold: Hold) -> Vector:
    """Return what is missing in place (3) and direction (6) [m]."""
    pose: Pose = link_poses([*angles, 0.0])[HAND]
    point = (GRIP[0] + hold.beside, *GRIP[1:])
    away = transform(pose, point) - np.array([hold.x, hold.y, hold.z])
    level, steep = math.cos(hold.pitch), math.sin(hold.pitch)
    heading = azimuth(hold.x, hold.y)
    ahead = np.array([level * math.cos(heading), level * math.sin(heading), -steep])
    opening = np.array([math.cos(hold.yaw), math.sin(hold.yaw), 0.0])
    opening -= opening @ ahead * ahead
    opening /= np.linalg.norm(opening)
    turned = np.concatenate([-pose[:3, 2] - ahead, pose[:3, 0] - opening])
    return np.concatenate([away, _TURNING_WEIGHT_M * turned])
