"""Reachy 2 of Pollen Robotics: two arms, a head and wheels, through its SDK over gRPC.

The SDK runs in a process of its own, with an interpreter of its own if need be
(``robot.sdk_python``), for what it pins is not what we need; see ``lerobot_drivers.reachy2``.
"""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.errors import ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.reachy2.joints import PARTS, POSTURE, joints_of
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.reachy2_base import ReachyBase
from lerobot_drivers.robots.reachy2_link import ReachyLink, sdk_python
from lerobot_drivers.robots.robot import JointReading, Robot, home_pose
from lerobot_drivers.safety import GoalLimiter, per_joint
from lerobot_drivers.sim.address import is_sim_address

if TYPE_CHECKING:
    from lerobot_drivers.cameras.camera import Camera
    from lerobot_drivers.sim.reachy2_client import SimReachy

logger = logging.getLogger(__name__)

HOST = 'localhost'
"""LeRobot's default."""
HAND_OVER_VELOCITY = 1.0
"""Fastest a hand-over may move a joint [rad/s]; the SDK's own postures take 2 s."""
SDK_PORT = 50051
KNOCK_S = 1.0
CONNECT_S = 10.0
TORQUE_S = 20.0


class Reachy2(Robot):
    """The parts that its settings name; see ``Robot``.

    Args:
        config: its settings.
        with_cameras: open its cameras too.
        clock: of its stamps.
    """

    name: ClassVar[str] = 'reachy2'

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self._joints = joints_of([part for part in PARTS if getattr(config, f'with_{part}')])
        if not self._joints and not config.with_mobile_base:
            raise ConfigError(
                'a reachy2 without any part: set one of robot.with_neck, with_l_arm, with_r_arm, '
                'with_antennas, with_mobile_base'
            )
        for key in ('max_relative_target', 'max_velocity'):
            per_joint(getattr(config, key), [joint.name for joint in self._joints], key)
        self._address = _address(config)
        self._python = sdk_python(config.sdk_python)
        self._link = ReachyLink(self._python, f'Reachy at {self._address}')
        self._base = ReachyBase(self._link, config) if config.with_mobile_base else None
        self._cameras = self._make_cameras() if with_cameras else {}
        self._sim: SimReachy | None = None
        self._limiter = GoalLimiter(self.joints, config.max_relative_target, config.max_velocity)
        self._last: JointReading | None = None
        self._health: dict[str, str | float] = {}
        self._refused = 0

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints in dataset order, degrees in the dataset; see ``Robot``."""
        names = [joint.name for joint in self._joints]
        told = per_joint(self.config.max_velocity, names, 'max_velocity')
        velocity = np.full(len(names), HAND_OVER_VELOCITY) if told is None else told
        return tuple(
            JointSpec(
                joint.name, joint.lower, joint.upper, float(fast), JointUnit(NormMode.DEGREES)
            )
            for joint, fast in zip(self._joints, velocity, strict=True)
        )

    @property
    def base(self) -> ReachyBase | None:
        """Its wheels; see ``Robot``."""
        return self._base

    @property
    def home(self) -> NDArray[np.float64]:
        """Its arms hanging down, as the SDK has it; see ``Robot``."""
        return home_pose(self.joints, self.config.home, POSTURE)

    @property
    def is_connected(self) -> bool:
        """Whether the robot and its own cameras are there, and have not failed."""
        cameras = all(camera.is_connected for camera in self._cameras.values())
        return self._link.is_open and cameras

    @property
    def is_calibrated(self) -> bool:
        """It needs no calibration."""
        return True

    def connect(self, calibrate: bool = False) -> None:
        """Reach the robot and own cameras, and make it hold where it is; see ``Robot``."""
        self._close()
        try:
            self._connect_devices()
            (self.disable_torque if self.limp else self.enable_torque)()
        except BaseException:
            self._close()
            raise

    def read_state(self) -> JointReading:
        """Return the robot's latest state, stamped with when it came; see ``Robot``."""
        reply = self._link.ask('state')
        if self._base is not None:
            self._base.take_in(reply)
        stamp_ns, position = reply['stamp_ns'], np.array(reply['position'])
        if self._last is not None and stamp_ns == self._last.stamp_ns:
            return self._last
        velocity = np.array(reply['velocity'])
        unknown = np.isnan(velocity)
        velocity[unknown] = self._moved(stamp_ns, position)[unknown]
        self._last = JointReading(stamp_ns, position, velocity, np.array(reply['load']))
        return self._last

    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send goals after all limits, unless others command it; see ``Robot``."""
        goal = np.asarray(position, dtype=np.float64)
        if goal.shape != (len(self._joints),):
            raise DeviceError(
                f'reachy2 takes {len(self._joints)} positions, found shape {goal.shape}'
            )
        if not self._link.is_open:
            raise DeviceError(f'Reachy at {self._address} is not connected')
        if self.config.use_external_commands:
            return np.full_like(goal, np.nan)
        if np.isinf(goal).any():
            self._refuse(goal)
        present = self.read_state().position if self._limiter.needs_present else None
        sent = self._limiter.limit(goal, present, self.clock.monotonic_ns())
        if not np.isnan(sent).all():
            goals = [None if math.isnan(angle) else angle for angle in sent.tolist()]
            self._link.ask('set_goals', goals=goals)
        return sent

    def enable_torque(self) -> None:
        """Hold the present position; goals are seeded from it before torque goes on."""
        self._link.ask('turn_on', TORQUE_S, stop=not self.config.use_external_commands)
        self._limiter.reset(self.read_state().position, self.clock.monotonic_ns())

    def disable_torque(self) -> None:
        """Let all go limp, at once."""
        self._link.ask('turn_off', TORQUE_S, smoothly=False)

    def disconnect(self) -> None:
        """Stand still, sink into its posture and go limp if so configured, and close all."""
        for last in self._last_words():
            try:
                last()
            except DeviceError as error:
                logger.warning('it may go on as it was: %s', error)
        self._close()

    def hang_up(self) -> None:
        """Close all, torque as it is; the base stands by itself; see ``Robot``."""
        self._close()

    def get_observation(self) -> dict[str, Any]:
        """Return values in dataset units by LeRobot's keys, and own cameras' next pictures."""
        values = self.read_state().position
        if self._base is not None and self._base.reading is not None:
            values = np.concatenate([values, self._base.reading.velocity])
        seen: dict[str, Any] = {
            element.feature: element.unit.to_dataset(float(value))
            for element, value in zip(self.elements, values, strict=True)
        }
        pictures = {name: camera.read().image for name, camera in self._cameras.items()}
        return {**seen, **pictures}

    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals and velocities in dataset units and return what was sent; see ``Robot``.

        Of velocities all are meant: one that is not named is none.
        """
        self.check_action(action)
        asked = np.array(
            [
                element.unit.from_dataset(action[element.feature])
                if element.feature in action
                else math.nan
                for element in self.elements
            ]
        )
        joints = len(self._joints)
        sent = self.write_goal(asked[:joints])
        speed = asked[joints:]
        if self._base is not None and not np.isnan(speed).all():
            speed = self._base.drive(np.nan_to_num(speed))
        return {
            element.feature: element.unit.to_dataset(float(value))
            for element, value in zip(self.elements, [*sent, *speed], strict=True)
            if not math.isnan(value)
        }

    def health(self) -> dict[str, str | float]:
        """Return the battery, the mode, and what the robot says is wrong with its actuators."""
        if self._link.is_open:
            try:
                self._health = dict(self._link.ask('health'))
            except DeviceError as error:
                self._health['health'] = str(error)
        return {**self._health, 'refused_commands': float(self._refused)}

    def _last_words(self) -> list[Callable[[], object]]:
        if not self._link.is_open:
            return []
        said: list[Callable[[], object]] = [self._base.stop] if self._base is not None else []
        if self.config.disable_torque_on_disconnect:
            said.append(lambda: self._link.ask('turn_off', TORQUE_S, smoothly=True))
        return said

    def _connect_devices(self) -> None:
        """Connect robot and cameras, so that all that is missing is named at once."""
        failures: dict[str, BaseException | str] = {}
        try:
            self._connect_robot()
        except DeviceError as error:
            failures['robot'] = error
        for name, camera in self._cameras.items():
            try:
                camera.connect()
            except DeviceError as error:
                failures[f'camera {name}'] = error
        if failures:
            raise NotConnectedError(failures)

    def _connect_robot(self) -> None:
        host = self._address
        if not is_sim_address(host):
            _knock(host)
        self._link.open()
        if is_sim_address(host):
            from lerobot_drivers.sim.reachy2_client import SimReachy

            self._sim = SimReachy(host, self._python)
            host = self._sim.host
        self._link.ask(
            'connect',
            CONNECT_S,
            host=host,
            paths=[joint.path for joint in self._joints],
            with_base=self._base is not None,
        )

    def _make_cameras(self) -> dict[str, Camera]:
        from lerobot_drivers.cameras import make_camera

        return {
            name: make_camera(name, camera, self.clock)
            for name, camera in self.config.cameras.items()
        }

    def _close(self) -> None:
        self._link.close()
        self._last = None
        if self._sim is not None:
            self._sim.close()
            self._sim = None
        for camera in self._cameras.values():
            camera.disconnect()

    def _moved(self, stamp_ns: int, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how fast it went since the state before [rad/s]."""
        if self._last is None:
            return np.zeros_like(position)
        seconds = (stamp_ns - self._last.stamp_ns) / NS_PER_S
        return np.asarray((position - self._last.position) / seconds)

    def _refuse(self, goal: NDArray[np.float64]) -> None:
        self._refused += 1
        if self._refused == 1:
            logger.warning('refused a command with an infinite position: %s', goal)


def _knock(host: str) -> None:
    """Make sure that somebody listens: whoever waits for a robot need not load the SDK each time.

    Raises:
        DeviceError: nobody does.
    """
    try:
        socket.create_connection((host, SDK_PORT), KNOCK_S).close()
    except OSError as error:
        raise DeviceError(
            f'no Reachy answers at {host}, port {SDK_PORT} ({error.strerror or error}); '
            'is it on, and in this network?'
        ) from error


def _address(config: RobotConfig) -> str:
    """Return where the robot is: its host, or ``sim://WORLD/DEVICE``.

    Raises:
        ConfigError: ``port`` is neither that nor a number.
    """
    host, port = config.ip_address or HOST, config.port or ''
    if port and not port.isdigit() and not is_sim_address(port):
        raise ConfigError(
            f'a reachy2 is reached at --robot.ip_address=HOST, or simulated at '
            f'--robot.port=sim://bench/reachy; found robot.port={port}'
        )
    return port if is_sim_address(port) else host
