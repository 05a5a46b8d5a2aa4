"""LeKiwi: the arm of an SO-101 on three omni wheels, all motors on one bus."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.lekiwi_plan import LEKIWI
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.robots.serial_arm import PortFactory
from lerobot_drivers.robots.serial_follower import SerialFollower
from lerobot_drivers.robots.wheel_base import WheelBase


class LeKiwi(SerialFollower):
    """The robot at its serial port; see ``LeKiwiClient`` for one that is reached by network.

    Args:
        config: its settings.
        with_cameras: open its cameras too.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    name: ClassVar[str] = 'lekiwi'
    plan: ClassVar[ArmPlan] = LEKIWI
    use_degrees: ClassVar[bool] = True

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        super().__init__(config, with_cameras=with_cameras, clock=clock, port_factory=port_factory)
        self._wheels = WheelBase(self.arm, config.base)

    @property
    def base(self) -> WheelBase:
        """Its wheels; see ``Robot``."""
        return self._wheels

    def read_state(self) -> JointReading:
        """Read arm and wheels in one transaction; see ``Robot``."""
        reading = super().read_state()
        self._wheels.take_in()
        return reading

    def enable_torque(self) -> None:
        """Hold the present position, wheels standing; see ``Robot``."""
        super().enable_torque()
        self._wheels.hold()

    def disconnect(self) -> None:
        """Stand still, then as every follower; see ``Robot``."""
        self._stand()
        super().disconnect()

    def hang_up(self) -> None:
        """Close all as it is, but standing: nobody could stop it any more."""
        self._stand()
        super().hang_up()

    def get_observation(self) -> dict[str, Any]:
        """Return positions and velocities in dataset units, and the own cameras' pictures."""
        seen = super().get_observation()
        pictures = {name: seen[name] for name in self.config.cameras if name in seen}
        return {**self.dataset_values(), **pictures}

    def dataset_values(self) -> dict[str, float]:
        """Return positions and velocities read last, in dataset units; no bus traffic."""
        positions = self.arm.dataset_values().items()
        arm = {position_key(name): value for name, value in positions}
        return {**arm, **self._wheels.dataset_values()}

    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals and velocities in dataset units and return what was sent; see ``Robot``.

        Of velocities all are meant: one that is not named is none.
        """
        axes = {axis.feature: axis for axis in self._wheels.axes}
        self.check_action(action)
        velocity = {key: value for key, value in action.items() if key in axes}
        sent = super().send_action({k: v for k, v in action.items() if k not in axes})
        if not velocity:
            return sent
        asked = [axis.unit.from_dataset(velocity.get(key, 0.0)) for key, axis in axes.items()]
        driven = self._wheels.drive(np.array(asked))
        pairs = zip(axes.items(), driven, strict=True)
        return {**sent, **{key: axis.unit.to_dataset(float(v)) for (key, axis), v in pairs}}

    def _stand(self) -> None:
        with suppress(DeviceError):
            self._wheels.stop()

    def _registers(self) -> Mapping[str, Mapping[str, int]]:
        gains = {
            'P_Coefficient': self.config.position_p_coefficient,
            'I_Coefficient': self.config.position_i_coefficient,
            'D_Coefficient': self.config.position_d_coefficient,
        }
        return {name: gains for name in self.plan.names}
