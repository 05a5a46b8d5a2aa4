"""The process that speaks with a Reachy 2: ``lerobot_drivers.reachy2.worker FD``.

It answers the driver's requests on an inherited socket, one after the other, and ends when
the driver hangs up, however that came about; the robot then holds its pose.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lerobot_drivers.common.channel import Message, receive_message, send_message
from lerobot_drivers.common.clock import SystemClock

if TYPE_CHECKING:
    from lerobot_drivers.reachy2.eyes import Eyes
    from lerobot_drivers.reachy2.session import Session


class Worker:
    """Obeys one driver."""

    def __init__(self) -> None:
        self._served: Session | Eyes | None = None

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the driver hangs up."""
        while (request := receive_message(connection)) is not None:
            send_message(connection, self._answer(request))

    def _answer(self, request: Message) -> Message:
        operation = request.pop('op')
        own = {'load': self._load, 'connect': self._connect, 'look': self._look}
        try:
            ask: Callable[..., Message | None] = (
                own[operation] if operation in own else getattr(self._served, operation)
            )
            return ask(**request) or {}
        except ImportError as error:
            return {'error': str(error), 'kind': 'import'}
        except ConnectionError as error:
            return {'error': _one_line(error), 'kind': 'gone'}
        except Exception as error:  # noqa: BLE001
            # The SDK raises what it pleases, gRPC's errors among it; the driver must hear of all.
            return {'error': _one_line(error), 'kind': 'refused'}

    def _load(self) -> None:
        """Import the SDK, which takes a while, or is not there."""
        importlib.import_module('lerobot_drivers.reachy2.session')

    def _connect(self, **settings: Any) -> None:
        from lerobot_drivers.reachy2.session import Session

        self._served = Session(**settings, clock=SystemClock())

    def _look(self, **settings: Any) -> None:
        from lerobot_drivers.reachy2.eyes import Eyes

        self._served = Eyes(**settings, clock=SystemClock())


def _one_line(error: Exception) -> str:
    details = getattr(error, 'details', None)
    text = str(details() if callable(details) else error) or type(error).__name__
    return ' '.join(text.split())


def main() -> None:
    """Serve the socket whose number is the first argument."""
    # What the SDK has to say of a robot that has gone, the driver says in one line.
    threading.excepthook = lambda _: None
    logging.getLogger('reachy2_sdk').setLevel(logging.CRITICAL)
    connection = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(OSError):
        Worker().serve(connection)
    # Threads of the SDK are at work still, and would complain of what they find.
    os._exit(0)


if __name__ == '__main__':
    main()
