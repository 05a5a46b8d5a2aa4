"""The way to a simulated Reachy 2, for the driver and tests."""

from __future__ import annotations

from typing import Any

from lerobot_drivers.common.guest import guest_command
from lerobot_drivers.sim.address import SimAddress
from lerobot_drivers.sim.client import ServiceClient

_SERVER = 'lerobot_drivers.sim.reachy2_server'


class SimReachy(ServiceClient):
    """A connection to one robot; the first one starts its process.

    Args:
        address: ``sim://WORLD/DEVICE``.
        python: the interpreter that has reachy2-sdk; None is this one.

    Raises:
        ConfigError: the address is not valid.
        DeviceError: it could not be started, with the reason it gave.
    """

    def __init__(self, address: str, python: str | None = None) -> None:
        parsed = SimAddress.parse(address)
        name = f'reachy2.{parsed.world}.{parsed.device}'
        super().__init__(name, guest_command(_SERVER, name, python=python))

    @property
    def host(self) -> str:
        """The loopback address on which it listens as a real one does."""
        return str(self.info()['host'])

    def inject(self, fault: str, **arguments: object) -> None:
        """Make it misbehave.

        Faults are ``unplug``, ``replug``, ``power_cycle``, which leaves it limp,
        ``push(part, actuator, angles)``, which moves an actuator by hand [rad], and
        ``without(parts)``, which takes effect when somebody connects.

        Raises:
            ConfigError: the fault or its arguments are unknown.
        """
        self._ask({'op': 'inject', 'fault': fault, 'arguments': arguments})

    def truth(self) -> dict[str, Any]:
        """Return where its joints and its base are, and which actuators are stiff."""
        return dict(self._ask({'op': 'truth'})['truth'])

    def log(self) -> list[dict[str, Any]]:
        """Return what it was told so far, in order: ``stamp_ns``, ``call`` and what that holds."""
        return list(self._ask({'op': 'log'})['log'])
