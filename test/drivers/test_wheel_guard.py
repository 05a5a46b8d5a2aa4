"""A driver that is killed while its LeKiwi drives, as the kernel does it: without a word."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.wheel_guard import guarded_wheels

WORLD = 'wheel-guard'
DRIVER = """
import sys, time
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.wheel_guard import guarded_wheels

robot = make_robot(RobotConfig(type='lekiwi', port=sys.argv[1]))
with guarded_wheels(robot):
    robot.connect()
    robot.send_action({'x.vel': 0.2})
    time.sleep(60)
"""
HOST = """
import sys
from lerobot_drivers.commands.lekiwi_host import run

ports = '--host.port_zmq_cmd=0', '--host.port_zmq_observations=0'
sys.exit(run([f'--robot.port={sys.argv[1]}', *ports]))
"""


@pytest.fixture(scope='module')
def world() -> Iterator[SimClient]:
    with SimClient(WORLD) as client:
        yield client


@contextlib.contextmanager
def running(script: str, device: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, '-c', script, f'sim://{WORLD}/{device}']
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], patience_s: float = 15.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)


def speed(world: SimClient, device: str) -> float:
    moving = world.truth(device)['velocity']
    return max(abs(value) for name, value in moving.items() if name.startswith('base_'))


def test_wheels_stand_soon_after_their_driver_was_killed(world: SimClient) -> None:
    world.attach_arm('killed', 'lekiwi')
    with running(DRIVER, 'killed') as driver:
        until(lambda: speed(world, 'killed') > 1.0)
        os.killpg(driver.pid, signal.SIGKILL)  # as a supervisor does
        until(lambda: speed(world, 'killed') < 1e-3)
        assert driver.stderr is not None
        assert 'its driver died; the wheels were told to stand' in driver.stderr.read()


def test_who_ends_as_it_should_needs_no_guard(
    world: SimClient, capfd: pytest.CaptureFixture[str]
) -> None:
    robot = make_robot(RobotConfig(type='lekiwi', port=f'sim://{WORLD}/left'))
    with guarded_wheels(robot):
        robot.connect()
        robot.disconnect()
    assert capfd.readouterr() == ('', '')


def test_a_host_whose_terminal_is_closed_ends_as_it_should(world: SimClient) -> None:
    pytest.importorskip('zmq', reason='needs pyzmq (extra lekiwi)')
    with running(HOST, 'host') as host:
        assert host.stdout is not None
        assert 'serves' in host.stdout.readline()
        host.send_signal(signal.SIGHUP)
        out, errors = host.communicate(timeout=15)
    assert (host.returncode, errors) == (0, '')
    assert out.strip().endswith('stopped')
