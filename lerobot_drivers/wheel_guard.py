"""Lets wheels stand when the process that drives them has died.

A servo told to turn turns on until it is told otherwise, and after a ``kill -9``, the kernel's
out-of-memory killer or a crash in a library its driver tells it nothing. So a process of its own
waits beside the driver, asleep on a pipe: end of file there, without the word of a driver that
ended as it should, means that it died. Nothing is imported until then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lerobot_drivers.robots.robot import Robot

_ALL_IS_WELL = b'.'
_TRIES, _PAUSE_S = 40, 0.25
"""The cable may be what failed, and be plugged in again."""


@contextmanager
def guarded_wheels(robot: Robot) -> Iterator[None]:
    """Have the wheels of a robot watched, where they turn on without their driver.

    Args:
        robot: not connected yet; it is to be disconnected before the guard is left.
    """
    if robot.base is None or not robot.base.goes_on:
        yield
        return
    place = robot.config.type, str(robot.config.port)
    command = [sys.executable, '-m', 'lerobot_drivers.wheel_guard', *place]
    # In a session of its own: whoever kills the driver's process group does not kill it.
    with subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as guard:
        try:
            yield
        finally:
            assert guard.stdin is not None
            with suppress(BrokenPipeError):
                guard.stdin.write(_ALL_IS_WELL)


def stop_wheels(kind: str, port: str) -> None:
    """Tell the wheels of a robot to stand.

    Args:
        kind: type of the robot.
        port: where it is.

    Raises:
        DeviceError: it is not there, or somebody else drives it already.
    """
    from lerobot_drivers.robots import RobotConfig, make_robot
    from lerobot_drivers.robots.serial_follower import SerialFollower

    robot = make_robot(RobotConfig(type=kind, port=port))
    assert isinstance(robot, SerialFollower)
    robot.arm.stop_wheels()


def main() -> int:
    """Wait until the driver ends, and stop the wheels of ``TYPE PORT`` if it died."""
    kind, port = sys.argv[1:]
    if os.read(0, 1) == _ALL_IS_WELL:
        return 0
    from lerobot_drivers.common.errors import DeviceError

    failure: DeviceError | None = None
    for _ in range(_TRIES):
        try:
            stop_wheels(kind, port)
        except DeviceError as error:
            failure = error
            time.sleep(_PAUSE_S)
        else:
            sys.stderr.write(f'{port}: its driver died; the wheels were told to stand\n')
            return 0
    sys.stderr.write(f'{port}: its driver died, and the wheels may turn on: {failure}\n')
    return 1


if __name__ == '__main__':
    sys.exit(main())
