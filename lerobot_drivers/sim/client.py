"""The way into a simulated world, for drivers and tests.

The first client of a world starts its process; the world ends by itself some
seconds after the last one has gone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from lerobot_drivers.common.channel import Message, receive_message, send_message
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.sim.address import SimAddress, check_name, is_sim_address
from lerobot_drivers.sim.picture_ring import CameraStream
from lerobot_drivers.sim.runtime import connect_to_world

__all__ = ['ArmAttachment', 'CameraStream', 'SimAddress', 'SimClient', 'is_sim_address']

REPLY_TIMEOUT_S = 10.0
_Client = TypeVar('_Client', bound='ServiceClient')


@dataclass(frozen=True)
class ArmAttachment:
    """A simulated arm, plugged in.

    Attributes:
        port: path of the pseudo-terminal that speaks the servos' protocol.
        calibration: joint -> LeRobot's five calibration fields, as set at the factory.
    """

    port: str
    calibration: dict[str, dict[str, int]]


class ServiceClient:
    """A connection to a simulated thing's process; use it as a context manager.

    Args:
        name: of its socket.
        command: what starts its process if it does not run; by default a world's.

    Raises:
        ConfigError: the name is not valid.
        DeviceError: it could not be started or reached.
    """

    def __init__(self, name: str, command: Sequence[str] = ()) -> None:
        self.world = check_name(name, 'world')
        self._lock = threading.Lock()
        self._connection: socket.socket | None = connect_to_world(name, command)
        self._connection.settimeout(REPLY_TIMEOUT_S)

    def info(self) -> dict[str, Any]:
        """Return its process id, and what else it tells of itself."""
        return dict(self._ask({'op': 'info'})['info'])

    def close(self) -> None:
        """Leave it; what is in it stays as it is while others are there."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self: _Client) -> _Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, request: Message) -> Message:
        with self._lock:
            if self._connection is None:
                raise DeviceError(f'this connection to the simulated world {self.world} is closed')
            return _exchange(self._connection, request, self.world)


class SimClient(ServiceClient):
    """A connection to one world.

    Raises:
        ConfigError: the world's name is not valid.
        DeviceError: the world could not be started or reached.
    """

    def attach_arm(self, device: str, model: str) -> ArmAttachment:
        """Plug in an arm, making it if the world has none of that name.

        Args:
            device: name of the arm.
            model: robot type, e.g. ``so101_follower``, or ``so101_leader``, which a
                scripted operator moves.

        Raises:
            ConfigError: the model is unknown, or the device is of another model.
            DeviceError: the arm is unplugged, or the world has gone.
        """
        reply = self._ask({'op': 'attach_arm', 'device': device, 'model': model})
        return ArmAttachment(reply['port'], reply['calibration'])

    def attach_camera(self, device: str, width: int, height: int, fps: int) -> CameraStream:
        """Start a camera's stream of pictures, on a connection of its own.

        Args:
            device: name of the camera; ``front``, ``side``, ``top`` and ``wrist`` are views.
            width: width of the pictures [pixels].
            height: height of the pictures [pixels].
            fps: pictures per second.

        Raises:
            ConfigError: size or rate are beyond what the camera can do.
            DeviceError: the world has gone.
        """
        check_name(device, 'device')
        connection = connect_to_world(self.world)
        connection.settimeout(REPLY_TIMEOUT_S)
        request: Message = {'op': 'attach_camera', 'device': device}
        request |= {'width': width, 'height': height, 'fps': fps}
        try:
            reply = _exchange(connection, request, self.world)
            return CameraStream.receive(connection, f'{self.world}/{device}', reply)
        except BaseException:
            connection.close()
            raise

    def inject(self, device: str, fault: str, **arguments: object) -> None:
        """Make a device misbehave; ``clear`` ends all of its faults.

        Arms know ``unplug``, ``replug``, ``power_cycle``, ``silence(ids)``,
        ``corrupt(ids, count)``, ``delay(seconds, count)``, ``garbage(data, count)``,
        ``only(joints)`` (the others are not plugged in), ``factory(joints)`` (id and baud rate as
        sold), ``push(joints)``, ``heat(joints)`` [degC], ``supply(volts)``,
        ``alert(joints, causes)`` (``overload``, ``overheat``, ...) and ``clear``; an arm's fault
        without ids means all, without count means until cleared. Cameras know ``freeze``,
        ``latency(seconds, jitter)``, ``clock_error(ppm)`` and ``clear``. The cube of a world with
        physics knows ``reset`` and ``put(x, y, yaw)``.

        Raises:
            ConfigError: the device, the fault or its arguments are unknown.
        """
        request: Message = {'op': 'inject', 'device': device, 'fault': fault}
        self._ask(request | {'arguments': arguments})

    def truth(self, device: str, stamp_ns: int | None = None) -> dict[str, Any]:
        """Return where an arm really is, or was up to a second ago.

        Returns:
            ``stamp_ns``, ``position`` and ``velocity``: joint -> rad and rad/s, and
            ``goal``: joint -> rad, for joints whose torque is on.
        """
        reply = self._ask({'op': 'truth', 'device': device, 'stamp_ns': stamp_ns})
        return dict(reply['truth'])

    def registers(self, device: str) -> list[dict[str, Any]]:
        """Return an arm's register writes in the order in which they took effect.

        Returns:
            One mapping each: ``stamp_ns``, ``id``, ``address``, ``data`` (list of bytes).
        """
        return list(self._ask({'op': 'registers', 'device': device})['writes'])

    def task(self) -> dict[str, Any]:
        """Return how the task of a world with physics stands.

        Returns:
            ``position`` [m] and ``quaternion`` (w, x, y, z) of the cube, ``success``: whether it
            came to lie on the tray since it was put somewhere, ``episodes``: how often it was
            put somewhere, ``successes``: after how many of these it came to lie there.

        Raises:
            ConfigError: the world has no task.
        """
        return dict(self._ask({'op': 'task'})['task'])

    def ask_operator(self, device: str, word: str = '') -> dict[str, Any]:
        """Say a word to the person at a leader of a world with physics.

        Args:
            device: name of the leader.
            word: ``begin``: demonstrate once and wait, ``wait``: break off, put the cube
                elsewhere and wait, ``free``: demonstrate again and again; nothing only asks.

        Returns:
            ``finished``: how many demonstrations have come to their end, ``succeeded``:
            whether the last one did, ``waits``: whether the arm rests at home.

        Raises:
            ConfigError: nobody there listens, or the word is unknown.
        """
        request: Message = {'op': 'operator', 'device': device, 'word': word}
        return dict(self._ask(request)['operator'])


def _exchange(connection: socket.socket, request: Message, world: str) -> Message:
    try:
        send_message(connection, request)
        reply = receive_message(connection)
    except OSError as error:
        raise DeviceError(f'the simulated world {world} does not answer: {error}') from error
    if reply is None:
        raise DeviceError(f'the simulated world {world} has ended')
    _raise_error(reply)
    return reply


def _raise_error(reply: Mapping[str, Any]) -> None:
    if 'error' in reply:
        kind = ConfigError if reply.get('kind') == 'config' else DeviceError
        raise kind(str(reply['error']))
