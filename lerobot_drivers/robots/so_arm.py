"""One SO-100 or SO-101 arm behind a port, follower or leader.

Six STS3215 servos, joints in the order of their ids. Facts from LeRobot
(``robots/so_follower``, ``teleoperators/so_leader``) and the SO-101 URDF.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import Clock, SystemClock
from lerobot_drivers.common.errors import CalibrationError, ConfigError, DeviceError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.motors.calibration import (
    MotorCalibration,
    MotorScale,
    calibration_path,
    find_calibration,
    half_range,
    load_calibration,
    parse_calibration,
)
from lerobot_drivers.motors.feetech import MULTI_TURN_BIT, POSITION_MODE, FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import BusSettings, BusState, Motor
from lerobot_drivers.motors.port import Port, SerialPort
from lerobot_drivers.robots.robot import JointReading

if TYPE_CHECKING:
    from lerobot_drivers.sim.client import SimClient

logger = logging.getLogger(__name__)

MODEL = 'sts3215'
GRIPPER = 'gripper'
JOINT_NAMES = (
    'shoulder_pan',
    'shoulder_lift',
    'elbow_flex',
    'wrist_flex',
    'wrist_roll',
    GRIPPER,
)
GRIPPER_UNIT = JointUnit(NormMode.RANGE_0_100, lower=-0.174533, upper=1.74533)
"""Closed and open as in the URDF [rad]."""
HAND_OVER_VELOCITY = 1.5
"""A gentle third of what an STS3215 can do at 7.4 V [rad/s]."""

Vector = NDArray[np.float64]
PortFactory = Callable[[str], Port]


@dataclass(frozen=True, kw_only=True)
class ArmSettings:
    """What an arm must know of its configuration.

    Attributes:
        kind: LeRobot's folder of its calibrations, first part.
        name: LeRobot's folder of its calibrations, second part.
        type: its type name, such as ``so101_follower``.
        id: which of several equal arms.
        port: serial device or ``sim://<world>/<device>``.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
        use_degrees: body joints in degrees in the dataset, else in -100..100.
        velocity: fastest hand-over, by joint [rad/s].
        num_retry: how often a failed exchange with the motors is repeated.
    """

    kind: Literal['robots', 'teleoperators']
    name: str
    type: str
    id: str | None
    port: str | None
    calibration_dir: Path | None
    use_degrees: bool
    velocity: float | Mapping[str, float] | None = None
    num_retry: int = 2


class SOArm:
    """The arm: its bus, its calibration, its joints in ROS units.

    Attributes:
        settings: what it was made from.
        bus: the motors; None before the first connect.
        last_state: as read last, for diagnostics.
    """

    def __init__(
        self,
        settings: ArmSettings,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.bus: FeetechMotorsBus | None = None
        self.last_state: BusState | None = None
        self._port_factory = port_factory
        self._sim: SimClient | None = None
        self._calibration: dict[str, MotorCalibration] = {}
        self._calibration_source = ''
        self._velocity_units = np.ones(len(JOINT_NAMES))
        self._scales: tuple[MotorScale, ...] = ()
        self._per_tick = np.ones(len(JOINT_NAMES))
        if not settings.port:
            raise ConfigError(
                f'{settings.type} needs a port, such as /dev/ttyACM0 or sim://bench/follower'
            )
        if not self._is_simulated or settings.calibration_dir:
            self._load_calibration_file()

    @property
    def calibration(self) -> dict[str, MotorCalibration]:
        """The calibration in use by joint; empty before one is known."""
        return dict(self._calibration)

    @property
    def is_connected(self) -> bool:
        """Whether the port is open and has not failed."""
        return self.bus is not None and self.bus.is_connected

    @property
    def is_calibrated(self) -> bool:
        """Whether a calibration is known and, when connected, the motors hold it."""
        if self.bus is None or not self.is_connected:
            return bool(self._calibration)
        return not self._differences(self.bus.read_calibration())

    @property
    def scales(self) -> tuple[MotorScale, ...]:
        """The map of each joint between ticks and its other values.

        Raises:
            CalibrationError: no calibration is known yet.
        """
        if not self._scales:
            raise self._no_calibration()
        return self._scales

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints in dataset order; before a calibration is known, with a turn's limits.

        Raises:
            CalibrationError: -100..100 was asked for and no calibration is known yet.
        """
        return tuple(self._joint(name) for name in JOINT_NAMES)

    def connected_bus(self) -> FeetechMotorsBus:
        """Return the bus of a connected arm.

        Raises:
            DeviceError: the arm is not connected.
        """
        if self.bus is None or not self.bus.is_connected:
            raise DeviceError(f'{self.settings.port}: not connected; call connect() first')
        return self.bus

    def connect(self, calibrate: bool, registers: Mapping[str, Mapping[str, int]]) -> None:
        """Open the port, check motors and calibration, configure; torque is not switched on.

        Args:
            calibrate: write the known calibration to motors that hold another one.
            registers: persistent registers to bring to these values, by joint.

        Raises:
            NotConnectedError: the port or some motors are not there.
            CalibrationError: no calibration is known, or the motors hold another one.
        """
        if self.is_connected:
            raise DeviceError(f'{self.settings.port}: connected already')
        self.close()
        try:
            self.bus = self._open_bus()
            self._check_calibration(self.bus, calibrate)
            self._configure(self.bus, registers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the port, and leave the simulated world; torque stays as it is."""
        if self.bus is not None:
            self.bus.disconnect()
        if self._sim is not None:
            self._sim.close()
            self._sim = None

    def read_state(self) -> JointReading:
        """Read all joints in one transaction."""
        state = self.connected_bus().read_state()
        self.last_state = state
        ticks = state.registers['Present_Position']
        velocity = state.registers['Present_Velocity'] * self._velocity_units * self._per_tick
        effort = state.registers['Present_Load'] / 1000.0 * np.sign(self._per_tick)
        return JointReading(state.stamp_ns, self._topic(ticks.tolist()), velocity, effort)

    def dataset_values(self) -> dict[str, float]:
        """Return the positions read last in dataset units, by joint, as LeRobot computes them."""
        assert self.last_state is not None
        ticks = self.last_state.registers['Present_Position'].tolist()
        return {
            name: scale.ticks_to_dataset(tick)
            for name, scale, tick in zip(JOINT_NAMES, self.scales, ticks, strict=True)
        }

    def read_position(self) -> Vector:
        """Read the positions only [rad]."""
        ticks = self.connected_bus().sync_read('Present_Position')
        return self._topic([ticks[name] for name in JOINT_NAMES])

    def write_goal(self, position: Vector) -> None:
        """Send goals [rad]; NaN leaves that joint as it is."""
        goals = {
            name: _clamp(scale, scale.topic_to_ticks(float(value)))
            for name, scale, value in zip(JOINT_NAMES, self.scales, position, strict=True)
            if not math.isnan(value)
        }
        self.connected_bus().sync_write('Goal_Position', goals)

    @property
    def _is_simulated(self) -> bool:
        from lerobot_drivers.sim.address import is_sim_address

        return is_sim_address(self.settings.port)

    def _joint(self, name: str) -> JointSpec:
        velocity = self.settings.velocity
        limit = velocity.get(name, math.inf) if isinstance(velocity, Mapping) else velocity
        lower, upper = -math.pi, math.pi
        unit = self._unit(name)
        if name in self._calibration:
            lower, upper = MotorScale(self._calibration[name], unit).topic_limits()
        elif name == GRIPPER:
            lower, upper = unit.lower, unit.upper
        return JointSpec(name, lower, upper, min(HAND_OVER_VELOCITY, limit or math.inf), unit)

    def _unit(self, name: str) -> JointUnit:
        if name == GRIPPER:
            return GRIPPER_UNIT
        if self.settings.use_degrees:
            return JointUnit(NormMode.DEGREES)
        if name not in self._calibration:
            raise self._no_calibration()
        reach = half_range(self._calibration[name])
        return JointUnit(NormMode.RANGE_M100_100, lower=-reach, upper=reach)

    def _topic(self, ticks: list[int]) -> Vector:
        values = [
            scale.ticks_to_topic(tick) for scale, tick in zip(self.scales, ticks, strict=True)
        ]
        return np.array(values, dtype=np.float64)

    def _load_calibration_file(self) -> None:
        settings = self.settings
        path = find_calibration(
            settings.kind, settings.name, settings.id, settings.calibration_dir
        )
        if path is not None:
            self._use_calibration(load_calibration(path), str(path))

    def _use_calibration(self, calibration: dict[str, MotorCalibration], where: str) -> None:
        ids = {name: entry.id for name, entry in calibration.items()}
        expected = {name: motor.id for name, motor in _motors().items()}
        if ids != expected:
            raise CalibrationError(
                f'calibration {where} is not of an SO arm: it holds {ids}, expected {expected}'
            )
        self._calibration = calibration
        self._calibration_source = where
        self._scales = tuple(
            MotorScale(calibration[name], self._unit(name)) for name in JOINT_NAMES
        )
        self._per_tick = np.array([scale.topic_per_tick for scale in self._scales])

    def _open_bus(self) -> FeetechMotorsBus:
        port = self._port_factory(self._device_path())
        bus = FeetechMotorsBus(
            port, _motors(), self.clock, BusSettings(num_retry=self.settings.num_retry)
        )
        if self.bus is not None:
            bus.statistics = self.bus.statistics
        bus.connect()
        return bus

    def _device_path(self) -> str:
        assert self.settings.port
        if not self._is_simulated:
            return self.settings.port
        from lerobot_drivers.sim.client import SimAddress, SimClient

        address = SimAddress.parse(self.settings.port)
        self._sim = SimClient(address.world)
        attached = self._sim.attach_arm(address.device, self.settings.type)
        if not self._calibration:
            known = parse_calibration(attached.calibration, self.settings.port)
            self._use_calibration(known, self.settings.port)
        return attached.port

    def _check_calibration(self, bus: FeetechMotorsBus, calibrate: bool) -> None:
        if not self._calibration:
            raise self._no_calibration()
        differences = self._differences(bus.read_calibration())
        if not differences:
            return
        if not calibrate:
            raise self._other_calibration(differences)
        bus.write_calibration(self._calibration)

    def _differences(self, held: Mapping[str, MotorCalibration]) -> list[str]:
        fields = ('homing_offset', 'range_min', 'range_max')
        return [
            f'{name} {field} is {getattr(held[name], field)}, not {getattr(wanted, field)}'
            for name, wanted in self._calibration.items()
            for field in fields
            if getattr(held[name], field) != getattr(wanted, field)
        ]

    def _configure(
        self, bus: FeetechMotorsBus, registers: Mapping[str, Mapping[str, int]]
    ) -> None:
        versions = bus.firmware()
        if len(set(versions.values())) > 1:
            logger.warning('%s: motors with different firmware: %s', self.settings.port, versions)
        common = {
            'Return_Delay_Time': 0,
            'Maximum_Acceleration': 254,
            'Operating_Mode': POSITION_MODE,
        }
        bus.configure(
            {
                name: {
                    **common,
                    'Phase': bus.read('Phase', name) & ~MULTI_TURN_BIT,
                    **registers.get(name, {}),
                }
                for name in JOINT_NAMES
            }
        )
        for name in JOINT_NAMES:
            bus.write('Acceleration', name, 254)
        units = bus.velocity_units()
        self._velocity_units = np.array([units[name] for name in JOINT_NAMES])

    def _other_calibration(self, differences: list[str]) -> CalibrationError:
        port, source = self.settings.port, self._calibration_source
        known, cure = f'the file {source}', 'write the file to the motors'
        if source == port:
            known, cure = 'this simulated arm was made with', 'write that one to the motors'
        return CalibrationError(
            f'{port}: the motors hold another calibration than {known}: '
            f'{"; ".join(differences)}; is this the right arm, and its file? If so, '
            f'connect with calibrate=True to {cure}'
        )

    def _no_calibration(self) -> CalibrationError:
        settings = self.settings
        path = calibration_path(
            settings.kind, settings.name, settings.id, settings.calibration_dir
        )
        if self._is_simulated:
            return CalibrationError(
                f'{settings.port}: its calibration is known once connected; '
                'before that, give a calibration_dir'
            )
        flag = 'robot' if settings.kind == 'robots' else 'teleop'
        return CalibrationError(
            f'{settings.type} {settings.id} has no calibration at {path}; make one with: '
            f'lerobot-calibrate --{flag}.type={settings.type} --{flag}.port={settings.port} '
            f'--{flag}.id={settings.id}'
        )


def _motors() -> dict[str, Motor]:
    return {name: Motor(number, MODEL) for number, name in enumerate(JOINT_NAMES, start=1)}


def _clamp(scale: MotorScale, ticks: int) -> int:
    low = max(scale.calibration.range_min, 0)
    high = min(scale.calibration.range_max, scale.resolution - 1)
    return min(max(ticks, low), high)
