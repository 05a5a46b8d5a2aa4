"""The client of a LeKiwi host on a line by hand; with a real one: kiwi_net, compat."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import ConfigError, DeviceError, ModeError, NotConnectedError
from lerobot_drivers.kiwi_net.messages import Dialect, Observation, observation_frames
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.lekiwi_client import LeKiwiClient
from lerobot_drivers.robots.lekiwi_plan import ARM_JOINTS

POSE = {f'{name}.pos': 10.0 * at for at, name in enumerate(ARM_JOINTS)}
STATE = {**POSE, 'x.vel': 0.0, 'y.vel': 0.0, 'theta.vel': 0.0}


class Line:
    """A host that tells what it is given, one observation after the other."""

    def __init__(self, clock):
        self.clock, self.sent, self.closed = clock, [], 0
        self.coming = [dict(STATE)]

    def __call__(self, address, commands, observations):
        self.called = (address, commands, observations)
        return self

    def newest(self, timeout_s):
        if not self.coming:
            self.clock.advance(timeout_s)
            return None
        return observation_frames(Observation(self.coming.pop(0)), Dialect.MULTIPART)

    def send(self, data):
        self.sent.append(json.loads(data))

    def close(self, linger_s=0.0):
        self.closed += 1


class Bench:
    def __init__(self, **config):
        self.clock = ManualClock()
        self.line = Line(self.clock)
        settings = RobotConfig(type='lekiwi_client', remote_ip='kiwi', **config)
        self.robot = LeKiwiClient(settings, clock=self.clock, make_link=self.line)

    def tell(self, after_s=0.1, **values):
        self.clock.advance(after_s)
        self.line.coming.append({**STATE, **values})
        return self.robot.read_state()


def test_an_address_is_needed_and_only_here():
    with pytest.raises(ConfigError, match=r'needs robot\.remote_ip'):
        make_robot(RobotConfig(type='lekiwi_client'))
    with pytest.raises(ConfigError, match='remote_ip cannot be told of a lekiwi'):
        make_robot(RobotConfig(type='lekiwi', port='sim://t/kiwi', remote_ip='kiwi'))


def test_nothing_is_sent_until_something_is_asked_and_then_where_it_is():
    bench = Bench(port_zmq_cmd=7)
    bench.robot.connect()
    bench.robot.base.drive(np.zeros(3))
    assert bench.line.called == ('kiwi', 7, 5556) and bench.line.sent == []
    bench.robot.base.drive(np.array([0.1, 0.0, math.radians(30)]))
    assert bench.line.sent == [pytest.approx({**POSE, 'x.vel': 0.1, 'y.vel': 0, 'theta.vel': 30})]
    goal = np.full(6, math.nan)
    goal[0] = 0.5
    bench.robot.write_goal(goal)
    asked = {**POSE, 'arm_shoulder_pan.pos': math.degrees(0.5)}
    assert {k: bench.line.sent[-1][k] for k in POSE} == pytest.approx(asked)
    assert bench.line.sent[-1]['x.vel'] == pytest.approx(0.1), 'the base goes on'
    for _ in range(3):
        bench.robot.base.drive(np.zeros(3))
    assert [sent['x.vel'] for sent in bench.line.sent[2:]] == [0.0], 'a stand is told once'


def test_values_are_rad_on_topics_and_the_hosts_in_the_dataset():
    bench = Bench()
    bench.robot.connect()
    reading = bench.tell(arm_elbow_flex=0.0, **{'arm_wrist_flex.pos': 90.0, 'x.vel': 0.2})
    assert reading.position[3] == pytest.approx(math.pi / 2)
    assert reading.velocity[3] == pytest.approx(math.radians(60.0) / 0.1)
    base = bench.robot.base.reading
    assert base.velocity == pytest.approx([0.2, 0.0, 0.0])
    assert base.pose == pytest.approx([0.01, 0.0, 0.0]), 'the mean of two speeds for 0.1 s'
    bench.line.coming.append(dict(STATE))
    assert bench.robot.get_observation() == STATE


def test_a_host_that_falls_silent_is_an_error_and_what_cannot_be_read_is_counted():
    bench = Bench(connect_timeout_s=3.0)
    bench.robot.connect()
    bench.line.coming.append({'x.vel': 0.0})
    bench.robot.read_state()
    assert bench.robot.health()['unreadable_observations'] == 1.0
    for _ in range(30):
        bench.robot.read_state()
    with pytest.raises(DeviceError, match=r'at kiwi tells nothing since 0\.5 s'):
        for _ in range(10):
            bench.robot.read_state()
    before = bench.clock.monotonic_ns()
    with pytest.raises(NotConnectedError, match='does lekiwi-host run on the robot'):
        bench.robot.connect()
    assert bench.clock.monotonic_ns() - before < 1e9, 'a node that waits does nothing else'
    assert not bench.robot.is_connected


def test_it_stands_when_it_is_left():
    bench = Bench()
    bench.robot.connect()
    bench.robot.send_action({'x.vel': 0.2})
    bench.robot.hang_up()
    assert [sent['x.vel'] for sent in bench.line.sent] == [pytest.approx(0.2), 0.0]
    assert bench.line.closed == 1
    bench.robot.hang_up()


def test_torque_is_the_hosts():
    bench = Bench()
    bench.robot.connect()
    bench.robot.send_action({'x.vel': 0.2, 'arm_gripper.pos': 99.0})
    bench.robot.enable_torque()
    assert bench.line.sent[-1]['arm_gripper.pos'] == pytest.approx(50.0), 'it holds where it is'
    with pytest.raises(ModeError, match='the business of the host at kiwi'):
        bench.robot.disable_torque()
    assert bench.line.sent[-1]['x.vel'] == 0.0


def test_actions_that_are_none_are_refused():
    bench = Bench()
    bench.robot.connect()
    for action in ({'x.vel': math.nan}, {'elbow.pos': 1.0}):
        with pytest.raises(DeviceError, match='expected finite numbers for arm_shoulder_pan'):
            bench.robot.send_action(action)
    assert bench.line.sent == []
