"""Followers on a serial bus: arms that obey; what is theirs alone is in their plan."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.errors import BusError, ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.arm_settings import ArmSettings
from lerobot_drivers.robots.config import RobotConfig, check_one_arm
from lerobot_drivers.robots.robot import JointReading, Robot, home_pose
from lerobot_drivers.robots.serial_arm import PortFactory, SerialArm
from lerobot_drivers.robots.torque_watch import TorqueWatch
from lerobot_drivers.safety import GoalLimiter, per_joint

if TYPE_CHECKING:
    from lerobot_drivers.cameras.camera import Camera

logger = logging.getLogger(__name__)

FRESH_NS = NS_PER_S // 20
"""A position measured so recently need not be read again to limit a step [ns]."""


class SerialFollower(Robot):
    """A follower; see ``Robot``.

    Attributes:
        plan: what its arm is made of.
        use_degrees: whether body joints are in degrees in the dataset unless configured.

    Args:
        config: its settings.
        with_cameras: open its cameras too.
        clock: of its stamps.
        port_factory: makes the serial port of a path.
    """

    plan: ClassVar[ArmPlan]
    use_degrees: ClassVar[bool]

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        check_one_arm(config)
        self.config = config
        self.clock = clock or SystemClock()
        for key in ('max_relative_target', 'max_velocity'):
            per_joint(getattr(config, key), self.plan.names, key)
        plan = self.plan_of(config)
        self.arm = SerialArm(self._settings(config), plan, self.clock, port_factory)
        self._cameras = self._make_cameras() if with_cameras else {}
        self._limiter: GoalLimiter | None = None
        self._present: JointReading | None = None
        self._present_ns = 0
        self._refused = 0
        self._watch = TorqueWatch([servo.name for servo in self.plan.arm_servos])

    @classmethod
    def plan_of(cls, config: RobotConfig) -> ArmPlan:
        """Return what an arm of these settings is made of.

        Raises:
            ConfigError: it has not what is told of it.
        """
        if config.side is not None:
            raise ConfigError(f'a {config.type} has no side; found side={config.side}')
        return cls.plan

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints in dataset order, with limits and units; see ``Robot``."""
        return self.arm.joints

    @property
    def home(self) -> NDArray[np.float64]:
        """Where it goes when sent home; see ``Robot``."""
        return home_pose(self.joints, self.config.home, self.plan.home)

    @property
    def is_connected(self) -> bool:
        """Whether arm and own cameras are open and have not failed."""
        return self.arm.is_connected and all(
            camera.is_connected for camera in self._cameras.values()
        )

    @property
    def is_calibrated(self) -> bool:
        """Whether a calibration is known and, when connected, the motors hold it."""
        return self.arm.is_calibrated

    def connect(self, calibrate: bool = False) -> None:
        """Open and check arm and own cameras, configure, then hold the pose; see ``Robot``."""
        try:
            self._connect_devices(calibrate)
            self._limiter = GoalLimiter(
                self.joints, self.config.max_relative_target, self.config.max_velocity
            )
            (self.disable_torque if self.limp else self.enable_torque)()
        except BaseException:
            self._close()
            raise

    def read_state(self) -> JointReading:
        """Read all joints; see ``Robot``."""
        self._present = self.arm.read_state()
        self._present_ns = self.clock.monotonic_ns()
        self._check_torque()
        return self._present

    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send goals after all limits; see ``Robot``."""
        goal = np.asarray(position, dtype=np.float64)
        joints = len(self.plan.joints)
        if goal.shape != (joints,):
            raise DeviceError(
                f'{self.config.type} takes {joints} positions, found shape {goal.shape}'
            )
        self.arm.connected_bus()
        assert self._limiter is not None
        if np.isinf(goal).any():
            self._refuse(goal)
        present = self._fresh_position() if self._limiter.needs_present else None
        sent = self._limiter.limit(goal, present, self.clock.monotonic_ns())
        self.arm.write_goal(sent)
        return sent

    def enable_torque(self) -> None:
        """Hold the present position; goals are seeded from it before torque goes on."""
        servos = [servo.name for servo in self.plan.arm_servos]
        self._watch.begin(self.clock.monotonic_ns())
        self.arm.connected_bus().enable_torque(servos)
        if self._limiter is not None:
            self._limiter.reset(self.arm.read_position(), self.clock.monotonic_ns())

    def disable_torque(self) -> None:
        """Let the joints go limp."""
        self._watch.end()
        self.arm.connected_bus().release()

    def disconnect(self) -> None:
        """Let the arm go limp if so configured, and close all; see ``Robot``."""
        if self.arm.is_connected and self.config.disable_torque_on_disconnect is not False:
            try:
                self.disable_torque()
            except DeviceError as error:
                logger.warning('torque may still be on: %s', error)
        self._close()

    def hang_up(self) -> None:
        """Close all, torque as it is; see ``Robot``."""
        self._close()

    def get_observation(self) -> dict[str, Any]:
        """Return positions in dataset units and the own cameras' next pictures."""
        self.read_state()
        values: dict[str, Any] = {
            position_key(name): value for name, value in self.arm.dataset_values().items()
        }
        for name, camera in self._cameras.items():
            values[name] = camera.read().image
        return values

    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals in dataset units and return what was sent; see ``Robot``."""
        keys = [position_key(joint.name) for joint in self.joints]
        self.check_action(action)
        goal = np.array(
            [
                joint.unit.from_dataset(action[key]) if key in action else math.nan
                for key, joint in zip(keys, self.joints, strict=True)
            ]
        )
        sent = self.write_goal(goal)
        return {
            key: joint.unit.to_dataset(float(value))
            for key, joint, value in zip(keys, self.joints, sent, strict=True)
            if not math.isnan(value)
        }

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with its motors, from the last reading."""
        return self.arm.alarms()

    def health(self) -> dict[str, str | float]:
        """Return voltage, temperature, load, current and errors by joint, and the bus figures."""
        values = self.arm.health()
        if self.arm.bus is not None:
            values['refused_commands'] = float(self._refused)
        return values

    def _make_cameras(self) -> dict[str, Camera]:
        from lerobot_drivers.cameras import make_camera

        return {
            name: make_camera(name, camera, self.clock)
            for name, camera in self.config.cameras.items()
        }

    def _connect_devices(self, calibrate: bool) -> None:
        """Connect arm and cameras, so that all that is missing is named at once."""
        failures: dict[str, BaseException | str] = {}
        try:
            self.arm.connect(calibrate, self._registers())
        except NotConnectedError as error:
            failures.update(error.failures)
        for name, camera in self._cameras.items():
            try:
                camera.connect()
            except DeviceError as error:
                failures[f'camera {name}'] = error
        if failures:
            raise NotConnectedError(failures)

    def _close(self) -> None:
        self.arm.close()
        for camera in self._cameras.values():
            camera.disconnect()

    def _check_torque(self) -> None:
        """Give the arm up if a motor is limp that is to hold: only a new connect puts it right."""
        bus, state = self.arm.connected_bus(), self.arm.last_state
        assert state is not None
        try:
            self._watch.check(bus, state, self._present_ns)
        except BusError:
            raise
        except DeviceError:
            self.arm.close()
            raise

    def _fresh_position(self) -> NDArray[np.float64]:
        age = self.clock.monotonic_ns() - self._present_ns
        if self._present is not None and age < FRESH_NS:
            return self._present.position
        return self.arm.read_position()

    def _refuse(self, goal: NDArray[np.float64]) -> None:
        self._refused += 1
        if self._refused == 1:
            logger.warning(
                '%s: refused a command with an infinite position: %s', self.config.port, goal
            )

    def _registers(self) -> Mapping[str, Mapping[str, int]]:
        """Return what motors' persistent registers are to hold by configuration, by joint."""
        return {}

    def _settings(self, config: RobotConfig) -> ArmSettings:
        return ArmSettings(
            kind='robots',
            name=self.name,
            type=config.type,
            id=config.id,
            port=config.port,
            calibration_dir=config.calibration_dir,
            use_degrees=self.use_degrees if config.use_degrees is None else config.use_degrees,
            velocity=config.max_velocity,
            num_retry=config.num_read_retries,
        )
