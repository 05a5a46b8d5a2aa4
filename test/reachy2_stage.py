"""A simulated Reachy 2 for tests, where some interpreter here has reachy2-sdk."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import pytest

from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.reachy2_link import PYTHON_VARIABLE


@cache
def python_with_sdk() -> str | None:
    """Return an interpreter that can import the SDK, None if there is none."""
    python = os.environ.get(PYTHON_VARIABLE) or sys.executable
    command = [python, '-c', 'import reachy2_sdk']
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return None
    return python if done.returncode == 0 else None


def need_sdk() -> None:
    """Skip, aloud, where nobody has the SDK."""
    if python_with_sdk() is None:
        pytest.skip(
            'no interpreter with reachy2-sdk here: pip install reachy2-sdk into an environment '
            f'of its own, and set {PYTHON_VARIABLE} to its python'
        )


def reachy_config(device: str, **settings: object) -> RobotConfig:
    """Return the settings of a simulated robot of this test run."""
    port = f'sim://test-{os.getpid()}/{device}'
    return RobotConfig(type='reachy2', port=port, sdk_python=python_with_sdk(), **settings)


def make_reachy(device: str, **settings: object):
    """Return a robot that is not connected yet."""
    return make_robot(reachy_config(device, **settings))
