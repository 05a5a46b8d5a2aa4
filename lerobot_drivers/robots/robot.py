"""What every robot can do, in LeRobot's verbs, and how it reads in ROS units."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.mobile_base import MobileBase

FeatureType = type | tuple[int, int, int]


@dataclass(frozen=True)
class JointReading:
    """All joints at one moment, in the order of ``joints``.

    Attributes:
        stamp_ns: the middle of the bus transaction, by the injected clock [ns].
        position: [rad or m], shape (joints,).
        velocity: [rad/s or m/s], shape (joints,).
        effort: signed fraction of the largest load, -1..1, shape (joints,).
    """

    stamp_ns: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]


def home_pose(
    joints: Sequence[JointSpec],
    told: Mapping[str, float] | None,
    usual: Mapping[str, float] | None = None,
) -> NDArray[np.float64]:
    """Return a home pose [rad or m]; NaN where a joint has none.

    Args:
        joints: of the robot.
        told: by whom it belongs to, by joint [dataset units].
        usual: for this model of arm, by joint [rad or m]; used where nothing is told at all.

    Raises:
        ConfigError: a joint is told that it has not.
    """
    names = [joint.name for joint in joints]
    unknown = sorted(set(told or {}) - set(names))
    if unknown:
        raise ConfigError(
            f'robot.home names {", ".join(unknown)}; the joints are {", ".join(names)}'
        )
    if told is None:
        return np.array([(usual or {}).get(name, np.nan) for name in names])
    return np.array(
        [
            joint.unit.from_dataset(told[joint.name]) if joint.name in told else np.nan
            for joint in joints
        ]
    )


class Robot(ABC):
    """A robot that can be read and commanded.

    ``joints`` and the features are usable without a connection. Cameras are the
    robot's own only where it was made with them (``make_robot_from_config``); in a
    ROS graph each camera has a node of its own.

    Attributes:
        name: the dataset's ``robot_type``.
        config: the settings it was made from.
        limp: whether ``connect`` leaves the joints limp: an arm that was let go does not hold
            again only because its cable was plugged in.
        default_rate_hz: rate of its joint states where none is configured [1/s].
    """

    name: ClassVar[str]
    default_rate_hz: ClassVar[float] = 100.0
    config: RobotConfig
    limp: bool = False

    @property
    @abstractmethod
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints in dataset order, with limits and units.

        Raises:
            CalibrationError: the units need a calibration that is not there yet.
        """

    @property
    def base(self) -> MobileBase | None:
        """The mobile base that it stands on, None where it stands still."""
        return None

    @property
    def elements(self) -> tuple[JointSpec, ...]:
        """What state and action of a dataset are made of: the joints, then the base's axes."""
        return (*self.joints, *(self.base.axes if self.base is not None else ()))

    @property
    def arm_configs(self) -> tuple[RobotConfig, ...]:
        """The settings of each arm that has a calibration; its own where it has one arm."""
        return (self.config,)

    @property
    def hardware_id(self) -> str:
        """What tells it from other devices in diagnostics: its port, or ports."""
        configs = self.arm_configs
        return ', '.join(each.port or each.ip_address or each.type for each in configs)

    @property
    def home(self) -> NDArray[np.float64]:
        """The pose that it is sent to, by ``joints`` [rad or m]; NaN where it has none.

        Raises:
            ConfigError: ``robot.home`` names a joint that it has not.
        """
        return home_pose(self.joints, self.config.home)

    @property
    def rate_hz(self) -> float:
        """Rate of its joint states [1/s]."""
        return self.config.rate_hz or self.default_rate_hz

    @property
    def observation_features(self) -> dict[str, FeatureType]:
        """LeRobot's observation keys: one float per element, (h, w, 3) per camera."""
        cameras = self.config.cameras
        return {
            **self.action_features,
            **{name: (camera.height, camera.width, 3) for name, camera in cameras.items()},
        }

    @property
    def action_features(self) -> dict[str, FeatureType]:
        """LeRobot's action keys, one float per joint and per axis of a mobile base."""
        return {element.feature: float for element in self.elements}

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether the device is open and has not failed."""

    @property
    @abstractmethod
    def is_calibrated(self) -> bool:
        """Whether a calibration is known and, when connected, the motors hold it."""

    @abstractmethod
    def connect(self, calibrate: bool = False) -> None:
        """Open the device, configure it and enable torque with goal = present position.

        With ``limp`` torque is switched off instead.

        Args:
            calibrate: write the calibration file to motors that hold another one.

        Raises:
            NotConnectedError: the port or some motors are not there; all are named.
            CalibrationError: no calibration, or the motors hold another one.
        """

    @abstractmethod
    def read_state(self) -> JointReading:
        """Read all joints.

        Raises:
            BusError: no valid reply after several tries.
            DeviceError: the device was unplugged.
        """

    @abstractmethod
    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send goals after all limits.

        Args:
            position: by ``joints`` [rad or m]; NaN leaves that joint as it is. A
                command with an infinite value is refused as a whole.

        Returns:
            What was sent [rad or m]; NaN where nothing was.
        """

    @abstractmethod
    def enable_torque(self) -> None:
        """Hold the present position."""

    @abstractmethod
    def disable_torque(self) -> None:
        """Let the joints go limp.

        Raises:
            ModeError: whether they hold is not this process' business.
        """

    @abstractmethod
    def disconnect(self) -> None:
        """Close the device; harmless when it is closed or gone already."""

    @abstractmethod
    def hang_up(self) -> None:
        """Close the device as it is, torque and all: an arm that holds goes on holding."""

    @abstractmethod
    def get_observation(self) -> dict[str, Any]:
        """Return LeRobot's observation: dataset units by ``<joint>.pos``, pictures by name."""

    def check_action(self, action: Mapping[str, float]) -> None:
        """Check an action in dataset units.

        Raises:
            DeviceError: a key is nothing of this robot's, or a value is not finite.
        """
        known = self.action_features
        wrong = [f'{key}={value}' for key, value in action.items() if not math.isfinite(value)]
        unknown = sorted(set(action) - set(known))
        if wrong or unknown:
            found = ', '.join(unknown or wrong)
            raise DeviceError(
                f'{self.config.type} refuses the action: {found}; '
                f'expected finite numbers for {", ".join(known)}'
            )

    @abstractmethod
    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals in dataset units by ``<joint>.pos``.

        Returns:
            What was really sent, in the same units and keys.

        Raises:
            DeviceError: a key is no joint of this robot, or a value is not finite.
        """

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with it, from the last reading; no bus traffic."""
        return ()

    @abstractmethod
    def health(self) -> dict[str, str | float]:
        """Return key-values for diagnostics, from the last reading; no bus traffic."""
