"""Real LeRobot at both arms of a world with physics: its leader is led, its follower follows."""

from __future__ import annotations

import importlib.util
import time

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
if importlib.util.find_spec('mujoco') is None:
    pytest.skip('mujoco is not installed (extra sim)', allow_module_level=True)

from lerobot.robots.so_follower import SO101Follower, SO101FollowerConfig
from lerobot.teleoperators.so_leader import SO101Leader, SO101LeaderConfig
from lerobot_twins import connect_patiently

from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.lerobot

PERIOD_S = 0.02
PATIENCE_S = 30.0


@pytest.fixture(scope='module')
def world():
    with SimClient('compat-twin.mujoco') as client:
        yield client


def made(world, folder, name, kinds):
    driver, config = kinds
    model = 'so101_leader' if name == 'leader' else 'so101_follower'
    attached = world.attach_arm(name, model)
    save_calibration(folder / f'{name}.json', parse_calibration(attached.calibration, name))
    return driver(config(port=attached.port, id=name, calibration_dir=folder, use_degrees=True))


def test_its_drivers_bring_the_cube_off_the_table(world, tmp_path):
    follower = made(world, tmp_path, 'follower', (SO101Follower, SO101FollowerConfig))
    leader = made(world, tmp_path, 'leader', (SO101Leader, SO101LeaderConfig))
    world.ask_operator('leader', 'wait')
    connect_patiently(follower)
    connect_patiently(leader)
    world.ask_operator('leader', 'begin')
    end = time.monotonic() + PATIENCE_S
    while world.task()['position'][2] < 0.04:
        assert time.monotonic() < end, 'the cube was not lifted'
        follower.send_action(leader.get_action())
        time.sleep(PERIOD_S)
    seen, truth = follower.get_observation(), world.truth('follower')['position']
    for name in ('shoulder_lift', 'elbow_flex', 'wrist_flex'):
        assert seen[f'{name}.pos'] == pytest.approx(truth[name] * 180 / 3.14159265, abs=4.0)
    leader.disconnect()
    follower.disconnect()
