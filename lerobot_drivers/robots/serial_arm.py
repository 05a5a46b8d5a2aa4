"""One arm of smart servos behind a serial port, follower or leader; its plan tells which."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import Clock, SystemClock
from lerobot_drivers.common.errors import CalibrationError, ConfigError, DeviceError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.motors.arm_bus import UNHEARD_TRIES, ArmBus
from lerobot_drivers.motors.calibration import (
    MotorCalibration,
    half_range,
    load_calibration,
)
from lerobot_drivers.motors.models import motor_model
from lerobot_drivers.motors.motors_bus import BusSettings, BusState
from lerobot_drivers.motors.port import Port, SerialPort
from lerobot_drivers.motors.scales import JointScale
from lerobot_drivers.robots.arm_alarms import MotorWatch
from lerobot_drivers.robots.arm_calibration import (
    NOMINAL,
    as_made,
    check_ids,
    differences,
    homed_as_held,
    no_calibration,
    other_calibration,
)
from lerobot_drivers.robots.arm_health import arm_health, bus_health
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.arm_settings import ArmSettings
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.robots.shadows import check_shadows

if TYPE_CHECKING:
    from lerobot_drivers.sim.client import SimClient

logger = logging.getLogger(__name__)

Vector = NDArray[np.float64]
PortFactory = Callable[[str], Port]


class SerialArm:
    """The arm: its bus, its calibration, its joints in ROS units.

    Attributes:
        settings: what it was made from.
        plan: what it is made of.
        bus: the motors; None before the first connect.
        last_state: as read last, for diagnostics.
        velocity_units: what a count of Present_Velocity is, in the bus's order [tick/s].
    """

    def __init__(
        self,
        settings: ArmSettings,
        plan: ArmPlan,
        clock: Clock | None = None,
        port_factory: PortFactory = SerialPort,
    ) -> None:
        self.settings = settings
        self.plan = plan
        self.clock = clock or SystemClock()
        self.bus: ArmBus | None = None
        self.last_state: BusState | None = None
        self._port_factory = port_factory
        self._sim: SimClient | None = None
        self._calibration: dict[str, MotorCalibration] = {}
        self._calibration_source = ''
        motors = list(plan.motors)
        self._rows = [motors.index(name) for name in plan.names]
        self.velocity_units = np.ones(len(motors))
        self._scales: tuple[JointScale, ...] = ()
        self._watch: MotorWatch | None = None
        if not settings.port:
            raise ConfigError(
                f'{settings.type} needs a port, such as /dev/ttyACM0 or sim://bench/follower'
            )
        self._load_calibration()

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
    def scales(self) -> tuple[JointScale, ...]:
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
        return tuple(self._joint(name) for name in self.plan.names)

    def connected_bus(self) -> ArmBus:
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
            if self.settings.kind == 'robots':  # a leader's motors stay limp
                check_shadows(self.bus, self.plan)
            self._watch = MotorWatch(list(self.plan.motors), self.bus.limits(), self.bus.cure)
        except BaseException:
            self.close()
            raise

    def use_calibration(self, calibration: Mapping[str, MotorCalibration], where: str) -> None:
        """Take a calibration for this arm's from now on; ``where`` tells whence it comes.

        Raises:
            CalibrationError: it is of another arm.
        """
        check_ids(self.plan, calibration, where)
        self._calibration = dict(calibration)
        self._calibration_source = where
        self._scales = tuple(self._scale(name) for name in self.plan.names)

    def close(self) -> None:
        """Close the port, and leave the simulated world; torque stays as it is."""
        if self.bus is not None:
            self.bus.disconnect()
        if self._sim is not None:
            self._sim.close()
            self._sim = None

    def stop_wheels(self) -> None:
        """Open the port only to tell wheels to stand, whoever else is missing, and close it.

        Raises:
            DeviceError: the port is not there, or in use.
        """
        try:
            bus = self._make_bus()
            bus.port.open()
            self._stand(bus)
            bus.disconnect()
        finally:
            self.close()

    def read_state(self) -> JointReading:
        """Read all joints in one transaction."""
        bus = self.connected_bus()
        state = bus.read_state()
        self.last_state = state
        rows = self._rows
        ticks = state.registers['Present_Position'][rows].tolist()
        per_tick = np.array(
            [scale.topic_per_tick(tick) for scale, tick in zip(self.scales, ticks, strict=True)]
        )
        velocity = state.registers['Present_Velocity'][rows] * self.velocity_units[rows] * per_tick
        effort = bus.effort(state)[rows] * np.sign(per_tick)
        return JointReading(state.stamp_ns, self._topic(ticks), velocity, effort)

    def dataset_values(self) -> dict[str, float]:
        """Return the positions read last in dataset units, by joint, as LeRobot computes them."""
        assert self.last_state is not None
        ticks = self.last_state.registers['Present_Position'][self._rows].tolist()
        return {
            name: scale.ticks_to_dataset(tick)
            for name, scale, tick in zip(self.plan.names, self.scales, ticks, strict=True)
        }

    def health(self) -> dict[str, str | float]:
        """Return voltage, temperature, load, current and errors by joint, and the bus figures."""
        if self.bus is None:
            return {'port': self.settings.port or 'none', 'state': 'never connected'}
        told = bus_health(self.settings.port, self.bus.statistics)
        if self.last_state is None:
            return told
        return {**told, **arm_health(self.plan, self.bus, self.last_state)}

    def alarms(self) -> list[Alarm]:
        """Return what is wrong with the motors, by what was read last."""
        if self.bus is None or self._watch is None or self.last_state is None:
            return []
        return self._watch.alarms(self.bus.motor_health(self.last_state))

    def read_position(self) -> Vector:
        """Read the positions only [rad]."""
        ticks = self.connected_bus().sync_read('Present_Position', self.plan.names)
        return self._topic([ticks[name] for name in self.plan.names])

    def write_goal(self, position: Vector) -> None:
        """Send goals [rad]; NaN leaves that joint as it is."""
        goals = {
            name: _clamp(scale, scale.topic_to_ticks(float(value)))
            for name, scale, value in zip(self.plan.names, self.scales, position, strict=True)
            if not math.isnan(value)
        }
        self.connected_bus().sync_write('Goal_Position', goals)

    def _joint(self, name: str) -> JointSpec:
        velocity = self.settings.velocity
        limit = velocity.get(name, math.inf) if isinstance(velocity, Mapping) else velocity
        lower, upper = -math.pi, math.pi
        unit = self._unit(name)
        if name in self._calibration:
            lower, upper = self._scale(name).topic_limits()
        elif unit.mode is not NormMode.DEGREES:
            lower, upper = unit.lower, unit.upper
        fastest = self.plan.joint(name).velocity or self.plan.hand_over_velocity
        fastest = min(fastest, limit or math.inf)
        return JointSpec(name, lower, upper, fastest, unit)

    def _unit(self, name: str) -> JointUnit:
        own = self.plan.joint(name).unit
        if own is not None:
            return own
        if self.settings.use_degrees:
            return JointUnit(NormMode.DEGREES)
        if name not in self._calibration:
            raise self._no_calibration()
        resolution = motor_model(self.plan.motors[name].model).resolution
        reach = half_range(self._calibration[name], resolution)
        return JointUnit(NormMode.RANGE_M100_100, lower=-reach, upper=reach)

    def _scale(self, name: str) -> JointScale:
        calibration = self._calibration[name]
        if not self.plan.bus.apply_drive_mode:
            calibration = replace(calibration, drive_mode=0)
        resolution = motor_model(self.plan.motors[name].model).resolution
        return self.plan.joint(name).scale(calibration, self._unit(name), resolution)

    def _topic(self, ticks: list[int]) -> Vector:
        values = [
            scale.ticks_to_topic(tick) for scale, tick in zip(self.scales, ticks, strict=True)
        ]
        return np.array(values, dtype=np.float64)

    def _load_calibration(self) -> None:
        settings = self.settings
        is_as_made = settings.is_simulated and not settings.calibration_dir
        path = None if is_as_made else settings.found_calibration
        if path is not None:
            self.use_calibration(load_calibration(path), str(path))
        elif self.plan.nominal:
            self.use_calibration(self.plan.nominal, NOMINAL)
        elif is_as_made:
            port = str(settings.port)
            self.use_calibration(as_made(port, self.plan.model_of(settings.type)), port)

    def _open_bus(self) -> ArmBus:
        bus = self._make_bus()
        if self.bus is not None:
            bus.statistics = self.bus.statistics
        bus.connect(lambda: self._stand(bus))
        for wheel in self.plan.wheels:
            bus.write('Goal_Velocity', wheel.name, 0)
        return bus

    def _make_bus(self) -> ArmBus:
        port = self._port_factory(self._device_path())
        settings = BusSettings(num_retry=self.settings.num_retry)
        return self.plan.bus(port, self.plan.motors, self.clock, settings)

    def _stand(self, bus: ArmBus) -> None:
        """Tell wheels to stand, without asking: whoever left them turning may have died."""
        for _ in range(UNHEARD_TRIES):
            bus.sync_write('Goal_Velocity', dict.fromkeys([w.name for w in self.plan.wheels], 0))

    def _device_path(self) -> str:
        assert self.settings.port
        if not self.settings.is_simulated:
            return self.settings.port
        from lerobot_drivers.sim.client import SimAddress, SimClient

        address = SimAddress.parse(self.settings.port)
        self._sim = SimClient(address.world)
        model = self.plan.model_of(self.settings.type)
        return self._sim.attach_arm(address.device, model).port

    def _check_calibration(self, bus: ArmBus, calibrate: bool) -> None:
        if not self._calibration:
            raise self._no_calibration()
        held = bus.read_calibration()
        is_nominal = self._calibration_source == NOMINAL
        if is_nominal:
            self.use_calibration(homed_as_held(self.plan.nominal, held), NOMINAL)
        found = self._differences(held)
        if not found:
            return
        if not (calibrate or is_nominal):
            raise other_calibration(self.settings.port, self._calibration_source, found)
        logger.warning('%s: written to the motors: %s', self.settings.port, '; '.join(found))
        bus.write_calibration(self._calibration)

    def _differences(self, held: Mapping[str, MotorCalibration]) -> list[str]:
        return differences(self.plan, self._calibration, held, self._calibration_source)

    def _configure(self, bus: ArmBus, registers: Mapping[str, Mapping[str, int]]) -> None:
        if versions := bus.mixed_firmware():
            logger.warning('%s: motors with different firmware: %s', self.settings.port, versions)
        bus.prepare(
            {
                joint.name: {**joint.registers, **registers.get(joint.name, {})}
                for joint in self.plan.servos
            }
        )
        self.velocity_units = np.array(list(bus.velocity_units().values()))

    def _no_calibration(self) -> CalibrationError:
        settings = self.settings
        flag = 'robot' if settings.kind == 'robots' else 'teleop'
        label = settings.type, settings.id
        return CalibrationError(
            no_calibration(flag, label, str(settings.port), settings.calibration_file)
        )


def _clamp(scale: JointScale, ticks: int) -> int:
    low = max(scale.calibration.range_min, 0)
    high = min(scale.calibration.range_max, scale.resolution - 1)
    return min(max(ticks, low), high)
