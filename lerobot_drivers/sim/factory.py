"""How simulated arms leave the factory: calibrated, their servos built in."""

from __future__ import annotations

import random
import zlib

from lerobot_drivers.sim.dynamixel_servo import DynamixelServo, DynamixelSpec
from lerobot_drivers.sim.models import (
    FactoryCalibration,
    ShaftServo,
    SimJoint,
    SimModel,
    sim_model,
)
from lerobot_drivers.sim.servo import RAD_PER_TICK, Servo, ServoSpec

_STOP_MARGIN = 0.02
_FULL_TURN = (0, 4095)


def factory_calibration(
    device: str, model: str = 'so101_follower'
) -> dict[str, FactoryCalibration]:
    """Return an arm's calibration: servo -> fields; repeatable, another one per device name."""
    made = sim_model(model)
    return made.calibrate(device, made)


def calibrate_by_hand(device: str, model: SimModel) -> dict[str, FactoryCalibration]:
    """Return what LeRobot's calibration leaves: offsets at random, ranges about the middle."""
    chance = random.Random(zlib.crc32(device.encode()))
    calibration = {}
    for joint in model.joints:
        offset = chance.choice((-1, 1)) * chance.randint(150, 1900)
        half = round((joint.upper - joint.lower) / 2 / RAD_PER_TICK)
        middle = 2047 + chance.randint(-40, 40)
        low, high = _FULL_TURN if joint.full_turn else (middle - half, middle + half)
        calibration[joint.name] = FactoryCalibration(joint.id, joint.drive_mode, offset, low, high)
    return calibration


def build_servos(device: str, model: SimModel, angles: tuple[float, ...]) -> dict[str, ShaftServo]:
    """Return a robot's servos by name, with their shafts at these angles [rad]."""
    calibration = model.calibrate(device, model)
    return {
        joint.name: model.build_servo(model, joint, calibration[joint.name], angle)
        for joint, angle in zip(model.joints, angles, strict=True)
    }


def feetech(
    model: SimModel, joint: SimJoint, fields: FactoryCalibration, angle: float
) -> ShaftServo:
    """Return an STS servo that was calibrated at the factory."""
    spec = ServoSpec(
        id=fields.id,
        homing_offset=fields.homing_offset,
        range_min=fields.range_min,
        range_max=fields.range_max,
        zero=_middle(fields) + fields.homing_offset - joint.centre / RAD_PER_TICK,
        lower=joint.lower - _STOP_MARGIN,
        upper=joint.upper + _STOP_MARGIN,
        volts=model.volts,
        motor=joint.motor,
    )
    return Servo(spec, angle)


def dynamixel(
    model: SimModel, joint: SimJoint, fields: FactoryCalibration, angle: float
) -> ShaftServo:
    """Return a Dynamixel that was calibrated at the factory."""
    sign = -1 if fields.drive_mode else 1
    spec = DynamixelSpec(
        id=fields.id,
        model=joint.motor,
        homing_offset=fields.homing_offset,
        drive_mode=fields.drive_mode,
        range_min=fields.range_min,
        range_max=fields.range_max,
        zero=sign * (_middle(fields) - fields.homing_offset - joint.centre / RAD_PER_TICK),
        lower=joint.lower - _STOP_MARGIN,
        upper=joint.upper + _STOP_MARGIN,
        volts=model.volts,
        turned=bool(fields.drive_mode),
        shadows=joint.shadows,
    )
    return DynamixelServo(spec, angle)


def _middle(fields: FactoryCalibration) -> float:
    """Return the middle of a calibrated range [ticks]."""
    return (fields.range_min + fields.range_max) / 2
