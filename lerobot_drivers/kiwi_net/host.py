"""A LeKiwi that obeys a client on the network, and tells it what it sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.hand_over import HandOver
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.kiwi_net.messages import (
    Dialect,
    Observation,
    observation_frames,
    read_command,
)
from lerobot_drivers.robots.lekiwi import LeKiwi

LOOPBACK = '127.0.0.1'
_Port = Annotated[int, Field(ge=0, le=65535)]
_REMIND_NS = 5 * NS_PER_S


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """Where a LeKiwi listens (``--host.*``); names are LeRobot's.

    Attributes:
        address: of this machine, to listen on; anything but 127.0.0.1 lets whoever reaches it
            drive the robot.
        port_zmq_cmd: where commands come in.
        port_zmq_observations: where observations go out.
        connection_time_s: end after this time [s]; None is when told to.
        watchdog_timeout_ms: silence after which the base stands [ms].
        max_loop_freq_hz: observations per second.
        dialect: ``multipart`` as LeRobot 0.6 and later, ``json`` for clients before that.
    """

    __pydantic_config__ = STRICT_KEYS

    address: str = LOOPBACK
    port_zmq_cmd: _Port = 5555
    port_zmq_observations: _Port = 5556
    connection_time_s: Annotated[float, Field(gt=0)] | None = None
    watchdog_timeout_ms: Annotated[float, Field(gt=0)] = 500.0
    max_loop_freq_hz: Annotated[float, Field(gt=0, le=500)] = 30.0
    dialect: Dialect = Dialect.MULTIPART


class Link(Protocol):
    """The robot's end of a line; see ``links.HostLink``."""

    def command(self) -> bytes | None:
        """Return the newest command, if one came."""
        ...

    def send(self, frames: list[bytes]) -> bool:
        """Send an observation; return whether somebody takes it."""
        ...


class Pictures(Protocol):
    """A camera; see ``jpegs.JpegFeed``."""

    name: str

    @property
    def jpeg(self) -> bytes:
        """The newest picture; empty if there is none."""
        ...


class LeKiwiHost:
    """Serves one robot, a step at a time.

    Args:
        robot: not connected yet.
        driver: of that robot.
        link: the line.
        cameras: what it sees.
        clock: for what is told again and again.
        say: gets one line when something is wrong.

    Attributes:
        refused: commands that were none.
    """

    dialect = Dialect.MULTIPART

    def __init__(
        self,
        robot: LeKiwi,
        driver: ArmDriver,
        link: Link,
        cameras: Sequence[Pictures],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self.refused = 0
        self._robot = robot
        self._driver = driver
        self._link = link
        self._cameras = cameras
        self._clock = clock
        self._say = say
        self._next_word_ns = 0
        self._heard_ns = 0
        self._hand_over = HandOver(())

    def step(self) -> bool:
        """Obey the newest command, and tell what is seen; return whether somebody heard it."""
        data = self._link.command()
        if data is not None:
            try:
                self._obey(read_command(data))
            except DeviceError as error:
                self._refuse(error)
        reading = self._driver.step()
        self._driver.drive()
        if reading is None:
            return False
        pictures = {camera.name: camera.jpeg for camera in self._cameras}
        observation = Observation(self._robot.dataset_values(), pictures)
        return self._link.send(observation_frames(observation, self.dialect))

    def _obey(self, action: Mapping[str, float]) -> None:
        """Take over an action in dataset units.

        Raises:
            DeviceError: it names what this robot has not.
        """
        self._robot.check_action(action)
        axes, joints = self._robot.base.axes, self._robot.joints
        base = self._driver.base
        if base is not None and any(axis.feature in action for axis in axes):
            asked = [axis.unit.from_dataset(action.get(axis.feature, 0.0)) for axis in axes]
            base.on_command(np.array(asked))
        goal = [
            joint.unit.from_dataset(action[joint.feature]) if joint.feature in action else math.nan
            for joint in joints
        ]
        if not np.isnan(goal).all():
            self._driver.write(self._without_a_jump(np.array(goal)))

    def _without_a_jump(self, goal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the arm goes now: at first, and after a silence, it is taken there."""
        now_ns, driver = self._clock.monotonic_ns(), self._driver
        silence_s = (now_ns - self._heard_ns) / NS_PER_S
        if driver.seeded or silence_s > self._robot.config.base.cmd_vel_timeout:
            driver.seeded = False
            self._hand_over = HandOver(self._robot.joints)
            self._hand_over.begin(now_ns)
        self._heard_ns = now_ns
        return self._hand_over.next(driver.goal, now_ns, goal)

    def _refuse(self, error: DeviceError) -> None:
        self.refused += 1
        if self._clock.monotonic_ns() >= self._next_word_ns:
            self._next_word_ns = self._clock.monotonic_ns() + _REMIND_NS
            self._say(f'command refused: {error}')
