"""Whether motors hold the calibration that is known of them, and what to do if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from lerobot_drivers.common.errors import CalibrationError
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.robots.arm_plan import ArmPlan

NOMINAL = 'the arm as built'
"""What is told as the source of a calibration that no file holds."""


def check_ids(plan: ArmPlan, calibration: Mapping[str, MotorCalibration], where: str) -> None:
    """Check that a calibration is of an arm.

    Args:
        plan: of the arm.
        calibration: by motor.
        where: it comes from, for the error.

    Raises:
        CalibrationError: it has other motors, or other ids.
    """
    ids = {name: entry.id for name, entry in calibration.items()}
    expected = {name: motor.id for name, motor in plan.motors.items()}
    if ids != expected:
        raise CalibrationError(
            f'calibration {where} is not of {plan.what}: it holds {ids}, expected {expected}'
        )


def homed_as_held(
    nominal: Mapping[str, MotorCalibration], held: Mapping[str, MotorCalibration]
) -> dict[str, MotorCalibration]:
    """Return a nominal calibration with the homing offsets that the motors hold."""
    return {
        name: replace(entry, homing_offset=held[name].homing_offset)
        for name, entry in nominal.items()
    }


def as_made(port: str, model: str) -> dict[str, MotorCalibration]:
    """Return the calibration with which a simulated arm is made.

    Args:
        port: ``sim://<world>/<device>``.
        model: of the simulated arm.
    """
    from lerobot_drivers.sim.address import SimAddress
    from lerobot_drivers.sim.factory import factory_calibration

    made = factory_calibration(SimAddress.parse(port).device, model)
    return {name: MotorCalibration(**asdict(entry)) for name, entry in made.items()}


def differences(
    plan: ArmPlan,
    wanted: Mapping[str, MotorCalibration],
    held: Mapping[str, MotorCalibration],
    source: str,
) -> list[str]:
    """Return in words where motors hold something else than what is known.

    Args:
        plan: of the arm.
        wanted: what is known, by motor.
        held: what the motors hold.
        source: where ``wanted`` comes from.
    """
    told = []
    for name, entry in wanted.items():
        fields = ['homing_offset', 'range_min', 'range_max']
        if source == NOMINAL and not plan.joint(name).keeps_limits:
            fields = ['homing_offset']
        if not plan.bus.apply_drive_mode:
            fields.append('drive_mode')
        told += [
            f'{name} {field} is {getattr(held[name], field)}, not {getattr(entry, field)}'
            for field in fields
            if getattr(held[name], field) != getattr(entry, field)
        ]
    return told


def other_calibration(port: str | None, source: str, found: list[str]) -> CalibrationError:
    """Return the error of motors that hold another calibration than the known one."""
    known = f'the file {source}'
    cure = 'lerobot-ros calibrate, or connect with calibrate=True, writes it to the motors'
    if source == port:
        known = 'this simulated arm was made with'
        cure = 'connect with calibrate=True to write that one to the motors'
    return CalibrationError(
        f'{port}: the motors hold another calibration than {known}: '
        f'{"; ".join(found)}; is this the right arm, and its file? If so, {cure}'
    )


def no_calibration(flag: str, label: tuple[str, str | None], port: str, path: Path) -> str:
    """Return what to do about an arm that has no calibration.

    Args:
        flag: ``robot`` or ``teleop``.
        label: its type and id.
        port: its port.
        path: where its file belongs.
    """
    kind, device_id = label
    return (
        f'{kind} {device_id} has no calibration at {path}; make one with: '
        f'lerobot-ros calibrate --{flag}.type={kind} --{flag}.port={port} --{flag}.id={device_id}'
    )
