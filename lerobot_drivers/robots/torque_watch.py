"""Whether motors that are to hold still do.

A motor whose power failed for a moment, on a loose plug in the chain, answers again as if nothing
had been, yet is limp, and takes goals that it does not obey. Nothing in its state shows that.
"""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.motors_bus import BusState


class TorqueWatch:
    """Asks one motor after the other, each once in a second.

    Args:
        motors: that are to hold.
    """

    def __init__(self, motors: Sequence[str]) -> None:
        self._motors = tuple(motors)
        self._at = 0
        self._next_ns: int | None = None
        self._complained: set[str] = set()

    def begin(self, now_ns: int) -> None:
        """Watch from now on [ns]: they are told to hold."""
        self._complained.clear()
        self._next_ns = now_ns + self._pause_ns

    def end(self) -> None:
        """Watch no longer: they are to be limp."""
        self._next_ns = None

    def check(self, bus: ArmBus, state: BusState, now_ns: int) -> None:
        """Ask the motor whose turn it is, if it is time.

        Args:
            bus: of the motors.
            state: of them, read just now.
            now_ns: monotonic time [ns].

        Raises:
            BusError: it does not answer.
            DeviceError: it is limp, and never complained: who did has let go by itself, and
                holds again when somebody wants it to.
        """
        if self._next_ns is None or now_ns < self._next_ns:
            return
        motor = self._motors[self._at]
        self._at = (self._at + 1) % len(self._motors)
        self._next_ns = now_ns + self._pause_ns
        healths = zip(bus.motors, bus.motor_health(state), strict=True)
        self._complained |= {name for name, health in healths if health.errors != 'none'}
        if bus.read('Torque_Enable', motor):
            return
        if motor not in self._complained:
            self.end()
            raise DeviceError(
                f'{bus.port.name}: {motor} is limp without having been asked, as after a power '
                'failure; check the plugs of its chain and the supply'
            )

    @property
    def _pause_ns(self) -> int:
        return NS_PER_S // len(self._motors)
