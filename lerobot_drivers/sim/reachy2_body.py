"""The simulated Reachy 2 itself: actuators that follow their goals, a base that rolls.

What is known of the real one (reachy2_sdk_server) is kept: an arm and a head take their
present position as goal when their torque goes on, a hand does not; a base obeys speeds in
the mode ``CMD_VEL`` only, and each of them for 200 ms. Where nothing is known it is plain:
joints turn at a constant speed, and stay where they are when they are limp.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S, Clock

SPEED = 4.0
"""How fast a joint turns at a speed limit of 100 % [rad/s]; nominal."""
COMMAND_LIFE_NS = NS_PER_S // 5
_LOG_LENGTH = 20_000

ARM_ACTUATORS = {
    'shoulder': ('pitch', 'roll'),
    'elbow': ('yaw', 'pitch'),
    'wrist': ('roll', 'pitch', 'yaw'),
}
HEAD_ACTUATORS = {
    'neck': ('roll', 'pitch', 'yaw'),
    'antenna_left': ('antenna',),
    'antenna_right': ('antenna',),
}
SEEDED = ('r_arm', 'l_arm', 'head')
"""Parts whose goals become their present positions when their torque goes on."""


@dataclass
class Actuator:
    """What moves one, two or three joints together.

    Attributes:
        name: its name on the robot.
        axes: names of its joints.
        position: where they are [rad].
        goal: where they shall be [rad].
        velocity: how fast they turn [rad/s].
        torque: whether it is stiff.
        speed_limit: share of its greatest speed.
        torque_limit: share of its greatest torque.
    """

    name: str
    axes: tuple[str, ...]
    position: list[float] = field(default_factory=list)
    goal: list[float] = field(default_factory=list)
    velocity: list[float] = field(default_factory=list)
    torque: bool = False
    speed_limit: float = 1.0
    torque_limit: float = 1.0

    def __post_init__(self) -> None:
        self.position = [0.0 for _ in self.axes]
        self.goal = list(self.position)
        self.velocity = list(self.position)

    def step(self, seconds: float) -> None:
        """Let time pass."""
        if seconds <= 0.0:
            return
        reach = SPEED * self.speed_limit * seconds if self.torque else 0.0
        for axis, (here, there) in enumerate(zip(self.position, self.goal, strict=True)):
            moved = min(max(there - here, -reach), reach)
            self.position[axis] = here + moved
            self.velocity[axis] = moved / seconds


@dataclass
class Base:
    """Three wheels that go anywhere.

    Attributes:
        mode: what it obeys, ``FREE_WHEEL`` when it is limp.
        pose: where it is since it was switched on: x, y, theta [m, m, rad].
        speed: how fast it goes in its own frame [m/s, m/s, rad/s].
        until_ns: when the last command dies [ns].
    """

    mode: str = 'FREE_WHEEL'
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    speed: tuple[float, float, float] = (0.0, 0.0, 0.0)
    until_ns: int = 0

    def command(self, speed: tuple[float, float, float], now_ns: int) -> None:
        """Go at a speed for as long as a command lives."""
        if self.mode == 'CMD_VEL':
            self.speed, self.until_ns = speed, now_ns + COMMAND_LIFE_NS

    def step(self, begin_ns: int, now_ns: int) -> None:
        """Let time pass."""
        seconds = max(min(now_ns, self.until_ns) - begin_ns, 0) / NS_PER_S
        (x, y, theta), (vx, vy, turn) = self.pose, self.speed
        c, s = math.cos(theta), math.sin(theta)
        self.pose = (
            x + (c * vx - s * vy) * seconds,
            y + (s * vx + c * vy) * seconds,
            theta + turn * seconds,
        )
        if now_ns >= self.until_ns:
            self.speed = (0.0, 0.0, 0.0)


class ReachyBody:
    """All of it. Any thread may ask; time passes when somebody does.

    Attributes:
        actuators: by part, then by name.
        base: its wheels.
        log: what it was told: ``stamp_ns``, ``call``, and what the call holds.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.base = Base()
        arm = {**ARM_ACTUATORS, 'hand': ('finger',)}
        self.actuators = {
            **{side: {name: Actuator(name, axes) for name, axes in arm.items()} for side in 'rl'},
            'head': {name: Actuator(name, axes) for name, axes in HEAD_ACTUATORS.items()},
        }
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self.lock = threading.RLock()
        self._now_ns = clock.now_ns()

    def advance(self) -> int:
        """Let time pass until now, and return it [ns]; hold ``lock`` while using what there is."""
        now_ns = max(self.clock.now_ns(), self._now_ns)
        seconds = (now_ns - self._now_ns) / NS_PER_S
        for actuator in self._all():
            actuator.step(seconds)
        self.base.step(self._now_ns, now_ns)
        self._now_ns = now_ns
        return now_ns

    def part(self, name: str) -> dict[str, Actuator]:
        """Return the actuators of ``r_arm``, ``r_hand``, ``l_arm``, ``l_hand`` or ``head``."""
        if name == 'head':
            return self.actuators['head']
        side, _, what = name.partition('_')
        arm = self.actuators[side]
        is_hand = what == 'hand'
        return {key: value for key, value in arm.items() if (key == 'hand') == is_hand}

    def set_torque(self, part: str, on: bool) -> None:
        """Make a part stiff or limp."""
        with self.lock:
            now_ns = self.advance()
            for actuator in self.part(part).values():
                if on and part in SEEDED and not actuator.torque:
                    actuator.goal = list(actuator.position)
                actuator.torque = on
            self._note(now_ns, 'TurnOn' if on else 'TurnOff', part=part)

    def set_limit(self, part: str, what: str, share: float) -> None:
        """Set ``speed_limit`` or ``torque_limit`` of a part."""
        with self.lock:
            now_ns = self.advance()
            for actuator in self.part(part).values():
                setattr(actuator, what, share)
            self._note(now_ns, what, part=part, share=share)

    def set_goals(self, goals: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
        """Set goals by part, actuator and axis [rad]; limp actuators take them, too."""
        with self.lock:
            now_ns = self.advance()
            for part, actuators in goals.items():
                for name, axes in actuators.items():
                    actuator = self.part(part)[name]
                    for axis, angle in axes.items():
                        actuator.goal[actuator.axes.index(axis)] = angle
            self._note(now_ns, 'goals', goals=goals)

    def set_speed(self, speed: tuple[float, float, float]) -> None:
        """Ask the base for a speed [m/s, m/s, rad/s]."""
        with self.lock:
            now_ns = self.advance()
            self.base.command(speed, now_ns)
            self._note(now_ns, 'speed', speed=list(speed))

    def set_mode(self, mode: str) -> None:
        """Set what the base obeys."""
        with self.lock:
            now_ns = self.advance()
            self.base.mode = mode
            self._note(now_ns, 'mode', mode=mode)

    def push(self, part: str, actuator: str, angles: list[float]) -> None:
        """Move an actuator by hand; its goal stays as it is."""
        with self.lock:
            self.advance()
            self.part(part)[actuator].position = [float(angle) for angle in angles]

    def power_cycle(self) -> None:
        """Switch it off and on: it is limp, where it is."""
        with self.lock:
            self.advance()
            for actuator in self._all():
                actuator.torque = False
            self.base = Base(pose=self.base.pose)

    def truth(self) -> dict[str, Any]:
        """Return where everything is, as plain values."""
        with self.lock:
            self.advance()
            return {
                'position': {
                    f'{part}.{actuator.name}.{axis}': angle
                    for part, actuators in self.actuators.items()
                    for actuator in actuators.values()
                    for axis, angle in zip(actuator.axes, actuator.position, strict=True)
                },
                'stiff': sorted(
                    f'{part}.{actuator.name}'
                    for part, actuators in self.actuators.items()
                    for actuator in actuators.values()
                    if actuator.torque
                ),
                'base': {'pose': list(self.base.pose), 'speed': list(self.base.speed)},
            }

    def _all(self) -> Iterator[Actuator]:
        for actuators in self.actuators.values():
            yield from actuators.values()

    def _note(self, stamp_ns: int, call: str, **what: object) -> None:
        self.log.append({'stamp_ns': stamp_ns, 'call': call, **what})
