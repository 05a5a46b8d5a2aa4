"""LeRobot's calibration of an arm, step by step; how the person is asked is another matter.

The procedure is LeRobot's (``calibrate`` of its robots and teleoperators): limp motors, a homing
offset that makes the middle of the reach half a turn, ranges recorded while a person moves the
joints. In addition what cannot be a range is told by joint, and who gives up loses nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lerobot_drivers.common.errors import CalibrationError, DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.robots.arm_plan import ArmPlan, JointPlan
from lerobot_drivers.robots.shadows import check_shadows

SMALLEST_RANGE_DEG = 10.0
"""No joint of an arm has less between its stops; who records less did not move it all the way."""
FARTHEST_OFFSET = 1024
"""A Dynamixel that counts one turn only takes no more of a homing offset [tick]."""


@dataclass(frozen=True)
class JointRange:
    """How far one joint has been moved.

    Attributes:
        low: lowest position so far [tick].
        position: as read last [tick].
        high: highest position so far [tick].
        resolution: ticks of its encoder.
        reach_deg: how far these are [deg].
        wrapped: whether it went past the end of the turn, so that ``low`` and ``high`` tell
            nothing.
    """

    low: int
    position: int
    high: int
    resolution: int = 4096
    reach_deg: float = 360.0
    wrapped: bool = False

    @classmethod
    def at(cls, position: int, resolution: int, reach_deg: float = 360.0) -> JointRange:
        """Return the range of a joint that has not been moved yet."""
        return cls(position, position, position, resolution, reach_deg)

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
        return (self.high - self.low) * self.reach_deg / self.resolution

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
    def is_homed(self) -> bool:
        """Whether ``home`` makes something of where the arm is."""
        return not all(servo.keeps_homing for servo in self._plan.servos)

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
        bus.prepare({wheel.name: wheel.registers for wheel in self._plan.wheels})
        bus.disable_torque()
        for joint in self._plan.arm_servos:
            if 'Operating_Mode' in bus.models[joint.name].registers:
                bus.write('Operating_Mode', joint.name, bus.calibration_mode)
            if not bus.apply_drive_mode:
                mode = bus.read('Drive_Mode', joint.name)
                bus.write('Drive_Mode', joint.name, mode & ~1 | joint.drive_mode)

    def home(self) -> None:
        """Home the joints where they are, and begin to record ranges from there.

        Raises:
            CalibrationError: motors are farther from where they are homed than they can hold.
            DeviceError: motors on one axis disagree all the same.
        """
        bus = self._bus
        self._offsets = {}
        homed = [servo.name for servo in self._plan.arm_servos if not servo.keeps_homing]
        for servo in self._plan.servos:
            # In this order: who shadows a motor obeys what that one is told.
            if 'Homing_Offset' in bus.models[servo.name].registers:
                bus.write('Homing_Offset', servo.name, self._kept(servo))
            bus.write('Min_Position_Limit', servo.name, 0)
            bus.write('Max_Position_Limit', servo.name, bus.models[servo.name].resolution - 1)
        actual = bus.sync_read('Present_Position', homed) if homed else {}
        found = {name: self._offset(name, ticks) for name, ticks in actual.items()}
        _check_offsets(self._plan, found)
        for name, offset in found.items():
            bus.write('Homing_Offset', name, offset)
        check_shadows(bus, self._plan, 'their homing offsets, just written, did not help')
        self._offsets = {s.name: found.get(s.name, self._kept(s)) for s in self._plan.servos}
        self._ranges = {
            name: JointRange.at(ticks, bus.models[name].resolution, bus.models[name].reach_deg)
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
        calibration = {
            servo.name: self._entry(servo, joint.name)
            for joint in self._plan.joints
            for servo in (joint, *joint.shadows)
        }
        calibration |= {wheel.name: self._entry(wheel, wheel.name) for wheel in self._plan.wheels}
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

    def _kept(self, servo: JointPlan) -> int:
        """Return the homing offset that a motor has before it is homed."""
        return self._held[servo.name].homing_offset if servo.keeps_homing else 0

    def _offset(self, name: str, actual: int) -> int:
        """Return the homing offset of a motor that tells a position without one."""
        model, told = self._bus.models[name], self._plan.joint(name).homed_at
        homed_at = (model.resolution - 1) // 2 if told is None else told
        offset = self._bus.homing_sign * (actual - homed_at)
        sign_bit = model.register('Homing_Offset').sign_bit
        # Half a turn away is one more than a Feetech can hold: the middle is a tick off then.
        return offset if sign_bit is None else min(offset, (1 << sign_bit) - 1)

    def _entry(self, servo: JointPlan, joint: str) -> MotorCalibration:
        """Return what was found of a motor, which moves a joint."""
        turn = JointRange(0, 0, self._bus.models[servo.name].resolution - 1)
        found = self._ranges.get(joint, turn)
        return MotorCalibration(
            servo.motor.id, servo.drive_mode, self._offsets[servo.name], found.low, found.high
        )


def _check_offsets(plan: ArmPlan, offsets: Mapping[str, int]) -> None:
    """Check that motors which count one turn only can hold their homing offsets.

    Raises:
        CalibrationError: some cannot; all are named.
    """
    far = {
        name: offset
        for name, offset in offsets.items()
        if abs(offset) > FARTHEST_OFFSET and plan.joint(name).nominal
    }
    if far:
        told = ', '.join(f'{name} by {abs(each) * 360 / 4096:.0f}' for name, each in far.items())
        raise CalibrationError(
            f'too far from where {plan.what} is built, in degrees: {told}; is it in '
            f'{plan.homing_pose}?'
        )
