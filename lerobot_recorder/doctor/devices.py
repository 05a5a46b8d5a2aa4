"""Are the devices of a machine there, and may this user have them?"""

from __future__ import annotations

import errno
import grp
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from lerobot_drivers.common.health import Level
from lerobot_drivers.motors.port import why_not
from lerobot_drivers.setup_tools.ports import list_ports, stable_name
from lerobot_recorder.findings import Finding

_LOG_IN = 'then log out and in again'


def check_ports(ports: Sequence[str] | None = None) -> list[Finding]:
    """Return a line for each serial port of an adapter; none is opened, hence none disturbed.

    Args:
        ports: their paths, by default those that are there.
    """
    found = list_ports() if ports is None else list(ports)
    if not found:
        advice = 'plug an arm in; in a container, pass its device in (docker run --device)'
        return [Finding(Level.WARN, 'ports', 'no serial port of an adapter is here', advice)]
    return [_port(path) for path in found]


def check_cameras(folder: Path = Path('/dev')) -> list[Finding]:
    """Return a line for each camera device.

    Args:
        folder: where they are.
    """
    found = sorted(folder.glob('video*'))
    if not found:
        advice = 'plug one in, or use an image topic'
        return [Finding(Level.WARN, 'cameras', f'no {folder}/video* is here', advice)]
    return [_camera(path) for path in found]


def check_group(path: str, members: Iterable[int] | None = None) -> str:
    """Return what to do to get at a device; tells who is in its group but has not logged in since.

    Args:
        path: of the device.
        members: ids of the groups that this process is in, by default as they are.
    """
    group = os.stat(path).st_gid
    try:
        entry = grp.getgrgid(group)
    except KeyError:
        return f'sudo chmod a+rw {path}'
    mine = set(os.getgroups() if members is None else members)
    if group not in mine and (user := os.environ.get('USER', '')) in entry.gr_mem and user:
        return f'{user} is in the group {entry.gr_name}, but not in this session: log out and in'
    return f'sudo usermod -aG {entry.gr_name} $USER, {_LOG_IN}'


def _port(path: str) -> Finding:
    if not Path(path).exists():
        gone = FileNotFoundError(errno.ENOENT, 'gone')
        return Finding(Level.ERROR, path, why_not(gone))
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(Level.ERROR, path, 'permission denied', check_group(path))
    stable = stable_name(path)
    named = f'can be opened; always under the name {stable}' if stable else 'can be opened'
    return Finding(Level.OK, path, named)


def _camera(path: Path) -> Finding:
    if not stat.S_ISCHR(path.stat().st_mode):
        return Finding(Level.WARN, str(path), 'is no device')
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(Level.ERROR, str(path), 'permission denied', check_group(str(path)))
    return Finding(Level.OK, str(path), 'can be opened')
