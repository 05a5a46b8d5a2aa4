"""Two followers of a kind as one robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.pair import Pair, of_side, prefixed, side_settings
from lerobot_drivers.robots.robot import JointReading, Robot
from lerobot_drivers.robots.serial_arm import PortFactory
from lerobot_drivers.robots.serial_follower import SerialFollower


class BiFollower(Robot):
    """Two followers; their cameras are those of the whole, and the left one opens them.

    Attributes:
        arm: class of each.
        arm_type: type name of each.

    Args:
        config: its settings.
        with_cameras: open its cameras too.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    arm: ClassVar[type[SerialFollower]]
    arm_type: ClassVar[str]

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.config = config

        def follower(side: str) -> SerialFollower:
            return self.arm(
                self.side_config(config, side),
                with_cameras=with_cameras and side == 'left',
                clock=clock,
                port_factory=port_factory,
            )

        self.pair = Pair(follower('left'), follower('right'))
        self._held = False

    @classmethod
    def side_config(cls, config: RobotConfig, side: str) -> RobotConfig:
        """Return the settings of one arm: those of the whole, and over them its own.

        Raises:
            ConfigError: its port is not told, or told twice.
        """
        limits = {
            key: of_side(value, side)
            for key in ('max_relative_target', 'max_velocity')
            if isinstance(value := getattr(config, key), Mapping)
        }
        settings: dict[str, Any] = {
            **limits,
            **side_settings(config, 'robot', side),
            'home': None,
            'type': cls.arm_type,
            'cameras': config.cameras if side == 'left' else {},
        }
        return replace(config, **settings)

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints of the left arm, then of the right one; see ``Robot``."""
        return self.pair.joints

    @property
    def arm_configs(self) -> tuple[RobotConfig, ...]:
        """The settings of the left arm and of the right one."""
        left, right = self.pair.arms
        return left.config, right.config

    @property
    def home(self) -> NDArray[np.float64]:
        """Where both arms go when sent home; see ``Robot``."""
        if self.config.home is not None:
            return super().home
        return np.concatenate([arm.home for arm in self.pair.arms])

    @property
    def is_connected(self) -> bool:
        """Whether both arms are open and have not failed."""
        return self.pair.is_connected

    @property
    def is_calibrated(self) -> bool:
        """Whether both arms' calibrations are known, and held by their motors."""
        return self.pair.is_calibrated

    def connect(self, calibrate: bool = False) -> None:
        """Connect both arms; if one fails neither stays open.

        The other one goes on holding if it did before, as when the cable of one is loose; at first
        it is let go as configured.
        """
        for arm in self.pair.arms:
            arm.limp = self.limp
        self.pair.connect(calibrate, self.hang_up if self._held else self.disconnect)
        self._held = True

    def read_state(self) -> JointReading:
        """Read both arms at once; see ``Robot``."""
        return self.pair.read_state()

    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send goals to both arms at once; see ``Robot``."""
        goal = np.asarray(position, dtype=np.float64)
        left, right = self.pair.arms
        split = len(left.plan.joints)
        if goal.shape != (split + len(right.plan.joints),):
            raise DeviceError(
                f'{self.config.type} takes {2 * split} positions, found shape {goal.shape}'
            )
        if np.isinf(goal).any():
            goal = np.where(np.isnan(goal), np.nan, np.inf)  # refused by both
        sent = self.pair.each(
            lambda arm: arm.write_goal(goal[:split]), lambda arm: arm.write_goal(goal[split:])
        )
        return np.concatenate(sent)

    def enable_torque(self) -> None:
        """Hold the present position; see ``Robot``."""
        self.pair.both(lambda arm: arm.enable_torque())

    def disable_torque(self) -> None:
        """Let the joints of both arms go limp."""
        self.pair.both(lambda arm: arm.disable_torque())

    def disconnect(self) -> None:
        """Close both arms; see ``Robot``."""
        self._held = False
        self.pair.close(lambda arm: arm.disconnect())

    def hang_up(self) -> None:
        """Close both, torque as it is; see ``Robot``."""
        self.pair.close(lambda arm: arm.hang_up())

    def get_observation(self) -> dict[str, Any]:
        """Return positions in dataset units by ``left_<joint>.pos``, and pictures by name."""
        left, right = self.pair.both(lambda arm: arm.get_observation())
        pictures = {name: left.pop(name) for name in self.config.cameras if name in left}
        return {**prefixed(left, right), **pictures}

    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals in dataset units and return what was sent; see ``Robot``."""
        unknown = sorted(set(action) - set(self.action_features))
        if unknown:
            raise DeviceError(
                f'{self.config.type} refuses the action: {", ".join(unknown)}; '
                f'expected finite numbers for {", ".join(self.action_features)}'
            )
        return prefixed(
            *self.pair.each(
                lambda arm: arm.send_action(of_side(action, 'left')),
                lambda arm: arm.send_action(of_side(action, 'right')),
            )
        )

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with either arm."""
        return self.pair.alarms()

    def health(self) -> dict[str, str | float]:
        """Return what both arms tell, each key with its side in front."""
        return self.pair.health()
