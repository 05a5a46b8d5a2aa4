"""How simulated arms leave the factory: joints, calibration, supply."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.dynamixel_servo import DynamixelServo, DynamixelSpec
from lerobot_drivers.sim.kinematics import JOINTS, Joint
from lerobot_drivers.sim.servo import RAD_PER_TICK, Servo, ServoSpec
from lerobot_drivers.sim.wire import FeetechWire, Wire
from lerobot_drivers.sim.wire2 import DynamixelWire

SO_MODELS = ('so100_follower', 'so100_leader', 'so101_follower', 'so101_leader')
KOCH_MODELS = {
    'koch_follower': (*['xl430-w250'] * 2, *['xl330-m288'] * 4),
    'koch_leader': ('xl330-m077',) * 6,
}
"""Motors by the order of the joints."""
MODELS = (*SO_MODELS, *KOCH_MODELS)
ArmServo = Servo | DynamixelServo
REST = (0.0, -1.55, 1.5, 0.9, 0.0, 0.0)
"""Where a follower waits before it is first moved: folded [rad]."""

_STOP_MARGIN = 0.02
_FULL_TURN = (0, 4095)
_VOLTS = {'follower': 12.1, 'leader': 7.5, 'koch': 11.9}
_INVERTED = {('koch_leader', 'elbow_flex')}


@dataclass(frozen=True)
class FactoryCalibration:
    """One joint's calibration, with LeRobot's field names.

    Attributes:
        id: servo id.
        drive_mode: 1 turns the other way; only the Koch leader's elbow does.
        homing_offset: subtracted from the encoder, added by Dynamixels [ticks].
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


def factory_calibration(
    device: str, model: str = 'so101_follower'
) -> dict[str, FactoryCalibration]:
    """Return an arm's calibration: joint -> fields; repeatable, another one per name.

    As LeRobot's calibration leaves them, the ranges lie about the middle of travel and
    that of wrist_roll is the full turn, with a Koch that of shoulder_pan too.
    """
    full_turns = ('wrist_roll', 'shoulder_pan') if model in KOCH_MODELS else ('wrist_roll',)
    chance = random.Random(zlib.crc32(device.encode()))
    calibration = {}
    for servo_id, joint in enumerate(JOINTS, start=1):
        offset = chance.choice((-1, 1)) * chance.randint(150, 1900)
        half = round((joint.upper - joint.lower) / 2 / RAD_PER_TICK)
        middle = 2047 + chance.randint(-40, 40)
        low, high = middle - half, middle + half
        if joint.name in full_turns:
            low, high = _FULL_TURN
        mode = int((model, joint.name) in _INVERTED)
        calibration[joint.name] = FactoryCalibration(servo_id, mode, offset, low, high)
    return calibration


def codec_of(model: str) -> Wire:
    """Return how an arm's bus speaks."""
    return DynamixelWire() if model in KOCH_MODELS else FeetechWire()


def build_servos(device: str, model: str, angles: tuple[float, ...]) -> dict[str, ArmServo]:
    """Return an arm's servos by joint, with their shafts at these angles [rad]."""
    calibration = factory_calibration(device, model)
    build = _dynamixel if model in KOCH_MODELS else _feetech
    return {
        joint.name: build(model, joint, calibration[joint.name], angle)
        for joint, angle in zip(JOINTS, angles, strict=True)
    }


def _feetech(model: str, joint: Joint, fields: FactoryCalibration, angle: float) -> ArmServo:
    spec = ServoSpec(
        id=fields.id,
        homing_offset=fields.homing_offset,
        range_min=fields.range_min,
        range_max=fields.range_max,
        zero=_middle(fields) + fields.homing_offset - _centre(joint) / RAD_PER_TICK,
        lower=joint.lower - _STOP_MARGIN,
        upper=joint.upper + _STOP_MARGIN,
        volts=_VOLTS['leader' if is_leader(model) else 'follower'],
    )
    return Servo(spec, angle)


def _dynamixel(model: str, joint: Joint, fields: FactoryCalibration, angle: float) -> ArmServo:
    sign = -1 if fields.drive_mode else 1
    spec = DynamixelSpec(
        id=fields.id,
        model=KOCH_MODELS[model][fields.id - 1],
        homing_offset=fields.homing_offset,
        drive_mode=fields.drive_mode,
        range_min=fields.range_min,
        range_max=fields.range_max,
        zero=sign * (_middle(fields) - fields.homing_offset - _centre(joint) / RAD_PER_TICK),
        lower=joint.lower - _STOP_MARGIN,
        upper=joint.upper + _STOP_MARGIN,
        volts=_VOLTS['koch'],
        turned=bool(fields.drive_mode),
    )
    return DynamixelServo(spec, angle)


def _middle(fields: FactoryCalibration) -> float:
    """Return the middle of a calibrated range [ticks]."""
    return (fields.range_min + fields.range_max) / 2


def _centre(joint: Joint) -> float:
    """Return the angle at the middle of the range [rad]."""
    return (joint.upper + joint.lower) / 2 if joint.name == 'gripper' else 0.0
