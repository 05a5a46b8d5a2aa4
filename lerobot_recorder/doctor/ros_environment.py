"""Is the ROS environment of this process one in which nodes meet? Works where there is no ROS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lerobot_drivers.common.health import Level
from lerobot_drivers.common.processes import (
    PROFILE_VARIABLES,
    SHARED_MEMORY_PROFILE,
    SOCKET_BUFFER,
    TRANSPORTS_VARIABLE,
    missing_rclpy_message,
)
from lerobot_recorder.findings import Finding

SOCKET_LIMIT = Path('/proc/sys/net/core/rmem_max')
_TRY = (
    'import rclpy; from rclpy.utilities import get_rmw_implementation_identifier as rmw; '
    'print(rmw())'
)
_TRY_TIMEOUT_S = 60.0
_HIGHEST_DOMAIN, _LAST_SAFE_DOMAIN = 232, 101
_RANGES = ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT')

Environment = Mapping[str, str]


def import_rclpy() -> tuple[bool, str]:
    """Return whether rclpy can be used, and its middleware's name or what stands against it.

    It is tried in a process of its own: a broken one may crash.
    """
    try:
        tried = subprocess.run(
            [sys.executable, '-c', _TRY], capture_output=True, text=True, timeout=_TRY_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    if tried.returncode == 0:
        return True, tried.stdout.strip()
    return False, (tried.stderr.strip().splitlines() or [f'exit code {tried.returncode}'])[-1]


def check_ros(
    environment: Environment, try_rclpy: Callable[[], tuple[bool, str]] = import_rclpy
) -> list[Finding]:
    """Return what is to be known of the ROS environment.

    Args:
        environment: variables of the process.
        try_rclpy: tells whether rclpy works.
    """
    works, told = try_rclpy()
    if not works:
        return [Finding(Level.ERROR, 'rclpy', 'cannot be used', missing_rclpy_message(told))]
    distro = environment.get('ROS_DISTRO', 'without a sourced distribution (wheels)')
    return [
        Finding(Level.OK, 'rclpy', f'works, {distro}, middleware {told}'),
        check_domain(environment),
        check_discovery(environment),
        *check_transport(environment, told),
    ]


def check_domain(environment: Environment) -> Finding:
    """Return whether the ROS domain can be used."""
    text = environment.get('ROS_DOMAIN_ID') or '0'
    if not text.isdigit() or int(text) > _HIGHEST_DOMAIN:
        return Finding(
            Level.ERROR, 'ROS_DOMAIN_ID', f'is {text!r}',
            f'export a number from 0 to {_LAST_SAFE_DOMAIN}, the same on all machines',
        )  # fmt: skip
    if int(text) > _LAST_SAFE_DOMAIN:
        told = f'is {text}: its ports lie among those that Linux gives to anybody'
        return Finding(Level.WARN, 'ROS_DOMAIN_ID', told, f'take 0 to {_LAST_SAFE_DOMAIN}')
    return Finding(Level.OK, 'ROS_DOMAIN_ID', f'{text}: nodes of the same number meet')


def check_discovery(environment: Environment) -> Finding:
    """Return whom nodes of this process meet."""
    name = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
    found = environment.get(name, '')
    if found and found not in _RANGES:
        return Finding(Level.ERROR, name, f'is {found!r}', f'export one of {", ".join(_RANGES)}')
    if found == 'OFF':
        told = 'is OFF: nodes meet only those of ROS_STATIC_PEERS'
        return Finding(Level.WARN, name, told, 'export LOCALHOST or SUBNET')
    if found == 'LOCALHOST' or environment.get('ROS_LOCALHOST_ONLY') == '1':
        return Finding(Level.OK, name, 'nodes of this machine meet')
    advice = f'export {name}=LOCALHOST unless there are other machines'
    return Finding(Level.OK, name, 'nodes of the whole network meet', advice)


def check_transport(
    environment: Environment,
    middleware: str,
    limit: Path = SOCKET_LIMIT,
    profile: Path = SHARED_MEMORY_PROFILE,
) -> list[Finding]:
    """Return whether pictures get from one process to another.

    Args:
        environment: variables of the process.
        middleware: name of the one in use.
        limit: file with the largest receive buffer that the kernel allows.
        profile: ours, of shared memory.
    """
    own = [name for name in (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE) if environment.get(name)]
    found = [_buffers(limit)]
    if 'fastrtps' not in middleware:
        told = f'{middleware} has transports of its own'
        return [*found, Finding(Level.OK, 'transport', told)]
    missing = [n for n in own if n != TRANSPORTS_VARIABLE and not Path(environment[n]).is_file()]
    if missing:
        told = f'{missing[0]} names {environment[missing[0]]}, which is not there'
        return [*found, Finding(Level.ERROR, 'transport', told, f'unset {missing[0]}')]
    if own:
        told = f'{own[0]} is set: pictures go as you chose'
        return [*found, Finding(Level.OK, 'transport', told)]
    if not profile.is_file():
        told = f'{profile} is missing'
        return [*found, Finding(Level.ERROR, 'transport', told, 'install lerobot_ros again')]
    return [*found, Finding(Level.OK, 'transport', 'pictures go through shared memory')]


def _buffers(limit: Path) -> Finding:
    try:
        largest = int(limit.read_text())
    except (OSError, ValueError):
        return Finding(Level.WARN, 'receive buffer', f'{limit} does not tell how large it may be')
    told = f'{largest / 2**20:.1f} MiB allowed'
    if largest >= SOCKET_BUFFER:
        return Finding(Level.OK, 'receive buffer', told)
    advice = (
        f'for raw pictures of other machines: sudo sysctl -w net.core.rmem_max={SOCKET_BUFFER}'
    )
    return Finding(Level.WARN, 'receive buffer', told, advice)
