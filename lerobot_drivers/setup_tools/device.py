"""The arm that a set-up tool works on, before it is fit for a driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.motors_bus import BusSettings
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.arm_settings import ArmIdentity
from lerobot_drivers.robots.serial_arm import SerialArm
from lerobot_drivers.sim.address import SimAddress

PATIENT = BusSettings(num_retry=5)
"""As often as LeRobot repeats a reading while it calibrates."""


@dataclass(frozen=True, kw_only=True)
class ArmDevice(ArmIdentity):
    """One arm.

    Attributes:
        plan: what it is made of.
    """

    plan: ArmPlan

    @classmethod
    def of(cls, arm: SerialArm) -> ArmDevice:
        """Return the arm behind a driver, which must not have its port open meanwhile."""
        known = {field.name: getattr(arm.settings, field.name) for field in fields(ArmIdentity)}
        return cls(**known, plan=arm.plan)

    @property
    def label(self) -> str:
        """What it is to the user."""
        return self.type if self.id is None else f'{self.type} {self.id}'

    @contextlib.contextmanager
    def serial_path(self) -> Iterator[str]:
        """Yield the path of its serial port; a simulated world lives as long as that is used."""
        port = str(self.port)
        if not self.is_simulated:
            yield port
            return
        from lerobot_drivers.sim.client import SimClient

        address = SimAddress.parse(port)
        with SimClient(address.world) as client:
            yield client.attach_arm(address.device, self.plan.model_of(self.type)).port

    @contextlib.contextmanager
    def opened(self) -> Iterator[ArmBus]:
        """Yield its bus with all motors there; nothing is asked of their calibration.

        However it ends, the motors are limp.

        Raises:
            NotConnectedError: the port or some motors are not there.
        """
        with self.serial_path() as path:
            bus = self.plan.bus(SerialPort(path), self.plan.motors, settings=PATIENT)
            bus.connect()
            try:
                yield bus
            finally:
                with contextlib.suppress(DeviceError):
                    bus.release()
                    bus.lock()
                bus.disconnect()
