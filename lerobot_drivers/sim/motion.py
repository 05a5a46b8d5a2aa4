"""How a servo moves: a speed- and acceleration-limited profile, followed with some lag."""

from __future__ import annotations

import math

MAX_SPEED = 3400.0
"""No-load speed of an STS3215 [ticks/s]: about 50 rpm (Feetech's data sheet at 7.4 V)."""
MAX_ACCELERATION = 40_000.0
"""What the motor can do when its acceleration register is 0 [ticks/s^2]."""
_FREE_DECAY_S = 0.03
_FULL_P_GAIN = 32.0
_STIFFNESS = 85.0
_AT_REST = 0.05


class Motion:
    """Position and speed of one servo's shaft, in unwrapped encoder ticks.

    Attributes:
        position: where the shaft is [ticks].
        velocity: how fast it turns [ticks/s].
        acceleration: how its speed changes [ticks/s^2].
        max_speed: profile limit [ticks/s].
        max_acceleration: profile limit [ticks/s^2].
        target: where it shall go [ticks], or None when free or turning at a speed.
        target_speed: how fast it shall turn [ticks/s], or None.
        stops: mechanical end stops [ticks].
        load: what pulls at it beside the motor [ticks/s^2].
        torque_limit: the most it may give, as a share of what it can.
    """

    def __init__(self, position: float, stops: tuple[float, float]) -> None:
        self.position = position
        self.velocity = 0.0
        self.acceleration = 0.0
        self.max_speed = MAX_SPEED
        self.max_acceleration = MAX_ACCELERATION
        self.target: float | None = None
        self.target_speed: float | None = None
        self.stops = stops
        self.load = 0.0
        self.torque_limit = 1.0
        self._reference = position
        self._reference_speed = 0.0
        self._stiffness = _STIFFNESS

    def set_p_gain(self, gain: int) -> None:
        """Set how stiffly the shaft follows its profile: the servo's P coefficient."""
        self._stiffness = _STIFFNESS * math.sqrt(max(gain, 1) / _FULL_P_GAIN)

    def hold(self, position: float) -> None:
        """Put the shaft somewhere by force, at rest [ticks]."""
        self.position = self._reference = min(max(position, self.stops[0]), self.stops[1])
        self.velocity = self.acceleration = self._reference_speed = 0.0

    def carry(self, position: float, velocity: float) -> None:
        """Let somebody stronger put the shaft somewhere; what it wants stays [ticks, ticks/s]."""
        self.position, self.velocity = position, velocity

    def release(self) -> None:
        """Take the torque off."""
        self.target = self.target_speed = None

    @property
    def powered(self) -> bool:
        """Whether the motor drives the shaft."""
        return self.target is not None or self.target_speed is not None

    @property
    def at_rest(self) -> bool:
        """Whether nothing would change with time."""
        if self.target_speed:
            return False
        there = self.target is None or abs(self.target - self.position) < _AT_REST
        return there and abs(self.velocity) < _AT_REST

    @property
    def lag(self) -> float:
        """How far the shaft is behind its profile [ticks]."""
        return self._reference - self.position if self.powered else 0.0

    def effort(self, angle: float) -> float:
        """Return the share of its torque that the motor would give at a joint's angle [rad]."""
        push = 0.04 * math.copysign(min(abs(self.lag), 1.0), self.lag)
        drag = 0.15 * self.velocity / MAX_SPEED
        inertia = 0.3 * self.acceleration / MAX_ACCELERATION
        return push + drag + inertia + 0.05 * math.sin(angle)

    def step(self, dt: float) -> None:
        """Let time pass; dt must stay well below the servo's time constants [s]."""
        if not self.powered:
            self.acceleration = -self.velocity / _FREE_DECAY_S
            self._reference = self.position
            self._reference_speed = self.velocity
        else:
            self._step_profile(dt)
            ahead = self._reference - self.position
            slip = self._reference_speed - self.velocity
            self.acceleration = (
                self._stiffness * (self._stiffness * ahead + 2.0 * slip) + self.load
            )
        self.velocity += self.acceleration * dt
        self.position += self.velocity * dt
        if not self.stops[0] <= self.position <= self.stops[1]:
            self.position = min(max(self.position, self.stops[0]), self.stops[1])
            self.velocity = 0.0

    def _step_profile(self, dt: float) -> None:
        if self.target is None:
            wanted = self.target_speed or 0.0
        else:
            ahead = self.target - self._reference
            brake = math.sqrt(2.0 * self.max_acceleration * abs(ahead))
            speed = min(self.max_speed, 0.9 * brake, abs(ahead) / dt)
            wanted = math.copysign(speed, ahead)
        change = self.max_acceleration * dt
        change = min(max(wanted - self._reference_speed, -change), change)
        self._reference_speed += change
        self._reference += self._reference_speed * dt
