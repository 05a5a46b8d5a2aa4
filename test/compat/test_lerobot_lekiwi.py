"""Real LeRobot's LeKiwi, its host and its client, beside ours on one emulated robot."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time

import numpy as np
import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
pytest.importorskip('zmq', reason='pyzmq is not installed')

import zmq
from emulated import MIDDLE, SWEEP, DirectPort, EmulatedArm
from lerobot.robots.lekiwi import LeKiwi, LeKiwiClient, LeKiwiConfig, lekiwi_host
from lerobot.robots.lekiwi.config_lekiwi import LeKiwiClientConfig, LeKiwiHostConfig
from lerobot_twins import as_floats, connect_patiently, settle

from lerobot_drivers.commands.lekiwi_host import serve
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.kiwi_net.host import HostConfig
from lerobot_drivers.kiwi_net.messages import Dialect
from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.lekiwi_plan import LEKIWI
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun
from lerobot_drivers.setup_tools.motor_setup import MotorSetup
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.lerobot

WORLD = 'compat-lekiwi'
GOAL_POSITION, GOAL_VELOCITY = 42, 46
BEFORE_0_6 = hasattr(LeKiwiClient, '_parse_observation_json')
AXES = ('x.vel', 'y.vel', 'theta.vel')
POSE = {
    'arm_shoulder_pan.pos': 12.3,
    'arm_shoulder_lift.pos': -31.7,
    'arm_elbow_flex.pos': 12.05,
    'arm_wrist_flex.pos': 25.0,
    'arm_wrist_roll.pos': -40.9,
    'arm_gripper.pos': 61.3,
}
WANTED = {'x.vel': 0.12, 'y.vel': -0.03, 'theta.vel': 25.0}
STANDS = dict.fromkeys(AXES, 0.0)


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


class Twins:
    """LeRobot's driver and ours for one emulated robot and one calibration file."""

    def __init__(self, world, folder, device):
        self.attached = world.attach_arm(device, 'lekiwi')
        known = parse_calibration(self.attached.calibration, device)
        save_calibration(folder / 'twin.json', known)
        self.world, self.device = world, device
        shared = {'id': 'twin', 'calibration_dir': folder, 'disable_torque_on_disconnect': False}
        self.lerobot = LeKiwi(
            LeKiwiConfig(port=self.attached.port, cameras={}, use_degrees=True, **shared)
        )
        self.settings = {'type': 'lekiwi', 'port': f'sim://{WORLD}/{device}', **shared}
        self.ours = make_robot(RobotConfig(**self.settings))

    def goals(self, address):
        writes = [w for w in self.world.registers(self.device) if w['address'] == address]
        return {w['id']: int.from_bytes(bytes(w['data']), 'little') for w in writes}


def still(read):
    """Return what is read when it changes no more, speeds aside."""
    return settle(lambda: {k: v for k, v in read().items() if k.endswith('.pos')})


def until(condition, patience_s=20.0):
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)
    return found


def test_both_read_the_same_and_write_the_same(world, tmp_path):
    twins = Twins(world, tmp_path, 'same')
    random.seed(5)
    actions = [POSE | {'x.vel': 0.1, 'y.vel': 0.05, 'theta.vel': 20.0}]
    actions += [
        {key: random.uniform(-60.0, 60.0) for key in POSE}
        | {'arm_gripper.pos': random.uniform(-5, 105)}
        | {axis: random.uniform(-0.4, 0.4) for axis in AXES[:2]}
        | {'theta.vel': random.uniform(-120, 120)}
        for _ in range(15)
    ]
    written = {}
    for name, robot in (('lerobot', twins.lerobot), ('ours', twins.ours)):
        connect_patiently(robot) if name == 'lerobot' else robot.connect()
        assert robot.is_calibrated
        written[name] = []
        for action in actions:
            robot.send_action(dict(action))
            time.sleep(0.02)  # none of the two writes is acknowledged
            robot.get_observation()
            written[name].append((twins.goals(GOAL_POSITION), twins.goals(GOAL_VELOCITY)))
        robot.send_action(POSE | STANDS)
        seen = still(robot.get_observation)
        written[name].append(as_floats(seen))
        robot.disconnect()
    for mine, theirs in zip(written['ours'], written['lerobot'], strict=True):
        assert (
            mine == pytest.approx(theirs, abs=1e-9) if isinstance(mine, dict) else mine == theirs
        )


def test_both_tell_the_same_speed(world, tmp_path):
    twins = Twins(world, tmp_path, 'speed')
    for robot in (twins.lerobot, twins.ours):
        connect_patiently(robot) if robot is twins.lerobot else robot.connect()
        robot.send_action(POSE | WANTED)
        until(lambda robot=robot: speeds(robot) == pytest.approx(WANTED, rel=2e-3))
        robot.disconnect()


def speeds(robot):
    with contextlib.suppress(ConnectionError):
        seen = robot.get_observation()
        return {axis: float(seen[axis]) for axis in AXES}


def test_lerobot_takes_what_our_tools_set_up_and_calibrated(tmp_path, monkeypatch):
    monkeypatch.setattr('builtins.input', lambda *_: pytest.fail('LeRobot asks'))
    with EmulatedArm('lekiwi') as kiwi:
        kiwi.inject('factory')
        setup = MotorSetup(DirectPort(kiwi), LEKIWI)
        order = [joint.name for joint in setup.joints]
        assert order == [*list(LEKIWI.names)[::-1], *(w.name for w in LEKIWI.wheels[::-1])]
        for joint in setup.joints:
            kiwi.inject('only', joints=[joint.name])
            setup.assign(joint, setup.find()[0])
        kiwi.inject('clear')
        bus = LEKIWI.bus(SerialPort(kiwi.port), LEKIWI.motors)
        bus.connect()
        run = CalibrationRun(bus, LEKIWI)
        run.begin()
        kiwi.move(**{f'arm_{name}': angle for name, angle in MIDDLE.items()})
        run.home()
        for angle in SWEEP:
            kiwi.move(**dict.fromkeys(run.ranges, angle) | {'arm_gripper': 0.8 + angle / 2})
            run.watch()
        made = run.finish()
        bus.disconnect()
        save_calibration(tmp_path / 'mine.json', made)
        lerobot = LeKiwi(
            LeKiwiConfig(port=kiwi.port, id='mine', calibration_dir=tmp_path, cameras={})
        )
        before = (tmp_path / 'mine.json').read_bytes()
        lerobot._save_calibration()
        assert (tmp_path / 'mine.json').read_bytes() == before
        connect_patiently(lerobot)
        assert lerobot.is_calibrated
        lerobot.disconnect()


@contextlib.contextmanager
def our_host(twins):
    stop, told = threading.Event(), []
    dialect = Dialect.JSON if BEFORE_0_6 else Dialect.MULTIPART
    host = HostConfig(port_zmq_cmd=0, port_zmq_observations=0, dialect=dialect)
    config = RobotConfig(**twins.settings)
    thread = threading.Thread(target=serve, args=(config, host, stop, told.append))
    thread.start()
    line = until(lambda: next((text for text in told if 'ports' in text), None))
    try:
        yield [int(word.strip(';')) for word in line.split() if word.strip(';').isdigit()]
    finally:
        stop.set()
        thread.join()


def test_lerobots_client_drives_our_host(world, tmp_path):
    twins = Twins(world, tmp_path, 'host')
    with our_host(twins) as (commands, observations):
        client = LeKiwiClient(
            LeKiwiClientConfig(
                remote_ip='127.0.0.1',
                port_zmq_cmd=commands,
                port_zmq_observations=observations,
                cameras={},
            )
        )
        client.connect()
        assert list(client.action_features) == list(twins.ours.action_features)

        def drive():
            client.send_action(POSE | {'x.vel': 0.1, 'y.vel': 0.0, 'theta.vel': 30.0})
            seen = client.get_observation()
            return seen and seen['x.vel'] == pytest.approx(0.1, abs=1e-3) and seen

        seen = until(drive)
        assert seen['theta.vel'] == pytest.approx(30.0, abs=0.5)
        seen = until(lambda: (found := drive()) and _is_near(found, POSE) and found)
        until(lambda: client.get_observation()['x.vel'] == 0.0)  # by its watchdog
        client.disconnect()


@contextlib.contextmanager
def their_host(twins, monkeypatch):
    """Run LeRobot's own host, held to this machine, which it does not do itself."""
    ports = [_free_port(), _free_port()]
    bind = zmq.Socket.bind
    monkeypatch.setattr(
        zmq.Socket, 'bind', lambda self, where: bind(self, where.replace('*', '127.0.0.1'))
    )
    connect_patiently(twins.lerobot)
    monkeypatch.setattr(twins.lerobot, 'connect', lambda: None)
    # Its bus has no retries: on a busy machine one late reply would end their host.
    for name in ('get_observation', 'send_action', 'stop_base'):
        monkeypatch.setattr(twins.lerobot, name, _patient(getattr(twins.lerobot, name)))
    host = lekiwi_host.LeKiwiHost(LeKiwiHostConfig(*ports, connection_time_s=600))
    monkeypatch.setattr(lekiwi_host, 'LeKiwi', lambda config: twins.lerobot)
    monkeypatch.setattr(lekiwi_host, 'LeKiwiHost', lambda config: host)
    config = lekiwi_host.LeKiwiServerConfig()
    thread = threading.Thread(target=lekiwi_host.main, args=(config,))
    thread.start()
    try:
        yield ports
    finally:
        host.connection_time_s = 0
        thread.join()


def _patient(ask):
    def asked(*arguments):
        for _ in range(5):
            with contextlib.suppress(ConnectionError):
                return ask(*arguments)
        return ask(*arguments)

    return asked


@pytest.mark.parametrize('ends', ['told', 'killed'])
def test_our_client_drives_lerobots_host(world, tmp_path, monkeypatch, ends):
    twins = Twins(world, tmp_path, f'client-{ends}')
    with their_host(twins, monkeypatch) as (commands, observations):
        client = make_robot(
            RobotConfig(
                type='lekiwi_client',
                remote_ip='127.0.0.1',
                port_zmq_cmd=commands,
                port_zmq_observations=observations,
                connect_timeout_s=20.0,
            )
        )
        client.connect()
        assert list(client.action_features) == [*POSE, *AXES]
        before = client.get_observation()
        client.base.drive(np.array([0.0, 0.0, 0.1]))
        time.sleep(0.3)
        assert _is_near(client.get_observation(), {key: before[key] for key in POSE}), 'no jump'

        def drive():
            client.send_action(POSE | {'x.vel': 0.1, 'y.vel': 0.0, 'theta.vel': 30.0})
            try:
                seen = client.get_observation()
            except DeviceError:  # their host, on a busy machine, is silent for half a second
                return False
            return seen['x.vel'] == pytest.approx(0.1, abs=1e-3) and _is_near(seen, POSE)

        until(drive)
        if ends == 'told':
            client.disconnect()
        truth = world.truth(twins.device)
        until(lambda: not any(_wheels(world, twins.device)))
        assert truth['place'][2] > 0.0
        client.disconnect()


def _wheels(world, device):
    moving = world.truth(device)['velocity']
    return [abs(v) > 1e-3 for name, v in moving.items() if name.startswith('base_')]


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _is_near(seen, pose):
    return all(abs(float(seen[key]) - value) < 3.0 for key, value in pose.items())
