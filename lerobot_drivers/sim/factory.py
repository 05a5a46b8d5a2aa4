"""How simulated arms leave the factory: joints, calibration, supply."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.kinematics import JOINTS
from lerobot_drivers.sim.servo import RAD_PER_TICK, Servo, ServoSpec

MODELS = ('so100_follower', 'so100_leader', 'so101_follower', 'so101_leader')
REST = (0.0, -1.55, 1.5, 0.9, 0.0, 0.0)
"""Where a follower waits before it is first moved: folded [rad]."""

_STOP_MARGIN = 0.02
_FULL_TURN = (0, 4095)
_VOLTS = {'follower': 12.1, 'leader': 7.5}


@dataclass(frozen=True)
class FactoryCalibration:
    """One joint's calibration, with LeRobot's field names.

    Attributes:
        id: servo id.
        drive_mode: always 0 for these arms.
        homing_offset: subtracted from the encoder [ticks].
        range_min: calibrated minimum [ticks].
        range_max: calibrated maximum [ticks].
    """

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


def check_model(model: str) -> str:
    """Return the model of an arm.

    Raises:
        ConfigError: no such arm can be simulated; the message lists those that can.
    """
    if model not in MODELS:
        raise ConfigError(f'cannot simulate a {model!r}; known models: {", ".join(MODELS)}')
    return model


def is_leader(model: str) -> bool:
    """Return whether a person moves that arm."""
    return model.endswith('_leader')


def factory_calibration(device: str) -> dict[str, FactoryCalibration]:
    """Return an arm's calibration: joint -> fields; repeatable, another one per name.

    As LeRobot's calibration leaves them, the ranges lie about the middle of travel and
    that of wrist_roll is the full turn.
    """
    chance = random.Random(zlib.crc32(device.encode()))
    calibration = {}
    for servo_id, joint in enumerate(JOINTS, start=1):
        offset = chance.choice((-1, 1)) * chance.randint(150, 1900)
        half = round((joint.upper - joint.lower) / 2 / RAD_PER_TICK)
        middle = 2047 + chance.randint(-40, 40)
        low, high = middle - half, middle + half
        if joint.name == 'wrist_roll':
            low, high = _FULL_TURN
        calibration[joint.name] = FactoryCalibration(servo_id, 0, offset, low, high)
    return calibration


def build_servos(device: str, model: str, angles: tuple[float, ...]) -> dict[str, Servo]:
    """Return an arm's servos by joint, with their shafts at these angles [rad]."""
    volts = _VOLTS['leader' if is_leader(model) else 'follower']
    servos = {}
    for joint, angle in zip(JOINTS, angles, strict=True):
        fields = factory_calibration(device)[joint.name]
        middle = (fields.range_min + fields.range_max) / 2 + fields.homing_offset
        centre = (joint.upper + joint.lower) / 2 if joint.name == 'gripper' else 0.0
        spec = ServoSpec(
            id=fields.id,
            homing_offset=fields.homing_offset,
            range_min=fields.range_min,
            range_max=fields.range_max,
            zero=middle - centre / RAD_PER_TICK,
            lower=joint.lower - _STOP_MARGIN,
            upper=joint.upper + _STOP_MARGIN,
            volts=volts,
        )
        servos[joint.name] = Servo(spec, angle)
    return servos
