"""A simulated LeKiwi that obeys commands on a line by hand, as the shipped command serves it."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest

from lerobot_drivers.commands.lekiwi_host import serve
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.kiwi_net.host import HostConfig, LeKiwiHost
from lerobot_drivers.kiwi_net.messages import command_bytes, read_observation
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_drivers.robots.lekiwi import LeKiwi
from lerobot_drivers.sim.client import SimClient

WORLD = 'kiwi-host'


class Line:
    def __init__(self):
        self.commands, self.sent = [], []

    def command(self):
        return self.commands.pop() if self.commands else None

    def send(self, frames):
        self.sent.append(read_observation(frames))
        return True


class Camera:
    name, jpeg = 'front', b'jpeg'


@pytest.fixture
def bench():
    with SimClient(WORLD):
        robot = LeKiwi(RobotConfig(type='lekiwi', port=f'sim://{WORLD}/kiwi'))
        words = []
        driver = ArmDriver(robot, 30, SystemClock(), words.append)
        line = Line()
        host = LeKiwiHost(robot, driver, line, [Camera()], SystemClock(), words.append)
        driver.connect()
        yield host, line, words, driver
        driver.disconnect()


def until(condition, patience_s=10.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.01)


def test_what_it_is_first_asked_for_and_after_a_silence_it_goes_to_without_a_jump(bench):
    host, line, _, driver = bench

    def ask(gripper):
        line.commands = [command_bytes({'arm_gripper.pos': gripper})]
        host.step()
        return driver.goal[-1]

    def goes_slowly_and_then_follows(target):
        unit, before = driver.robot.joints[-1].unit, driver.goal[-1]
        asked, beyond = unit.from_dataset(target), unit.from_dataset(target + 5.0)
        assert abs(ask(target) - before) < 0.05 < abs(asked - before)
        until(lambda: ask(target) == pytest.approx(asked, abs=0.01))
        assert ask(target + 5.0) == pytest.approx(beyond, abs=0.01)

    goes_slowly_and_then_follows(50.0)
    time.sleep(driver.robot.config.base.cmd_vel_timeout + 0.1)
    goes_slowly_and_then_follows(20.0)


def test_it_obeys_tells_what_it_sees_and_stands_when_nobody_speaks(bench):
    host, line, words, driver = bench
    assert host.step()
    assert line.sent[-1].pictures == {'front': b'jpeg'}
    assert list(line.sent[-1].state)[6:] == ['x.vel', 'y.vel', 'theta.vel']
    action = {**line.sent[-1].state, 'arm_gripper.pos': 60.0, 'x.vel': 0.1}

    def drive():
        line.commands = [command_bytes(action)]
        host.step()
        now = line.sent[-1].state
        return now['x.vel'] == pytest.approx(0.1, abs=1e-3) and now['arm_gripper.pos'] > 58

    until(drive)
    until(lambda: host.step() and line.sent[-1].state['x.vel'] == 0.0)
    assert driver.base.active is None
    assert line.sent[-1].state['arm_gripper.pos'] > 58, 'the arm holds'

    for wrong in (b'nonsense', json.dumps({'wheel.pos': 1.0}).encode(), b'{"x.vel": Infinity}'):
        line.commands = [wrong]
        host.step()
    assert host.refused == 3 and driver.base.active is None
    (told,) = (word for word in words if 'refused' in word)
    assert told.startswith('command refused: a command'), 'not each one is told'
    line.commands = [command_bytes({'x.vel': 0.05})]
    host.step()
    assert driver.base.active == 'operator', 'arm and base need not be asked together'


@contextlib.contextmanager
def served(config, words):
    stop = threading.Event()
    host = HostConfig(port_zmq_cmd=0, port_zmq_observations=0)
    arguments = (config, host, stop, words.append)
    thread = threading.Thread(target=serve, args=arguments, daemon=True)
    thread.start()
    try:
        until(lambda: any('serves' in word for word in words))
        yield [int(word.strip(';')) for word in words[-1].split() if word.strip(';').isdigit()]
    finally:
        stop.set()
        thread.join(5.0)


def test_the_command_serves_until_told_and_leaves_it_standing():
    pytest.importorskip('zmq', reason="needs the extra 'lekiwi' (pyzmq)")
    camera = CameraConfig(index_or_path=f'sim://{WORLD}/front', width=64, height=48, fps=30)
    port = f'sim://{WORLD}/served'
    config = RobotConfig(type='lekiwi', port=port, cameras={'front': camera})
    words = []
    with SimClient(WORLD) as world, served(config, words) as (commands, observations):
        client = make_robot(
            RobotConfig(
                type='lekiwi_client',
                remote_ip='127.0.0.1',
                port_zmq_cmd=commands,
                port_zmq_observations=observations,
                cameras={'front': camera},
            ),
            with_cameras=True,
        )
        client.connect()

        def drive():
            client.send_action({'theta.vel': 40.0})
            seen = client.get_observation()
            return seen['theta.vel'] == pytest.approx(40.0, abs=0.5) and 'front' in seen

        until(drive)
        assert client.get_observation()['front'].shape == (48, 64, 3)
        client.disconnect()
        until(lambda: abs(world.truth('served')['velocity']['base_left_wheel']) < 1e-3)
    assert words[-1] == 'stopped'
