"""Two arms as one: asked at the same time, their failures told together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from lerobot_drivers.common.arm_cameras import SIDES
from lerobot_drivers.common.errors import BusError, ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.common.health import Alarm
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.config import TwoArms
from lerobot_drivers.robots.robot import JointReading

Answer = TypeVar('Answer')
Number = TypeVar('Number')


class Half(Protocol):
    """One of two arms, a follower or a leader; see ``Robot`` and ``Teleoperator``."""

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints in order."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether it is open and has not failed."""
        ...

    @property
    def is_calibrated(self) -> bool:
        """Whether its calibration is known, and held by its motors."""
        ...

    def connect(self, calibrate: bool = False) -> None:
        """Open it."""
        ...

    def read_state(self) -> JointReading:
        """Read all joints."""
        ...

    def alarms(self) -> Sequence[Alarm]:
        """Return what is wrong with it."""
        ...

    def health(self) -> dict[str, str | float]:
        """Return key-values for diagnostics."""
        ...


Arm = TypeVar('Arm', bound=Half)


class Pair(Generic[Arm]):
    """A left and a right arm, each with a thread of its own: their buses do not wait.

    Attributes:
        arms: left, right.
    """

    def __init__(self, left: Arm, right: Arm) -> None:
        self.arms = (left, right)
        self._pool: ThreadPoolExecutor | None = None

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """Joints of the left arm, then of the right one, each with its side in front."""
        return tuple(
            replace(joint, name=f'{side}_{joint.name}')
            for side, arm in zip(SIDES, self.arms, strict=True)
            for joint in arm.joints
        )

    @property
    def is_connected(self) -> bool:
        """Whether both arms are open and have not failed."""
        return all(arm.is_connected for arm in self.arms)

    @property
    def is_calibrated(self) -> bool:
        """Whether both arms' calibrations are known, and held by their motors."""
        return all(arm.is_calibrated for arm in self.arms)

    def connect(self, calibrate: bool, close: Callable[[], None]) -> None:
        """Connect both arms; if one fails neither stays open.

        Args:
            calibrate: see ``Robot``.
            close: closes both.
        """
        if not self.is_connected:
            close()  # the arm that has not failed
        try:
            self.both(lambda arm: arm.connect(calibrate))
        except BaseException:
            close()
            raise

    def read_state(self) -> JointReading:
        """Read both at once; the stamp lies between theirs."""
        left, right = self.both(lambda arm: arm.read_state())
        return JointReading(
            (left.stamp_ns + right.stamp_ns) // 2,
            np.concatenate([left.position, right.position]),
            np.concatenate([left.velocity, right.velocity]),
            np.concatenate([left.effort, right.effort]),
        )

    def alarms(self) -> list[Alarm]:
        """Return what is wrong with either arm, the worst first."""
        found = [
            Alarm(alarm.level, f'{side} arm: {alarm.text}')
            for side, arm in zip(SIDES, self.arms, strict=True)
            for alarm in arm.alarms()
        ]
        return sorted(found, key=lambda alarm: -alarm.level)

    def health(self) -> dict[str, str | float]:
        """Return what both arms tell, each key with its side in front."""
        left, right = (arm.health() for arm in self.arms)
        return prefixed(left, right)

    def both(self, ask: Callable[[Arm], Answer]) -> tuple[Answer, Answer]:
        """Ask both at once, and return their answers when both are done.

        Raises:
            DeviceError: of one arm, or of both in one.
        """
        return self.each(ask, ask)

    def each(
        self, left: Callable[[Arm], Answer], right: Callable[[Arm], Answer]
    ) -> tuple[Answer, Answer]:
        """Ask each its own at once; see ``both``."""
        pool = self._pool = self._pool or ThreadPoolExecutor(len(SIDES), 'arm')
        futures = [
            pool.submit(ask, arm) for ask, arm in zip((left, right), self.arms, strict=True)
        ]
        failures = [error for error in map(_failure, futures) if error is not None]
        if failures:
            raise _together(failures)
        return futures[0].result(), futures[1].result()

    def close(self, ask: Callable[[Arm], None]) -> None:
        """Ask both a last time, and end the threads; whoever asks again begins new ones."""
        try:
            self.both(ask)
        finally:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None


def prefixed(left: Mapping[str, Number], right: Mapping[str, Number]) -> dict[str, Number]:
    """Return what is told of both arms, each key with its side in front."""
    return {
        f'{side}_{key}': value
        for side, values in zip(SIDES, (left, right), strict=True)
        for key, value in values.items()
    }


def of_side(values: Mapping[str, Number], side: str) -> dict[str, Number]:
    """Return what is told of one side, without the side in front of the keys."""
    start = f'{side}_'
    return {
        key.removeprefix(start): value for key, value in values.items() if key.startswith(start)
    }


def side_settings(config: TwoArms, kind: str, side: str) -> dict[str, Any]:
    """Return the settings in which one arm differs from the whole.

    Raises:
        ConfigError: its port is not told, or told twice.
    """
    own = getattr(config, f'{side}_arm_config')
    told = {key: value for key, value in asdict(own).items() if value is not None} if own else {}
    return {
        **told,
        'id': f'{config.id}_{side}' if config.id else None,
        'port': _port(config, kind, side),
        'left_arm_port': None,
        'right_arm_port': None,
        'left_arm_config': None,
        'right_arm_config': None,
    }


def _port(config: TwoArms, kind: str, side: str) -> str:
    """Return the port of one arm.

    Raises:
        ConfigError: it is not told, or told twice.
    """
    if config.port:
        raise ConfigError(
            f'{config.type} has two arms: give --{kind}.left_arm_port and '
            f'--{kind}.right_arm_port instead of --{kind}.port={config.port}'
        )
    own = getattr(config, f'{side}_arm_config')
    ports = [getattr(config, f'{side}_arm_port'), own.port if own else None]
    told = {port for port in ports if port}
    if len(told) != 1:
        found = 'which is not told' if not told else f'found {" and ".join(sorted(told))}'
        raise ConfigError(
            f'{config.type} needs one port for its {side} arm, {found}: '
            f'--{kind}.{side}_arm_port=/dev/ttyACM0 or sim://bench/{side}'
        )
    return str(told.pop())


def _failure(future: Future[Answer]) -> BaseException | None:
    return future.exception()


def _together(failures: list[BaseException]) -> BaseException:
    other = [error for error in failures if not isinstance(error, DeviceError)]
    if other or len(failures) == 1:
        return (other or failures)[0]
    if all(isinstance(error, NotConnectedError) for error in failures):
        told = {
            key: why
            for error in failures
            if isinstance(error, NotConnectedError)
            for key, why in error.failures.items()
        }
        return NotConnectedError(told)
    is_bus = all(isinstance(error, BusError) for error in failures)
    return (BusError if is_bus else DeviceError)('; '.join(map(str, failures)))
