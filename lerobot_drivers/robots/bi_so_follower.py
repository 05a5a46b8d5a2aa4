"""Two SO-100 or SO-101 followers as one robot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.pair import (
    Pair,
    joint_reading,
    joints_of,
    of_side,
    prefixed,
    side_id,
    side_port,
)
from lerobot_drivers.robots.robot import JointReading, Robot
from lerobot_drivers.robots.serial_arm import PortFactory
from lerobot_drivers.robots.so_follower import SOFollower


class BiSOFollower(Robot):
    """Two followers; their cameras are those of the whole, and the left one opens them.

    Args:
        config: its settings.
        with_cameras: open its cameras too.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    name: ClassVar[str] = 'bi_so_follower'

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.config = config

        def follower(side: str) -> SOFollower:
            return SOFollower(
                side_config(config, side),
                with_cameras=with_cameras and side == 'left',
                clock=clock,
                port_factory=port_factory,
            )

        self.pair = Pair(follower('left'), follower('right'))

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints of the left arm, then of the right one; see ``Robot``."""
        left, right = self.pair.arms
        return joints_of(left.joints, right.joints)

    @property
    def arm_configs(self) -> tuple[RobotConfig, ...]:
        """The settings of the left arm and of the right one."""
        left, right = self.pair.arms
        return left.config, right.config

    @property
    def is_connected(self) -> bool:
        """Whether both arms are open and have not failed."""
        return all(arm.is_connected for arm in self.pair.arms)

    @property
    def is_calibrated(self) -> bool:
        """Whether both arms' calibrations are known, and held by their motors."""
        return all(arm.is_calibrated for arm in self.pair.arms)

    def connect(self, calibrate: bool = False) -> None:
        """Connect both arms; if one fails neither stays open, and one that holds goes on so."""
        if not self.is_connected:
            self.hang_up()  # the arm that has not failed
        try:
            self.pair.both(lambda arm: arm.connect(calibrate))
        except BaseException:
            self.hang_up()
            raise

    def read_state(self) -> JointReading:
        """Read both arms at once; see ``Robot``."""
        return joint_reading(*self.pair.both(lambda arm: arm.read_state()))

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

    def health(self) -> dict[str, str | float]:
        """Return what both arms tell, each key with its side in front."""
        left, right = (arm.health() for arm in self.pair.arms)
        return prefixed(left, right)


def side_config(config: RobotConfig, side: str) -> RobotConfig:
    """Return the settings of one arm: those of the whole, and over them its own."""
    own = getattr(config, f'{side}_arm_config')
    told = {key: value for key, value in asdict(own).items() if value is not None} if own else {}
    limits = {
        key: of_side(value, side)
        for key in ('max_relative_target', 'max_velocity')
        if isinstance(value := getattr(config, key), Mapping)
    }
    settings: dict[str, Any] = {
        **limits,
        **told,
        'type': 'so101_follower',
        'id': side_id(config.id, side),
        'port': side_port(config, 'robot', side),
        'cameras': config.cameras if side == 'left' else {},
        'left_arm_port': None,
        'right_arm_port': None,
        'left_arm_config': None,
        'right_arm_config': None,
    }
    return replace(config, **settings)
