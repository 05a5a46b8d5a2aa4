"""Serial ports of this machine, and which of them a cable belongs to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from serial.tools import list_ports as serial_ports

from lerobot_drivers.common.errors import DeviceError

PortLister = Callable[[], list[str]]
BY_ID = Path('/dev/serial/by-id')


def list_ports() -> list[str]:
    """Return the ports of adapters, sorted; those that belong to the machine itself are left out.

    Every Linux has 32 ``/dev/ttyS*``, plugged in or not.
    """
    found = [port.device for port in serial_ports.comports()]
    return sorted(path for path in found if not path.startswith('/dev/ttyS'))


def stable_name(path: str, folder: Path = BY_ID) -> str | None:
    """Return the name that a port keeps wherever it is plugged in, None if it has none.

    Args:
        path: of the port.
        folder: of these names.
    """
    if not folder.is_dir():
        return None
    links = (link for link in sorted(folder.iterdir()) if link.exists())
    return next((str(link) for link in links if link.samefile(path)), None)


def vanished_port(before: Collection[str], after: Collection[str]) -> str:
    """Return the one port that is not there any more.

    Raises:
        DeviceError: none has gone, or several have; says which.
    """
    gone = sorted(set(before) - set(after))
    if len(gone) == 1:
        return gone[0]
    if gone:
        raise DeviceError(
            f'{len(gone)} ports have gone: {", ".join(gone)}; unplug the one cable only, and '
            'start again'
        )
    there = ', '.join(sorted(after)) or 'none'
    raise DeviceError(
        f'no port has gone (there are: {there}); was it the right cable, and was it plugged in '
        'when you began? dmesg tells whether the machine sees it'
    )
