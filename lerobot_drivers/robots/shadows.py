"""Two motors on one axis: the shadow obeys the other's id, so both must mean the same by it.

A shadow that holds another position than its master pushes against it with all it has, and one
that does not listen is carried. Neither shows in the joint's position, so it is checked before
torque goes on, and told afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.robots.arm_plan import ArmPlan

TOLERANCE_DEG = 2.0
"""Farthest apart that a motor and its shadow may tell their axis to be.

An XM540 of the factory's gain pushes with a sixth of its torque for this; a tooth of the horn is
more.
"""
CURE = 'lerobot-ros calibrate homes both alike'


def apart(plan: ArmPlan, ticks: Mapping[str, int], resolution: int = 4096) -> dict[str, float]:
    """Return how far each shadow tells to be from its motor [deg], by the shadow's name.

    Args:
        plan: of the arm.
        ticks: positions by motor.
        resolution: ticks per turn.
    """
    return {
        shadow.name: (ticks[shadow.name] - ticks[joint.name]) * 360 / resolution
        for joint in plan.joints
        for shadow in joint.shadows
    }


def check_shadows(bus: ArmBus, plan: ArmPlan, cure: str = CURE) -> None:
    """Check that each shadow tells the same position as its motor.

    Args:
        bus: connected.
        plan: of the arm behind it.
        cure: what is to be done if not.

    Raises:
        DeviceError: one does not; all are named.
    """
    if plan.servos == plan.joints:
        return
    far = {
        name: degrees
        for name, degrees in apart(plan, bus.sync_read('Present_Position')).items()
        if abs(degrees) > TOLERANCE_DEG
    }
    if far:
        told = ', '.join(f'{name} by {degrees:.1f} degrees' for name, degrees in far.items())
        raise DeviceError(
            f'{bus.port.name}: motors on one axis disagree about its angle, and would fight each '
            f'other: {told} (at most {TOLERANCE_DEG:g} is accepted); torque stays off; {cure}'
        )
