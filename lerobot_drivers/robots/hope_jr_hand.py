"""The HOPE Jr hand: sixteen SCS0009 that pull tendons, some of them mounted turned.

Facts from LeRobot (``robots/hope_jr``). On topics a joint is at 0 where LeRobot has 0 per cent,
and where its URDF ends at 100 per cent, whatever its servo turns for that.
"""

from __future__ import annotations

import logging
from typing import ClassVar

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import Motor
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.serial_follower import SerialFollower

logger = logging.getLogger(__name__)

MODEL = 'scs0009'
_FLEXOR, _CURL = 0.7854, 1.5708
BENT = {
    **{'thumb_cmc': 1.2, 'thumb_mcp': 1.1781, 'thumb_pip': 1.1781, 'thumb_dip': 1.1781},
    **{
        f'{finger}_{part}': angle
        for finger in ('index', 'middle', 'ring', 'pinky')
        for part, angle in (
            ('radial_flexor', _FLEXOR),
            ('ulnar_flexor', _FLEXOR),
            ('pip_dip', _CURL),
        )
    },
}
"""Joints in the order of their motors' ids, and how far each goes, as in the URDF [rad]."""
TURNED = {
    'right': frozenset(
        [
            *('thumb_mcp', 'thumb_dip'),
            *('index_ulnar_flexor', 'middle_ulnar_flexor', 'ring_ulnar_flexor'),
            *('pinky_ulnar_flexor', 'ring_pip_dip', 'pinky_pip_dip'),
        ]
    ),
    'left': frozenset(
        [
            *('thumb_cmc', 'thumb_mcp', 'thumb_dip'),
            *('index_radial_flexor', 'middle_radial_flexor', 'ring_radial_flexor'),
            *('pinky_radial_flexor', 'index_pip_dip', 'middle_pip_dip', 'ring_pip_dip'),
        ]
    ),
}
"""Joints whose drive mode is 1, by side."""
HAND_OVER_VELOCITY = 1.5
"""A finger is bent in about a second [rad/s]."""
RATE_HZ = 40.0
"""Sixteen motors answer one by one, in 20 ms with an adapter on USB."""


def _hand(side: str) -> ArmPlan:
    joints = (
        JointPlan(
            name,
            Motor(number, MODEL),
            JointUnit(NormMode.RANGE_0_100, lower=0.0, upper=bent),
            drive_mode=int(name in TURNED[side]),
            keeps_homing=True,
        )
        for number, (name, bent) in enumerate(BENT.items(), start=1)
    )
    return ArmPlan(
        f'a HOPE Jr {side} hand',
        FeetechMotorsBus,
        tuple(joints),
        HAND_OVER_VELOCITY,
        simulated_as=f'hope_jr_hand_{side}',
    )


HANDS = {side: _hand(side) for side in TURNED}


class HopeJrHand(SerialFollower):
    """A hand, left or right."""

    name: ClassVar[str] = 'hope_jr_hand'
    plan: ClassVar[ArmPlan] = HANDS['right']
    use_degrees: ClassVar[bool] = False
    default_rate_hz: ClassVar[float] = RATE_HZ

    @classmethod
    def plan_of(cls, config: RobotConfig) -> ArmPlan:
        """Return what the hand of a side is made of.

        Raises:
            ConfigError: no side is told.
        """
        if config.side is None:
            raise ConfigError(
                f'a {config.type} is a left or a right one: give --robot.side=left or right'
            )
        return HANDS[config.side]

    def connect(self, calibrate: bool = False) -> None:
        """Open and check hand and own cameras, configure, then hold; see ``Robot``.

        What counts is the calibration, as with LeRobot; one of the other hand is told.
        """
        super().connect(calibrate)
        held = self.arm.calibration
        other = [j.name for j in self.arm.plan.joints if held[j.name].drive_mode != j.drive_mode]
        if other:
            logger.warning(
                '%s: the drive mode of %s is not that of %s; is its calibration one of this hand?',
                self.config.port,
                ', '.join(other),
                self.arm.plan.what,
            )
