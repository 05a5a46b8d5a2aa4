"""Calibration: LeRobot's files, and what a tick means.

Facts from LeRobot 0.4.4 and 0.6 (``motors/motors_bus.py``, ``robots/robot.py``): a
file is ``<folder>/<kind>/<name>/<id>.json``; a tick becomes degrees about the middle
of the calibrated range with 360/4095 degrees per tick, or a percentage of the range.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lerobot_drivers.common.errors import CalibrationError
from lerobot_drivers.common.units import JointUnit, NormMode

TICK_SNAP = 2e-4
"""A goal this close to a whole tick means that tick: twice the rounding of a float32 [tick]."""

_OLD_NAMES = {
    'so_follower': ('so101_follower', 'so100_follower'),
    'so_leader': ('so101_leader', 'so100_leader'),
}


@dataclass(frozen=True)
class MotorCalibration:
    """What a calibration knows of one motor, in LeRobot's words.

    Attributes:
        id: the motor's id on its bus.
        drive_mode: 1 turns the sign of the range modes.
        homing_offset: what the motor subtracts from its encoder [tick].
        range_min: lowest position of the calibrated range [tick].
        range_max: highest position of the calibrated range [tick].
    """

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


@dataclass(frozen=True)
class MotorScale:
    """The map between ticks, dataset values and topic values of one calibrated motor.

    Ticks to dataset values and back is LeRobot's arithmetic; dataset values to topic
    values is ``unit``, so that a recorder inverts exactly what a driver did.

    Attributes:
        calibration: of this motor.
        unit: of its joint.
        resolution: ticks per turn.
    """

    calibration: MotorCalibration
    unit: JointUnit
    resolution: int = 4096

    def ticks_to_dataset(self, ticks: int) -> float:
        """Return the dataset value of a position; range modes clamp, degrees do not."""
        low, high = self.calibration.range_min, self.calibration.range_max
        if self._is_angle:
            degrees = (ticks - (low + high) / 2) * 360 / (self.resolution - 1)
            return degrees if self.unit.mode is NormMode.DEGREES else math.radians(degrees)
        fraction = (min(max(ticks, low), high) - low) / (high - low)
        if self.unit.mode is NormMode.RANGE_M100_100:
            value = fraction * 200 - 100
            return -value if self.calibration.drive_mode else value
        top = self._top
        value = fraction * top
        return top - value if self.calibration.drive_mode else value

    def dataset_to_ticks(self, value: float) -> int:
        """Return the position of a dataset value, truncated towards zero as LeRobot does."""
        low, high = self.calibration.range_min, self.calibration.range_max
        if self._is_angle:
            degrees = value if self.unit.mode is NormMode.DEGREES else math.degrees(value)
            return _truncate(degrees * (self.resolution - 1) / 360 + (low + high) / 2)
        inverted = bool(self.calibration.drive_mode)
        if self.unit.mode is NormMode.RANGE_M100_100:
            value = -value if inverted else value
            fraction = (min(max(value, -100.0), 100.0) + 100) / 200
        else:
            top = self._top
            value = top - value if inverted else value
            fraction = min(max(value, 0.0), top) / top
        return _truncate(fraction * (high - low) + low)

    def ticks_to_topic(self, ticks: int) -> float:
        """Return the topic value of a position [rad]."""
        return self.unit.from_dataset(self.ticks_to_dataset(ticks))

    def topic_to_ticks(self, value: float) -> int:
        """Return the position of a topic value [rad], truncated towards zero."""
        return self.dataset_to_ticks(self.unit.to_dataset(value))

    def topic_per_tick(self, ticks: float = 0) -> float:
        """Return the change of the topic value per tick, signed [rad/tick]."""
        del ticks
        if self._is_angle:
            return 2 * math.pi / (self.resolution - 1)
        sign = -1.0 if self.calibration.drive_mode else 1.0
        span = self.calibration.range_max - self.calibration.range_min
        return sign * (self.unit.upper - self.unit.lower) / span

    def topic_limits(self) -> tuple[float, float]:
        """Return the topic values of the calibrated range's ends, lower first [rad]."""
        top = self.resolution - 1
        ends = [
            self.ticks_to_topic(min(max(ticks, 0), top))
            for ticks in (self.calibration.range_min, self.calibration.range_max)
        ]
        return min(ends), max(ends)

    @cached_property
    def _top(self) -> float:
        return 1.0 if self.unit.mode is NormMode.RANGE_0_1 else 100.0

    @cached_property
    def _is_angle(self) -> bool:
        return self.unit.mode in (NormMode.DEGREES, NormMode.RADIANS)


def half_range(calibration: MotorCalibration, resolution: int = 4096) -> float:
    """Return half the calibrated range as an angle [rad]."""
    span = calibration.range_max - calibration.range_min
    return span * math.pi / (resolution - 1)


def load_calibration(path: Path) -> dict[str, MotorCalibration]:
    """Read a calibration file of LeRobot's.

    Raises:
        CalibrationError: it cannot be read or does not hold what it should.
    """
    try:
        loaded = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise CalibrationError(f'cannot read calibration {path}: {error.strerror}') from error
    except ValueError as error:
        raise CalibrationError(f'calibration {path} is not valid JSON: {error}') from error
    return parse_calibration(loaded, str(path))


def parse_calibration(loaded: object, where: str) -> dict[str, MotorCalibration]:
    """Check a calibration as JSON gives it.

    Args:
        loaded: motor -> {id, drive_mode, homing_offset, range_min, range_max}.
        where: its file, for the error.

    Raises:
        CalibrationError: a motor or a number is missing or makes no sense.
    """
    if isinstance(loaded, Mapping) and 'calib_mode' in loaded:
        raise CalibrationError(
            f'calibration {where} is in the format that LeRobot used before June 2025; '
            'calibrate the arm again'
        )
    if not isinstance(loaded, Mapping) or not loaded:
        raise CalibrationError(f'calibration {where} must map motor names to their numbers')
    return {name: _parse_motor(entry, f'{where}: {name}') for name, entry in loaded.items()}


def save_calibration(path: Path, calibration: Mapping[str, MotorCalibration]) -> None:
    """Write a calibration file byte for byte as LeRobot does; a crash leaves the old one."""
    text = json.dumps({name: asdict(entry) for name, entry in calibration.items()}, indent=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with temporary.open('w', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def calibration_path(
    kind: Literal['robots', 'teleoperators'],
    name: str,
    device_id: str | None,
    calibration_dir: Path | None = None,
) -> Path:
    """Return where a device's calibration file belongs.

    Args:
        kind: ``robots`` or ``teleoperators``.
        name: LeRobot's name of the device's class, such as ``so_follower``.
        device_id: which one; LeRobot calls the file of one without id ``None.json``.
        calibration_dir: the folder itself, instead of LeRobot's.
    """
    folder = calibration_dir or calibration_root() / kind / name
    return folder.expanduser() / f'{device_id}.json'


def find_calibration(
    kind: Literal['robots', 'teleoperators'],
    name: str,
    device_id: str | None,
    calibration_dir: Path | None = None,
) -> Path | None:
    """Return a device's calibration file, also under an older LeRobot's name, or None."""
    names = [name] if calibration_dir else [name, *_OLD_NAMES.get(name, ())]
    paths = [calibration_path(kind, each, device_id, calibration_dir) for each in names]
    return next((path for path in paths if path.is_file()), None)


def device_name(device_type: str) -> str:
    """Return LeRobot's name of the class of a device's type: ``so101_leader`` is a ``so_leader``.

    Types that are a class of their own are returned as they are.
    """
    return next((name for name, old in _OLD_NAMES.items() if device_type in old), device_type)


def calibration_root() -> Path:
    """Return LeRobot's folder of calibrations, by its environment variables."""
    environment = os.environ
    cache = Path(environment.get('XDG_CACHE_HOME', '~/.cache'))
    hub = Path(environment.get('HF_HOME', cache / 'huggingface'))
    lerobot = Path(environment.get('HF_LEROBOT_HOME', hub / 'lerobot'))
    return Path(environment.get('HF_LEROBOT_CALIBRATION', lerobot / 'calibration')).expanduser()


def _parse_motor(entry: object, where: str) -> MotorCalibration:
    names = [field.name for field in fields(MotorCalibration)]
    found: dict[str, Any] = dict(entry) if isinstance(entry, Mapping) else {}
    wrong = [name for name in names if type(found.get(name)) is not int]
    if wrong:
        raise CalibrationError(
            f'calibration {where} needs whole numbers for {", ".join(names)}; '
            f'missing or wrong: {", ".join(wrong)}'
        )
    calibration = MotorCalibration(**{name: found[name] for name in names})
    if calibration.range_min >= calibration.range_max:
        raise CalibrationError(
            f'calibration {where} has range_min {calibration.range_min}, which must be less '
            f'than range_max {calibration.range_max}; calibrate the arm again'
        )
    return calibration


def _truncate(ticks: float) -> int:
    nearest = round(ticks)
    return nearest if abs(ticks - nearest) <= TICK_SNAP else int(ticks)
