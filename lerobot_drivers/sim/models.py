"""What can be simulated: robots by type name, and what tells one from another."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.bus import BusServo
from lerobot_drivers.sim.figure import Figure
from lerobot_drivers.sim.motion import Motion
from lerobot_drivers.sim.wire import Wire

Angles = NDArray[np.float64]

_SO = 'lerobot_drivers.sim.so_arm'
_KOCH = 'lerobot_drivers.sim.koch_arm'
_ALOHA = 'lerobot_drivers.sim.aloha_arm'
_HAND = 'lerobot_drivers.sim.hope_jr_hand'
MODELS = {
    'so100_follower': f'{_SO}:SO100_FOLLOWER',
    'so100_leader': f'{_SO}:SO100_LEADER',
    'so101_follower': f'{_SO}:SO101_FOLLOWER',
    'so101_leader': f'{_SO}:SO101_LEADER',
    'lekiwi': 'lerobot_drivers.sim.lekiwi:LEKIWI',
    'koch_follower': f'{_KOCH}:KOCH_FOLLOWER',
    'koch_leader': f'{_KOCH}:KOCH_LEADER',
    'viperx': f'{_ALOHA}:VIPERX',
    'widowx': f'{_ALOHA}:WIDOWX',
    'hope_jr_arm': 'lerobot_drivers.sim.hope_jr_arm:HOPE_JR_ARM',
    'hope_jr_hand_right': f'{_HAND}:RIGHT_HAND',
    'hope_jr_hand_left': f'{_HAND}:LEFT_HAND',
}
"""Type name -> ``module:MODEL``, imported when asked for."""


class ShaftServo(BusServo, Protocol):
    """A servo on a bus whose owner lets time pass for its shaft."""

    ahead_s: float
    volts: float
    motion: Motion

    @property
    def angle(self) -> float:
        """The joint's angle [rad]."""
        ...

    @property
    def speed(self) -> float:
        """The joint's velocity [rad/s]."""
        ...

    @property
    def goal_angle(self) -> float | None:
        """Where it is driven to [rad], or None when it is not."""
        ...

    def move_by_hand(self, angle: float, speed: float) -> None:
        """Let somebody hold the joint at an angle [rad], passing at a speed [rad/s]."""
        ...

    def step(self, dt: float) -> None:
        """Let time pass [s]."""
        ...

    def heat(self, celsius: float) -> None:
        """Have a temperature [degC]."""
        ...

    def complain(self, causes: Iterable[str]) -> None:
        """Complain about something, and act as that demands."""
        ...

    def settle(self, dt: float) -> None:
        """Let its temperature follow its load over some time [s]."""
        ...

    def forget_address(self) -> None:
        """Have id and baud rate as sold."""
        ...


class Operator(Protocol):
    """A person who moves an arm."""

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return the joints' angles [rad] and velocities [rad/s] at a time since the start [s]."""
        ...


class Drive(Protocol):
    """Wheels that carry a robot over the floor."""

    def moved(self, place: Angles, speeds: Mapping[str, float], dt: float) -> Angles:
        """Return where it has come to: x, y and heading in the world [m, m, rad].

        Args:
            place: where it was.
            speeds: of the servos, by name [rad/s].
            dt: after how long [s].
        """
        ...


@dataclass(frozen=True)
class SimJoint:
    """A servo as it is built in.

    Attributes:
        name: of what it moves.
        id: on the bus.
        motor: LeRobot's name of its model.
        lower: where travel ends [rad].
        upper: where travel ends [rad].
        centre: angle at the middle of its calibrated range [rad].
        full_turn: whether its range is calibrated as a whole turn.
        drive_mode: 1 where it turns the other way.
        shadows: id of the servo whose writes it obeys too, None for nobody's.
    """

    name: str
    id: int
    motor: str
    lower: float = -math.pi
    upper: float = math.pi
    centre: float = 0.0
    full_turn: bool = False
    drive_mode: int = 0
    shadows: int | None = None


@dataclass(frozen=True)
class FactoryCalibration:
    """One servo's calibration, with LeRobot's field names.

    Attributes:
        id: servo id.
        drive_mode: 1 turns the other way.
        homing_offset: subtracted from the encoder, added by Dynamixels [ticks].
        range_min: calibrated minimum [ticks].
        range_max: calibrated maximum [ticks].
    """

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


MakeOperator = Callable[[int], Operator]
ServoBuilder = Callable[['SimModel', SimJoint, FactoryCalibration, float], ShaftServo]
Calibrator = Callable[[str, 'SimModel'], dict[str, FactoryCalibration]]


@dataclass(frozen=True)
class SimModel:
    """A robot on one bus.

    Attributes:
        name: type name of the robot or teleoperator.
        joints: its servos, in order.
        rest: where they are before they are first moved [rad]; an operator decides otherwise.
        figure: its shape.
        wire: how its bus speaks.
        build_servo: makes a servo with its shaft at an angle.
        calibrate: makes what its servos were calibrated with at the factory, by device name.
        volts: supply [V].
        operator: makes the person who moves it, from a seed; None if nobody does.
        drive: how its wheels carry it over the floor; None where it stands.
        places: where it stands if its device name holds a word: x, y, heading [m, m, rad].
    """

    name: str
    joints: tuple[SimJoint, ...]
    rest: tuple[float, ...]
    figure: Figure
    wire: Callable[[], Wire]
    build_servo: ServoBuilder
    calibrate: Calibrator
    volts: float
    operator: MakeOperator | None = None
    drive: Drive | None = None
    places: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


def sim_model(name: str) -> SimModel:
    """Return what is simulated under a type name.

    Raises:
        ConfigError: no such robot can be simulated; the message lists those that can.
    """
    if name not in MODELS:
        raise ConfigError(f'cannot simulate a {name!r}; known models: {", ".join(MODELS)}')
    module, _, attribute = MODELS[name].partition(':')
    model = getattr(importlib.import_module(module), attribute)
    assert isinstance(model, SimModel), name
    return model
