"""A servo's shaft that MuJoCo turns: its profile is ours, its torque and its place are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lerobot_drivers.sim.motion import Motion
from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.twin.scene import STALL_NM

USUAL_STIFFNESS = 17.8
"""Torque per angle [N m/rad] at the P coefficient that LeRobot writes, 16, as in
joints_properties.xml of TheRobotStudio/SO-ARM100."""

_USUAL_P_GAIN = 16.0


@dataclass(frozen=True)
class ShaftPlace:
    """Where a shaft is in MuJoCo's arrays.

    Attributes:
        position: index in ``qpos``.
        velocity: index in ``qvel``.
        actuator: index of its actuator.
        zero: encoder at the joint's zero [ticks].
    """

    position: int
    velocity: int
    actuator: int
    zero: float


class Shaft(Motion):
    """Stands where ``Motion`` stands in a servo; ``pull`` and ``follow`` enclose a step.

    Args:
        model: the scene, whose actuator obeys the servo's registers.
        data: its state.
        place: where this shaft is in it.
        stops: mechanical end stops [ticks].
    """

    def __init__(
        self, model: Any, data: Any, place: ShaftPlace, stops: tuple[float, float]
    ) -> None:
        self._model, self._data, self._place = model, data, place
        self._pulls = (-1.0, -1.0)
        self._p_gain = 0.0
        self._load = 0.0
        super().__init__(self._ticks(), stops)

    def set_p_gain(self, gain: int) -> None:
        """Set how stiffly the motor holds its goal: the servo's P coefficient."""
        self._p_gain = USUAL_STIFFNESS * max(gain, 1) / _USUAL_P_GAIN

    @property
    def stiffness(self) -> float:
        """Torque per angle [N m/rad]."""
        return self._p_gain if self.powered else 0.0

    def hold(self, position: float) -> None:
        """Put the shaft somewhere by force, at rest [ticks]."""
        super().hold(position)
        angle = (self.position - self._place.zero) * RAD_PER_TICK
        self._data.qpos[self._place.position] = angle
        self._data.qvel[self._place.velocity] = 0.0

    def effort(self, angle: float) -> float:
        """Return the share of its torque that the motor gives, -1..1."""
        return self._load

    def pull(self, dt: float) -> float:
        """Return where the motor pulls the joint to during the next step [rad]."""
        if self.powered:
            self._step_profile(dt)
        else:
            self._reference, self._reference_speed = self.position, self.velocity
        pulls = (self.stiffness, STALL_NM * self.torque_limit)
        if pulls != self._pulls:
            self._pulls = pulls
            self._set_actuator(*pulls)
        return (self._reference - self._place.zero) * RAD_PER_TICK

    def follow(self, dt: float) -> None:
        """Take over what MuJoCo has made of it."""
        velocity = float(self._data.qvel[self._place.velocity]) / RAD_PER_TICK
        self.acceleration = (velocity - self.velocity) / dt
        self.position, self.velocity = self._ticks(), velocity
        self._load = float(self._data.actuator_force[self._place.actuator]) / STALL_NM

    def step(self, dt: float) -> None:
        """Do nothing: the whole scene moves at once."""

    def _ticks(self) -> float:
        return float(self._data.qpos[self._place.position]) / RAD_PER_TICK + self._place.zero

    def _set_actuator(self, stiffness: float, limit: float) -> None:
        index = self._place.actuator
        self._model.actuator_gainprm[index, 0] = stiffness
        self._model.actuator_biasprm[index, 1] = -stiffness
        self._model.actuator_forcerange[index] = -limit, limit
