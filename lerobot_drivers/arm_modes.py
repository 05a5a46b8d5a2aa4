"""What a follower arm may do now: a small machine of explicit states.

::

    ready ──► homing ──► ready                   moves, slowly, to its home pose
    ready ◄─► torque off ◄─► calibrating         limp; goals are seeded before it holds again
    any   ──► stopped, emergency stop            latched until resumed; torque as it is or goes off

Commands are obeyed when it is ready, and refused with the reason in all other modes. ``resume``
ends a stop and never changes the torque: what was let go stays limp until it is asked to hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lerobot_drivers.common.errors import ModeError


class Mode(str, Enum):
    """What an arm does; the values are what is published."""

    READY = 'ready'
    HOMING = 'homing'
    LIMP = 'torque off'
    CALIBRATING = 'calibrating'
    STOPPED = 'stopped'
    EMERGENCY = 'emergency stop'


_REASONS = {
    Mode.HOMING: 'it moves to its home pose; the service stop interrupts it',
    Mode.LIMP: 'its torque is off; the service set_torque with data: true lets it hold',
    Mode.CALIBRATING: 'it is being calibrated; the service calibrate/cancel ends that',
    Mode.STOPPED: 'it was stopped; the service resume ends that',
    Mode.EMERGENCY: 'it is in emergency stop; the service resume ends that',
}
_LATCHED = (Mode.STOPPED, Mode.EMERGENCY)


@dataclass(frozen=True)
class ArmState:
    """What an arm does, and whether it holds.

    Attributes:
        mode: what it does.
        torque: whether its motors hold, or are to hold as soon as they can be reached.
    """

    mode: Mode = Mode.READY
    torque: bool = True

    @property
    def refusal(self) -> str:
        """Why commands are refused and how that ends; empty where they are obeyed."""
        return _REASONS.get(self.mode, '')

    @property
    def is_latched(self) -> bool:
        """Whether only ``resumed`` leads out of it."""
        return self.mode in _LATCHED

    def __str__(self) -> str:
        return f'{self.mode.value}, {"holds" if self.torque else "limp"}'

    def with_torque(self, on: bool) -> ArmState:
        """Return the state in which it holds, or is limp.

        Raises:
            ModeError: it may not hold now.
        """
        if on and self.mode in (Mode.EMERGENCY, Mode.CALIBRATING):
            raise self._refuse('torque stays off')
        if self.is_latched or self.mode is Mode.CALIBRATING:
            return replace(self, torque=on)
        if not on:
            return ArmState(Mode.LIMP, False)
        return ArmState() if self.mode is Mode.LIMP else self

    def homing(self) -> ArmState:
        """Return the state in which it moves to its home pose.

        Raises:
            ModeError: it may not move now.
        """
        if self.mode not in (Mode.READY, Mode.HOMING):
            raise self._refuse('it does not move')
        return ArmState(Mode.HOMING)

    def stopped(self) -> ArmState:
        """Return the state in which it obeys nobody; torque stays as it is."""
        return self if self.mode is Mode.EMERGENCY else replace(self, mode=Mode.STOPPED)

    def in_emergency(self, releases: bool) -> ArmState:
        """Return the state in which it obeys nobody.

        Args:
            releases: let it go limp, too.
        """
        return ArmState(Mode.EMERGENCY, self.torque and not releases)

    def resumed(self) -> ArmState:
        """Return the state after a stop; torque stays as it is.

        Raises:
            ModeError: it was not stopped.
        """
        if not self.is_latched:
            raise ModeError(f'it was not stopped: {self}')
        return ArmState() if self.torque else ArmState(Mode.LIMP, False)

    def calibrating(self) -> ArmState:
        """Return the state in which it is calibrated; it is limp, also when that ends.

        Raises:
            ModeError: something else is to end first.
        """
        if self.mode not in (Mode.READY, Mode.LIMP):
            raise self._refuse('it is not calibrated now')
        return ArmState(Mode.CALIBRATING, False)

    def done(self) -> ArmState:
        """Return the state after homing or a calibration, the same state in any other."""
        if self.mode is Mode.HOMING:
            return ArmState()
        return ArmState(Mode.LIMP, False) if self.mode is Mode.CALIBRATING else self

    def _refuse(self, what: str) -> ModeError:
        return ModeError(f'{what}: {_REASONS[self.mode]}')
