"""A Reachy 2's state message, joint by joint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reachy2_sdk_api.orbita2d_pb2 import Axis

Sample = tuple[float, float, float]
"""Position [rad], velocity [rad/s] and load as the robot reports it."""
Reader = Callable[[Any], Sample]

_LETTERS = {'roll': 'x', 'pitch': 'y', 'yaw': 'z'}
_UNKNOWN = float('nan')


def reader(description: Any, path: str) -> Reader:
    """Return what reads a joint from a state.

    Args:
        description: what there is of the robot (the API's message ``Reachy``).
        path: the SDK's name of the joint, such as ``l_arm.shoulder.pitch``.
    """
    part, component, *axes = path.split('.')
    if component == 'gripper':
        return _hand_reader(f'{part[0]}_hand_state')
    if not axes:
        return _motor_reader(f'{part}_state', f'{component}_state')
    place = (f'{part}_state', f'{component}_state')
    if component in ('shoulder', 'elbow'):
        actuator = getattr(getattr(description, part).description, component)
        return _reader_2d(place, 1 if Axis.Name(actuator.axis_1).lower() == axes[0] else 2)
    return _reader_3d(place, axes[0])


def _reader_2d(place: tuple[str, str], number: int) -> Reader:
    axis, letter = f'axis_{number}', 'xy'[number - 1]

    def read(state: Any) -> Sample:
        actuator = getattr(getattr(state, place[0]), place[1])
        return (
            getattr(actuator.present_position, axis).value,
            getattr(actuator.present_speed, letter).value,
            getattr(actuator.present_load, letter).value,
        )

    return read


def _reader_3d(place: tuple[str, str], axis: str) -> Reader:
    letter = _LETTERS[axis]

    def read(state: Any) -> Sample:
        actuator = getattr(getattr(state, place[0]), place[1])
        return (
            getattr(actuator.present_position.rpy, axis).value,
            getattr(actuator.present_speed, letter).value,
            getattr(actuator.present_load, letter).value,
        )

    return read


def _motor_reader(part: str, component: str) -> Reader:
    def read(state: Any) -> Sample:
        motor = getattr(getattr(state, part), component)
        return motor.present_position.value, motor.present_speed.value, motor.present_load.value

    return read


def _hand_reader(hand: str) -> Reader:
    def read(state: Any) -> Sample:
        # It tells no speed.
        here = getattr(state, hand)
        return here.present_position.parallel_gripper.position.value, _UNKNOWN, here.force.value

    return read
