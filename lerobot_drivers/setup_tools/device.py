"""The arm that a set-up tool works on, before it is fit for a driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.calibration import calibration_path, find_calibration
from lerobot_drivers.motors.motors_bus import BusSettings
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.serial_arm import SerialArm
from lerobot_drivers.sim.address import SimAddress, is_sim_address

PATIENT = BusSettings(num_retry=5)
"""As often as LeRobot repeats a reading while it calibrates."""


@dataclass(frozen=True, kw_only=True)
class ArmDevice:
    """One arm.

    Attributes:
        kind: LeRobot's folder of its calibrations, first part.
        name: LeRobot's folder of its calibrations, second part.
        type: its type name, such as ``so101_follower``.
        id: which of several equal arms.
        port: serial device or ``sim://<world>/<device>``.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
        plan: what it is made of.
    """

    kind: Literal['robots', 'teleoperators']
    name: str
    type: str
    id: str | None
    port: str
    calibration_dir: Path | None
    plan: ArmPlan

    @classmethod
    def of(cls, arm: SerialArm) -> ArmDevice:
        """Return the arm behind a driver, which must not have its port open meanwhile."""
        known = arm.settings
        return cls(
            kind=known.kind,
            name=known.name,
            type=known.type,
            id=known.id,
            port=str(known.port),
            calibration_dir=known.calibration_dir,
            plan=arm.plan,
        )

    @property
    def label(self) -> str:
        """What it is to the user."""
        return self.type if self.id is None else f'{self.type} {self.id}'

    @property
    def file(self) -> Path:
        """Where its calibration is written to."""
        return calibration_path(self.kind, self.name, self.id, self.calibration_dir)

    @property
    def found_file(self) -> Path | None:
        """Its calibration as a driver finds it, None if there is none."""
        return find_calibration(self.kind, self.name, self.id, self.calibration_dir)

    @property
    def is_simulated(self) -> bool:
        """Whether it is an arm of a simulated world."""
        return is_sim_address(self.port)

    @contextlib.contextmanager
    def serial_path(self) -> Iterator[str]:
        """Yield the path of its serial port; a simulated world lives as long as that is used."""
        if not self.is_simulated:
            yield self.port
            return
        from lerobot_drivers.sim.client import SimClient

        address = SimAddress.parse(self.port)
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
