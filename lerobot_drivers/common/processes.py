"""What a process of ours sets up for itself before it joins the ROS graph.

Nothing here imports rclpy: the command line uses it as well, to tell the user
early that rclpy is missing.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import signal
from collections.abc import MutableMapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.scheduling import take_short_turns

PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
_DATA = Path(__file__).parent.parent / 'data'
SHARED_MEMORY_PROFILE = _DATA / 'fastdds_shm.xml'
"""For processes that publish pictures."""
RECEIVER_PROFILE = _DATA / 'fastdds_receiver.xml'
"""For processes that hear the pictures of others."""
OPENCV_THREADS_VARIABLE = 'OPENCV_FOR_THREADS_NUM'
TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
SOCKET_BUFFER = 4 << 20
"""Receive buffer that holds a burst of raw pictures [bytes]."""
_SOCKET_LIMIT = Path('/proc/sys/net/core/rmem_max')

# malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD
_MALLOC_SETTINGS = ((-3, 32 << 20), (-1, 512 << 20), (-2, 16 << 20))
_FIRST_RCLPY_WITH_FASTDDS_3 = 8


def missing_rclpy_message(reason: object) -> str:
    """Return the one line for a user without a usable rclpy."""
    return (
        f"rclpy cannot be imported ({reason}): install it with pip install 'lerobot_ros[ros]', "
        'or source the setup.bash of your ROS 2 installation'
    )


def require_rclpy() -> None:
    """Check that rclpy is there, without importing it.

    Raises:
        GraphError: it is not; the message names the extra that brings it.
    """
    if importlib.util.find_spec('rclpy') is None:
        raise GraphError(missing_rclpy_message('no module of that name'))


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return what asks a process to end: a closed terminal does, unless nohup says otherwise."""
    asked = (signal.SIGINT, signal.SIGTERM)
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return asked if stays else (*asked, signal.SIGHUP)


def tune_process(is_control: bool = False) -> None:
    """Make pictures cheap in this process, and control prompt.

    Args:
        is_control: it moves a robot: its threads come before those of what records it.
    """
    tune_malloc()
    tune_threads()
    if is_control:
        take_short_turns()


def tune_malloc() -> bool:
    """Keep the memory of pictures in the heap instead of mapping it anew each time.

    Page faults of freshly mapped buffers are two thirds of what a picture costs
    a subscriber. glibc only; elsewhere nothing is changed.

    Returns:
        Whether the allocator took the settings.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    libc = ctypes.CDLL(None)
    return all(libc.mallopt(parameter, value) == 1 for parameter, value in _MALLOC_SETTINGS)


def tune_threads(environment: MutableMapping[str, str] | None = None) -> None:
    """Keep OpenCV to the thread that calls it, unless the user chose otherwise.

    Its helpers gain nothing on a single picture, and spin for a while after each. Only before
    OpenCV is first used.

    Args:
        environment: where to set it, by default this process's.
    """
    environment = os.environ if environment is None else environment
    environment.setdefault(OPENCV_THREADS_VARIABLE, '1')


def set_profile(profile: Path, environment: MutableMapping[str, str] | None = None) -> str | None:
    """Point Fast DDS at one of our profiles, unless the user chose one.

    Fast DDS 2 (Humble, Jazzy) and 3 (Kilted and later) read differently named
    variables; a variable the user set under either name wins, and so do transports
    of his own choice. The receiver's profile is no use without a receive buffer of
    its size, and is left out then.

    Args:
        profile: the file.
        environment: where to set it, by default this process's.

    Returns:
        The variable that was set, None if none was.
    """
    environment = os.environ if environment is None else environment
    if any(environment.get(name) for name in (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE)):
        return None
    if profile == RECEIVER_PROFILE and not has_large_sockets():
        return None
    name = profile_variable()
    environment[name] = str(profile)
    return name


def profile_variable() -> str:
    """Return the variable by which this ROS's Fast DDS is told its profile."""
    return PROFILE_VARIABLES[0 if rclpy_major() >= _FIRST_RCLPY_WITH_FASTDDS_3 else 1]


def has_large_sockets() -> bool:
    """Return whether the kernel lets a process have a receive buffer for pictures."""
    try:
        return int(_SOCKET_LIMIT.read_text()) >= SOCKET_BUFFER
    except (OSError, ValueError):
        return False


def rclpy_major() -> int:
    """Return rclpy's major version, 3 for Humble, 7 for Jazzy, 9 for Kilted; 0 without one."""
    for distribution in ('rclpy', 'ros-rclpy'):
        try:
            return int(version(distribution).partition('.')[0])
        except PackageNotFoundError:
            continue
    return 0
