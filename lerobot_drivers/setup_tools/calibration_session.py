"""A calibration led from outside, step by step: nothing is asked of a terminal, nothing waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from lerobot_drivers.common.arm_cameras import SIDES
from lerobot_drivers.common.errors import BusError, CalibrationError, DeviceError, ModeError
from lerobot_drivers.motors.calibration import save_calibration
from lerobot_drivers.robots.pair import Pair
from lerobot_drivers.robots.serial_arm import SerialArm
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun, JointRange
from lerobot_drivers.setup_tools.device import ArmDevice


class CalibrationSession:
    """Calibrates one arm, or two at once; their drivers keep away from the ports meanwhile.

    ``start``; then, with all joints in the middle of their reach, ``record_ranges``, and ``watch``
    again and again while somebody moves them; then ``finish``. ``cancel`` at any moment restores
    what the motors held. Only ``finish`` writes files, and tells the arms' drivers.

    Args:
        arms: by what stands in front of their joints' names.
    """

    def __init__(self, arms: Mapping[str, SerialArm]) -> None:
        self._arms = dict(arms)
        self._runs: dict[str, CalibrationRun] = {}
        self._open = contextlib.ExitStack()

    @property
    def is_open(self) -> bool:
        """Whether a calibration is under way."""
        return bool(self._runs)

    @property
    def ranges(self) -> dict[str, JointRange]:
        """How far each joint has been moved, by its name on topics."""
        return {
            f'{prefix}{name}': found
            for prefix, run in self._runs.items()
            for name, found in run.ranges.items()
        }

    @property
    def problems(self) -> dict[str, str]:
        """What keeps it from being finished, by joint."""
        return {name: found.problem for name, found in self.ranges.items() if found.problem}

    def start(self) -> str:
        """Let the arms go limp; return what is to be done next.

        Raises:
            ModeError: one is under way.
            DeviceError: a port or some motors are not there.
        """
        if self.is_open:
            raise ModeError('a calibration is under way; calibrate/cancel ends it')
        try:
            for prefix, arm in self._arms.items():
                bus = self._open.enter_context(ArmDevice.of(arm).opened())
                run = self._runs[prefix] = CalibrationRun(bus, arm.plan)
                run.begin()
        except BaseException:
            self._abandon()
            raise
        return (
            'limp: hold it, move all joints to the middle of their range of motion, then call '
            'calibrate/record_ranges'
        )

    def record_ranges(self) -> str:
        """Take where the joints are for their middle; record how far they are moved from now on.

        Raises:
            ModeError: none is under way.
            DeviceError: the motors do not answer; if they are gone, all is given up.
        """
        self._check_open()
        with self._giving_up_if_gone():
            for run in self._runs.values():
                run.home()
        turns = [f'{prefix}{name}' for prefix, run in self._runs.items() for name in run.full_turn]
        apart = f' except {", ".join(turns)}' if turns else ''
        return (
            f'the middle is where it is now; move all joints{apart} one after the other through '
            'their entire ranges of motion, then call calibrate/finish'
        )

    def watch(self) -> None:
        """Read where the joints are, if ranges are recorded.

        Raises:
            DeviceError: the motors are gone; all is given up.
        """
        with contextlib.suppress(BusError), self._giving_up_if_gone():
            for run in self._runs.values():
                if run.ranges:
                    run.watch()

    def told_ranges(self) -> str:
        """Return how far each joint has been moved, in words.

        Raises:
            ModeError: none is under way.
        """
        self._check_open()
        return told(self.ranges) or 'no middle is known yet; call calibrate/record_ranges'

    def finish(self) -> str:
        """Write motors and files, and let the arms' drivers know; return where and what.

        Raises:
            ModeError: none is under way.
            CalibrationError: some joints have no range yet; all are named.
            DeviceError: the motors do not answer; if they are gone, all is given up.
        """
        self._check_open()
        if self.problems or not self.ranges:
            missing = [f'{name} {problem}' for name, problem in self.problems.items()]
            raise CalibrationError(
                f'not complete: {"; ".join(missing) or "no middle is known yet"}. Ranges: '
                f'{told(self.ranges) or "none"}'
            )
        ranges, files = told(self.ranges), []
        with self._giving_up_if_gone():
            made = {prefix: run.finish() for prefix, run in self._runs.items()}
        for prefix, calibration in made.items():
            file = self._arms[prefix].settings.calibration_file
            save_calibration(file, calibration)
            self._arms[prefix].use_calibration(calibration, str(file))
            files.append(str(file))
        self._close()
        return f'saved to {" and ".join(files)}: {ranges}'

    def cancel(self) -> str:
        """Leave limp motors that hold what they held before; harmless if none is under way."""
        if not self.is_open:
            return 'no calibration was under way'
        self._abandon()
        return 'cancelled: the motors hold the calibration that they held before'

    def _abandon(self) -> None:
        for run in self._runs.values():
            run.abandon()
        self._close()

    def _close(self) -> None:
        self._runs = {}
        self._open.close()

    def _check_open(self) -> None:
        if not self.is_open:
            raise ModeError('no calibration is under way; calibrate/start begins one')

    @contextlib.contextmanager
    def _giving_up_if_gone(self) -> Iterator[None]:
        try:
            yield
        except BusError:
            raise
        except DeviceError as error:
            self.cancel()
            raise DeviceError(f'calibration given up: {error}') from error


def told(ranges: Mapping[str, JointRange]) -> str:
    """Return ranges in words: lowest, present and highest tick by joint, and how wide."""
    return ', '.join(
        f'{name} {found.low} < {found.position} < {found.high} ({found.degrees:.0f} degrees)'
        for name, found in ranges.items()
    )


def arms_of(device: object) -> dict[str, SerialArm]:
    """Return the arms with motors of their own that a robot or teleoperator is made of.

    Args:
        device: one arm, two, or something else.

    Returns:
        By what stands in front of their joints' names; empty where there is none.
    """
    pair = getattr(device, 'pair', None)
    if isinstance(pair, Pair):
        found = {f'{side}_': half.arm for side, half in zip(SIDES, pair.arms, strict=True)}
    else:
        found = {'': getattr(device, 'arm', None)}
    return {prefix: arm for prefix, arm in found.items() if isinstance(arm, SerialArm)}
