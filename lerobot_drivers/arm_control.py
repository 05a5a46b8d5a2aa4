"""Whom a follower arm obeys, and how it stops, goes home and begins again without a jump."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.arm_modes import ArmState, Mode
from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError, ModeError
from lerobot_drivers.common.health import Health, Level
from lerobot_drivers.hand_over import HandOver
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots.robot import JointReading

Vector = NDArray[np.float64]


class ArmControl:
    """An arm in operation.

    What was asked of its torque stays wanted until it is done: an arm that was let go while it
    could not be reached is limp when it is found again. Whenever it begins to obey, each joint
    goes to what is commanded at the velocity of a hand-over, until it has met that.

    Attributes:
        state: what it does; it outlives lost cables and the arm's reconnects.
        has_news: whether the goal in force has changed; whoever tells it sets it back.

    Args:
        driver: of the arm.
        on_emergency: whether an emergency stop holds or releases torque.
        clock: of hand-overs.
        changed: hears each new state.
    """

    def __init__(
        self,
        driver: ArmDriver,
        on_emergency: Literal['hold', 'release'],
        clock: Clock,
        changed: Callable[[ArmState], None],
    ) -> None:
        self.state = ArmState()
        self.has_news = False
        self._driver = driver
        self._releases = on_emergency == 'release'
        self._clock = clock
        self._changed = changed
        self._hand_over = HandOver(())
        self._home: Vector = np.empty(0)
        self._is_due = False

    def connect(self) -> None:
        """Connect the arm, in the state that it is in.

        Raises:
            ConfigError: its home pose names a joint that it has not.
            DeviceError: it is not there, not calibrated or not answering.
        """
        self._driver.robot.limp = not self.state.torque
        self._driver.connect()
        self._is_due = False
        self._learn()

    def begin(self) -> None:
        """Obey from now on, without a jump."""
        self._hand_over.begin(self._clock.monotonic_ns())

    def interrupt(self) -> None:
        """Stay where it is: the arm is not driven any longer."""
        if self.state.mode is Mode.HOMING:
            self._enter(self.state.done())
        self.begin()

    def step(self) -> JointReading | None:
        """Read the arm, and do what is under way; None if it could not be read."""
        driver = self._driver
        was_lost = driver.lost
        reading = driver.step()
        if driver.lost or was_lost:
            if not driver.lost:
                self._learn()
            self.interrupt()
            self._is_due &= driver.lost
        elif self._is_due:
            with suppress(DeviceError):
                self._apply()
        elif self._hand_over.is_moving:
            self._send(None)
        elif self.state.mode is Mode.HOMING:
            self._enter(self.state.done())
            self.begin()
        self.has_news |= driver.seeded
        driver.seeded = False
        return reading

    def command(self, goal: Vector) -> bool:
        """Send a goal now, or as far towards it as a hand-over allows.

        Args:
            goal: by joint [rad or m], NaN where nothing is wanted.

        Returns:
            Whether it is obeyed.
        """
        if self.state.refusal or self._driver.lost or self._is_due:
            return False
        return self._send(goal)

    def drive(self) -> Vector | None:
        """Let a mobile base go on as it is asked, or stand where the robot obeys nobody.

        Returns:
            What was sent; None if nothing could be, or there is no base.
        """
        if self.state.refusal and self._driver.base is not None:
            self._driver.halt_base()
            return self._driver.base.sent
        return self._driver.drive()

    def set_torque(self, on: bool) -> str:
        """Hold where the arm is, or let it go limp; return what it does then.

        Raises:
            ModeError: it may not hold now.
            DeviceError: it cannot be reached; it is done as soon as it can be.
        """
        before, state = self.state, self.state.with_torque(on)
        if state != before or self._is_due:
            self._pass_to(state)
        return f'{state}' if on else f'{state}: support it'

    def stop(self) -> str:
        """Stay where it is now and obey nobody; return what it does then.

        Raises:
            DeviceError: it cannot be reached; it is done as soon as it can be.
        """
        self._pass_to(self.state.stopped())
        return f'{self.state}; commands are refused until resume'

    def emergency_stop(self) -> str:
        """Stay where it is now or go limp, as configured; see ``stop``."""
        self._pass_to(self.state.in_emergency(self._releases))
        return f'{self.state}; commands are refused until resume'

    def resume(self) -> str:
        """End a stop; return what it does then.

        Raises:
            ModeError: it was not stopped.
            DeviceError: it cannot be reached; it is done as soon as it can be.
        """
        self._pass_to(self.state.resumed())
        rest = '' if self.state.torque else '; set_torque lets it hold'
        return f'{self.state}{rest}'

    def go_home(self) -> str:
        """Begin to move to the home pose; return how long that takes.

        Raises:
            ModeError: it may not move now, or has no home pose.
            DeviceError: it is lost.
        """
        state = self.state.homing()
        if np.isnan(self._home).all():
            raise ModeError('this arm has no home pose; give robot.home, a value by joint')
        if self._driver.lost or self._is_due:
            raise DeviceError(f'the arm is lost: {self._driver.last_error}')
        now_ns = self._clock.monotonic_ns()
        seconds = self._hand_over.begin_together(self._home, self._driver.goal, now_ns)
        self._enter(state)
        return f'moves to its home pose in {seconds:.1f} s'

    def begin_calibration(self) -> None:
        """Leave the arm, limp, to whoever calibrates it.

        Raises:
            ModeError: something else is to end first.
            DeviceError: it cannot be reached; it is limp when it can be.
        """
        calibrating = self.state.calibrating()
        try:
            self._pass_to(calibrating)
        except DeviceError:
            self._enter(self.state.done())  # nobody comes who would end it
            raise
        self._driver.suspend()

    def end_calibration(self) -> None:
        """Take the arm back; it stays limp."""
        self._enter(self.state.done())
        self._driver.restart()

    def health(self, health: Health) -> Health:
        """Return an arm's health with what it does, and why it obeys nobody."""
        values = {'mode': self.state.mode.value, 'torque': self.state.torque, **health.values}
        if not self.state.refusal or health.level is Level.ERROR:
            return Health(health.level, health.message, values)
        level = Level.ERROR if self.state.mode is Mode.EMERGENCY else Level.WARN
        rest = '' if health.level is Level.OK else f'; {health.message}'
        return Health(level, f'{self.state}: {self.state.refusal}{rest}', values)

    def _learn(self) -> None:
        """Take in what may have changed while the arm was away: calibration, hence limits."""
        self._home = self._driver.robot.home
        self._hand_over = HandOver(self._driver.robot.joints)

    def _send(self, goal: Vector | None) -> bool:
        now_ns = self._clock.monotonic_ns()
        wanted = self._hand_over.next(self._driver.goal, now_ns, goal)
        sent = self._driver.write(wanted)
        self.has_news |= sent
        return sent

    def _enter(self, state: ArmState) -> None:
        is_new, self.state = state != self.state, state
        if is_new:
            self._changed(state)

    def _pass_to(self, state: ArmState) -> None:
        """Enter a state, at a standstill.

        Raises:
            ModeError: it cannot be let go, so it holds.
            DeviceError: it cannot be reached; it is brought to a standstill when it can be.
        """
        before = self.state
        self._enter(state)
        self.begin()
        self._is_due = True
        if state.refusal:
            self._driver.halt_base()
        try:
            self._apply()
        except ModeError:  # its torque is not ours
            self._enter(replace(state, torque=True) if state.is_latched else before)
            self._apply()
            raise
        except DeviceError as error:
            raise DeviceError(
                f'{state} as soon as the arm can be reached, which failed: {error}'
            ) from error

    def _apply(self) -> None:
        self._driver.set_torque(self.state.torque)
        self._is_due = False
        self.has_news |= self._driver.seeded
        self._driver.seeded = False
