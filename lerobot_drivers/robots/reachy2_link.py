"""The driver's end of the process that has reachy2-sdk: asked, answered, killed when it hangs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from typing import Any

from lerobot_drivers.common.channel import Message, receive_message, send_message
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.common.guest import guest_command

PYTHON_VARIABLE = 'LEROBOT_ROS_REACHY2_PYTHON'
REPLY_S = 1.0
START_S = 30.0
_WORKER = 'lerobot_drivers.reachy2.worker'


def sdk_python(told: str | None) -> str:
    """Return the interpreter that is to have reachy2-sdk: as told, by environment, or this one.

    Raises:
        ConfigError: there is none of that name.
    """
    python = told or os.environ.get(PYTHON_VARIABLE) or sys.executable
    found = shutil.which(os.path.expanduser(python))
    if found is None:
        raise ConfigError(
            f'robot.sdk_python (or {PYTHON_VARIABLE}) is {python}, which is no program; '
            'it is the python of the environment that has reachy2-sdk, such as '
            '~/reachy2/bin/python'
        )
    return found


class ReachyLink:
    """A worker process, and one robot behind it. The ROS side never imports the SDK.

    Args:
        python: the interpreter that has the SDK.
        name: what the robot is to the user.
    """

    def __init__(self, python: str, name: str) -> None:
        self._python = python
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether the worker runs and the robot behind it has not gone."""
        return self._socket is not None

    def open(self) -> None:
        """Start the worker, and let it load the SDK.

        Raises:
            DeviceError: the SDK is not there; the message says how to get it.
        """
        self.close()
        ours, its = socket.socketpair()
        with its:
            # In a session of its own: Ctrl-C is ours to deal with.
            self._process = subprocess.Popen(
                guest_command(_WORKER, str(its.fileno()), python=self._python),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(its.fileno(),),
                start_new_session=True,
            )
        self._socket = ours
        self.ask('load', START_S)

    def ask(self, operation: str, timeout_s: float = REPLY_S, **arguments: object) -> Message:
        """Ask the worker, and return its answer.

        Args:
            operation: one of ``worker.Worker``'s, ``session.Session``'s or ``eyes.Eyes``'.
            timeout_s: after that the worker is taken for dead [s].
            arguments: of the operation.

        Raises:
            DeviceError: the robot refused, or it or the worker has gone.
        """
        if self._socket is None:
            raise DeviceError(f'{self._name} is not connected')
        try:
            self._socket.settimeout(timeout_s)
            send_message(self._socket, {'op': operation, **arguments})
            reply = receive_message(self._socket)
        except TimeoutError:
            self.close()
            raise DeviceError(f'{self._name} did not answer within {timeout_s:g} s') from None
        except OSError as error:
            self.close()
            raise DeviceError(f'{self._name}: its worker has gone: {error.strerror}') from None
        if reply is None:
            self.close()
            raise DeviceError(f'{self._name}: its worker has ended')
        self._raise_error(reply)
        return reply

    def close(self) -> None:
        """End the worker; the robot stays as it is."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _raise_error(self, reply: dict[str, Any]) -> None:
        if 'error' not in reply:
            return
        error, kind = reply['error'], reply['kind']
        if kind != 'refused':
            self.close()
        if kind == 'import':
            raise DeviceError(
                f'{self._python} cannot import reachy2-sdk ({error}): install the extra '
                'lerobot_ros[reachy2], or, since it pins numpy, protobuf and OpenCV, put it into '
                'an environment of its own (python3 -m venv ~/reachy2 && ~/reachy2/bin/pip '
                "install 'reachy2-sdk>=1.0.15,<1.1') and give "
                '--robot.sdk_python=~/reachy2/bin/python'
            )
        raise DeviceError(f'{self._name}: {error}')
