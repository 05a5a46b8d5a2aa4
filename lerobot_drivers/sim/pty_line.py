"""A pseudo-terminal on which a simulated bus answers as a USB adapter would."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import tty
from collections.abc import Callable

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.sim.bus import Reply
from lerobot_drivers.sim.wire import FeetechWire, Request, Wire

Transact = Callable[[Request, int, int], Reply]

_READ_SIZE = 4096
_TCGETS2 = 0x802C542A
_TERMIOS2 = struct.Struct('4I20B2I')
_PRIORITY = -10


class PtyLine:
    """One end of a serial line, served by a thread of its own until it is closed.

    The far end is kept open and raw here, so that a client may come and go. Closing
    the line is unplugging it: a client's next call fails as with a real adapter.

    Attributes:
        path: what a client opens.
        closed: whether it is unplugged.

    Args:
        transact: obeys a request that came in at a time [ns] and a baud rate.
        clock: what time it is.
        codec: how the bus speaks.
    """

    def __init__(self, transact: Transact, clock: Clock, codec: Wire | None = None) -> None:
        self._codec = codec or FeetechWire()
        self._transact = transact
        self._clock = clock
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        _set_speed(self._slave, termios.B1000000)
        self.path = os.ttyname(self._slave)
        self.closed = False
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=f'bus {self.path}', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug; returns when the thread has ended."""
        os.write(self._waker, b'x')
        self._thread.join()
        for fd in (self._slave, self._master, self._wake, self._waker):
            os.close(fd)
        self.closed = True

    def _serve(self) -> None:
        _raise_priority()
        parser = self._codec.parser()
        poller = select.poll()
        poller.register(self._master, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if self._wake in ready:
                return
            received_ns = self._clock.now_ns()
            for request in parser.feed(os.read(self._master, _READ_SIZE)):
                self._answer(self._transact(request, received_ns, _speed(self._slave)))

    def _answer(self, reply: Reply) -> None:
        if not reply.data:
            return
        wait_s = (reply.due_ns - self._clock.now_ns()) / NS_PER_S
        if wait_s > 0:
            self._clock.sleep(wait_s)
        os.write(self._master, reply.data)


def _set_speed(fd: int, speed: int) -> None:
    attributes = termios.tcgetattr(fd)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _speed(fd: int) -> int:
    """Return the baud rate that the client has set, any number."""
    answer = fcntl.ioctl(fd, _TCGETS2, bytes(_TERMIOS2.size))
    return int(_TERMIOS2.unpack(answer)[-1])


def _raise_priority() -> None:
    """Ask for a larger share of the CPU: a bus answers in a millisecond, load or not."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)
    except PermissionError:
        return
