"""The serial port: the only place that knows pyserial."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import termios
import time
from collections.abc import Iterator
from typing import Protocol

import serial

from lerobot_drivers.common.errors import BusTimeoutError, DeviceError, NotConnectedError

_GONE = (OSError, termios.error)


class Port(Protocol):
    """What a motors bus needs of a port.

    Attributes:
        name: what it is to the user.
        baudrate: bits per second on the wire.
    """

    name: str
    baudrate: int

    @property
    def is_open(self) -> bool:
        """Whether it is open and has not failed."""
        ...

    def open(self) -> None:
        """Open it."""
        ...

    def close(self) -> None:
        """Close it; harmless when it is closed or gone already."""
        ...

    def flush_input(self) -> None:
        """Forget all that has been received and not read."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def read(self, size: int, timeout_s: float) -> bytes:
        """Return ``size`` bytes, or fewer when the time is over [s]."""
        ...


class SerialPort:
    """A serial device, read with blocking reads and held by one program at a time.

    Once an operation fails the port is closed; whoever uses it next is told.
    """

    def __init__(self, name: str, baudrate: int = 1_000_000) -> None:
        self.name = name
        self.baudrate = baudrate
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open and has not failed."""
        return self._serial is not None

    def open(self) -> None:
        """Open it.

        Raises:
            NotConnectedError: it is not there, not ours to open, or in use.
        """
        try:
            opened = serial.Serial(
                self.name, self.baudrate, timeout=0, write_timeout=1.0, exclusive=True
            )
        except _GONE as error:
            raise NotConnectedError({self.name: why_not(error)}) from error
        except ValueError as error:
            raise NotConnectedError({self.name: f'cannot be opened: {error}'}) from error
        # Shortens the reply time of FTDI adapters; others, and ptys, do not know it.
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            opened.set_low_latency_mode(True)
        self._serial = opened

    def close(self) -> None:
        """Close it; harmless when it is closed or gone already."""
        opened, self._serial = self._serial, None
        if opened is not None:
            with contextlib.suppress(*_GONE):
                opened.close()

    def flush_input(self) -> None:
        """Forget all that has been received and not read.

        Raises:
            DeviceError: the device was unplugged or the port is not open.
        """
        with self._guarded() as opened:
            opened.reset_input_buffer()

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            DeviceError: the device was unplugged or the port is not open.
        """
        with self._guarded() as opened:
            sent = 0
            with contextlib.suppress(BlockingIOError):
                sent = os.write(opened.fileno(), data)
            if sent < len(data):
                opened.write(data[sent:])  # waits until there is room

    def read(self, size: int, timeout_s: float) -> bytes:
        """Return ``size`` bytes, or fewer when the time is over [s].

        Raises:
            DeviceError: the device was unplugged or the port is not open.
        """
        with self._guarded() as opened:
            return _read(opened.fileno(), size, timeout_s)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[serial.Serial]:
        if self._serial is None:
            raise DeviceError(f'{self.name}: the port is not open; connect first')
        try:
            yield self._serial
        except serial.SerialTimeoutException as error:
            raise BusTimeoutError(f'{self.name}: the port takes no bytes') from error
        except _GONE as error:
            self.close()
            raise DeviceError(
                f'{self.name}: the device was unplugged or lost power ({_reason(error)}); '
                'plug it in and connect again'
            ) from error


def _read(file: int, size: int, timeout_s: float) -> bytes:
    """Read as pyserial does, which takes twice as long for it.

    Raises:
        SerialException: nothing is behind the port any more.
    """
    received = b''
    end = time.monotonic() + timeout_s
    while len(received) < size:
        ready, _, _ = select.select([file], [], [], max(end - time.monotonic(), 0.0))
        if not ready:
            break
        chunk = os.read(file, size - len(received))
        if not chunk:
            raise serial.SerialException('ready to be read, yet it gives nothing')
        received += chunk
    return received


def why_not(error: Exception) -> str:
    """Return why a port cannot be opened, and what to do."""
    number = getattr(error, 'errno', None)
    if number == errno.ENOENT:
        return 'there is no such port; check the cable; lerobot-ros find-port tells the name'
    if number in (errno.EACCES, errno.EPERM):
        return (
            'permission denied; add yourself to its group with: '
            'sudo usermod -aG dialout $USER, then log in again'
        )
    if number in (errno.EBUSY, errno.EAGAIN):
        return 'another program has it open; stop that one first'
    if number in (errno.ENXIO, errno.EIO, errno.ENODEV):
        return 'the port is there but no device answers behind it; plug it in again'
    return f'cannot be opened: {_reason(error)}'


def _reason(error: Exception) -> str:
    number = getattr(error, 'errno', None)
    return os.strerror(number) if number else str(error)
