"""LeRobot's calibration of an arm, step by step; how the person is asked is another matter.

The procedure is LeRobot's (``calibrate`` of its robots and teleoperators): limp motors, a homing
offset that makes the middle of the reach half a turn, ranges recorded while a person moves the
joints. In addition what cannot be a range is told by joint, and who gives up loses nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from lerobot_drivers.common.errors import CalibrationError, DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.robots.arm_plan import ArmPlan

SMALLEST_RANGE_DEG = 10.0
"""No joint of an arm has less between its stops; who records less did not move it all the way."""


@dataclass(frozen=True)
class JointRange:
    """How far one joint has been moved.

    Attributes:
        low: lowest position so far [tick].
        position: as read last [tick].
        high: highest position so far [tick].
        resolution: ticks per turn.
        wrapped: whether it went past the end of the turn, so that ``low`` and ``high`` tell
            nothing.
    """

    low: int
    position: int
    high: int
    resolution: int = 4096
    wrapped: bool = False

    @classmethod
    def at(cls, position: int, resolution: int) -> JointRange:
        """Return the range of a joint that has not been moved yet."""
        return cls(position, position, position, resolution)

    def moved_to(self, position: int) -> JointRange:
        """Return the range after a movement; between two readings no joint makes half a turn."""
        jumped = abs(position - self.position) > self.resolution // 2
        return replace(
            self,
            low=min(self.low, position),
            position=position,
            high=max(self.high, position),
            wrapped=self.wrapped or jumped or not 0 <= position < self.resolution,
        )

    @property
    def degrees(self) -> float:
        """How wide it is [deg]."""
        return (self.high - self.low) * 360 / self.resolution

    @property
    def problem(self) -> str:
        """Why it is no range of a joint; empty if it is one."""
        if self.wrapped:
            return 'went past the end of its turn: it was not in the middle of its reach'
        if self.low == self.high:
            return 'did not move'
        if self.degrees < SMALLEST_RANGE_DEG:
            return f'moved only {self.degrees:.1f} degrees'
        return ''


class CalibrationRun:
    """One calibration of one arm.

    ``begin``; then ``home`` with the arm in the middle of its reach, and ``watch`` again and
    again while somebody moves the joints, as often as needed; then ``finish``. ``abandon`` at any
    moment leaves limp motors that hold the calibration they came with.

    Args:
        bus: connected.
        plan: of the arm behind it.
    """

    def __init__(self, bus: ArmBus, plan: ArmPlan) -> None:
        self._bus = bus
        self._plan = plan
        self._held = bus.read_calibration()
        self._offsets: dict[str, int] = {}
        self._ranges: dict[str, JointRange] = {}
        self._moving = tuple(joint.name for joint in plan.joints if not joint.full_turn)

    @property
    def full_turn(self) -> tuple[str, ...]:
        """Joints that are not to be moved: their range is a turn."""
        return tuple(joint.name for joint in self._plan.joints if joint.full_turn)

    @property
    def ranges(self) -> dict[str, JointRange]:
        """How far each joint that is to be moved has been moved, by joint."""
        return dict(self._ranges)

    @property
    def problems(self) -> dict[str, str]:
        """What keeps it from being finished, by joint."""
        told = {name: found.problem for name, found in self._ranges.items()}
        return {name: problem for name, problem in told.items() if problem}

    @property
    def wrapped(self) -> bool:
        """Whether a joint went past the end of its turn, which only another ``home`` mends."""
        return any(found.wrapped for found in self._ranges.values())

    def begin(self) -> None:
        """Let the motors go limp, count one turn only, and turn as their calibration wants it."""
        bus = self._bus
        bus.prepare({})
        bus.disable_torque()
        for joint in self._plan.joints:
            bus.write('Operating_Mode', joint.name, bus.calibration_mode)
            if not bus.apply_drive_mode:
                mode = bus.read('Drive_Mode', joint.name)
                bus.write('Drive_Mode', joint.name, mode & ~1 | joint.drive_mode)

    def home(self) -> None:
        """Make where the joints are half a turn, and begin to record ranges from there."""
        bus = self._bus
        for name, model in bus.models.items():
            bus.write('Homing_Offset', name, 0)
            bus.write('Min_Position_Limit', name, 0)
            bus.write('Max_Position_Limit', name, model.resolution - 1)
        actual = bus.sync_read('Present_Position')
        self._offsets = {name: self._offset(name, ticks) for name, ticks in actual.items()}
        for name, offset in self._offsets.items():
            bus.write('Homing_Offset', name, offset)
        self._ranges = {
            name: JointRange.at(ticks, bus.models[name].resolution)
            for name, ticks in bus.sync_read('Present_Position', self._moving).items()
        }

    def watch(self) -> dict[str, JointRange]:
        """Read where the joints are; return how far each has been moved."""
        for name, ticks in self._bus.sync_read('Present_Position', self._moving).items():
            self._ranges[name] = self._ranges[name].moved_to(ticks)
        return self.ranges

    def finish(self) -> dict[str, MotorCalibration]:
        """Write the calibration into the motors, which stay limp, and return it.

        Raises:
            CalibrationError: some joints have no range yet; all are named.
        """
        if not self._offsets or self.problems:
            told = [f'{name} {problem}' for name, problem in self.problems.items()]
            missing = '; '.join(told) or 'it has no middle'
            raise CalibrationError(f'the calibration is not complete: {missing}')
        calibration = {joint.name: self._entry(joint.name) for joint in self._plan.joints}
        self._bus.write_calibration(calibration)
        self._bus.lock()
        return calibration

    def abandon(self) -> None:
        """Leave limp motors that hold what they held before, as far as they can be reached."""
        with contextlib.suppress(DeviceError):
            self._bus.release()
        with contextlib.suppress(DeviceError, ValueError):
            self._bus.write_calibration(self._held)
            self._bus.lock()

    def _offset(self, name: str, actual: int) -> int:
        """Return the homing offset that makes a position half a turn, as LeRobot computes it."""
        model = self._bus.models[name]
        offset = self._bus.homing_sign * (actual - (model.resolution - 1) // 2)
        sign_bit = model.register('Homing_Offset').sign_bit
        # Half a turn away is one more than a Feetech can hold: the middle is a tick off then.
        return offset if sign_bit is None else min(offset, (1 << sign_bit) - 1)

    def _entry(self, name: str) -> MotorCalibration:
        (joint,) = (each for each in self._plan.joints if each.name == name)
        turn = JointRange(0, 0, self._bus.models[name].resolution - 1)
        found = self._ranges.get(name, turn)
        return MotorCalibration(
            joint.motor.id, joint.drive_mode, self._offsets[name], found.low, found.high
        )
