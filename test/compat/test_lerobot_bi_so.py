"""Real LeRobot's two arms on the emulated buses: same keys, same order, same values as ours."""

from dataclasses import fields

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
pytest.importorskip('scservo_sdk', reason='feetech-servo-sdk is not installed')

from lerobot.robots.bi_so_follower import BiSOFollower, BiSOFollowerConfig
from lerobot.teleoperators.bi_so_leader import BiSOLeader, BiSOLeaderConfig
from lerobot_twins import as_floats, connect_patiently, settle

from lerobot_drivers.common.config import build
from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

pytestmark = pytest.mark.lerobot

WORLD = 'compat-bi-so'
SIDES = ('left', 'right')
CAMERA = {'index_or_path': 0, 'width': 64, 'height': 48, 'fps': 30}


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


def attach(world, folder, name, model):
    """Return the ports of two arms, whose calibrations are in files of ``twin``."""
    ports = {}
    for side in SIDES:
        attached = world.attach_arm(f'{name}_{side}', model)
        known = parse_calibration(attached.calibration, side)
        save_calibration(folder / f'twin_{side}.json', known)
        ports[side] = attached.port
    return ports


def lerobots(kind, config, arm_config, ports, folder, **shared):
    arms = {f'{side}_arm_config': arm_config(port=ports[side]) for side in SIDES}
    return kind(config(id='twin', calibration_dir=folder, **arms, **shared))


def connect(device):
    """Connect LeRobot's arms, each again where a reply came too late."""
    for arm in (device.left_arm, device.right_arm):
        connect_patiently(arm)


def follower_config():
    from lerobot.robots.so_follower import SOFollowerConfig

    return SOFollowerConfig


def test_followers_have_the_same_keys_and_values_in_the_same_order(world, tmp_path):
    ports = attach(world, tmp_path, 'f', 'so101_follower')
    theirs = lerobots(BiSOFollower, BiSOFollowerConfig, follower_config(), ports, tmp_path)
    settings = {
        'id': 'twin',
        'calibration_dir': tmp_path,
        **{f'{side}_arm_port': f'sim://{WORLD}/f_{side}' for side in SIDES},
    }
    ours = make_robot(RobotConfig(type='bi_so_follower', **settings))
    assert list(ours.action_features) == list(theirs.action_features)
    assert ours.name == theirs.name
    connect(theirs)
    action = {key: 3.0 * number - 15.0 for number, key in enumerate(theirs.action_features)}
    action |= {'left_gripper.pos': 30.0, 'right_gripper.pos': 60.0}
    sent = theirs.send_action(dict(action))
    seen = settle(theirs.get_observation)
    theirs.disconnect()
    ours.connect()
    found = settle(ours.get_observation)
    assert list(found) == list(seen)
    # Their motors were limp in between, and ours hold.
    assert as_floats(found) == pytest.approx(as_floats(seen), abs=0.2)
    again = ours.send_action(dict(action))
    assert list(again) == list(sent)
    settled = settle(ours.get_observation)
    ours.disconnect()
    assert as_floats(settled) == pytest.approx(as_floats(seen), abs=0.2)


def test_cameras_of_one_arm_have_the_same_keys(tmp_path):
    from lerobot.cameras.opencv import OpenCVCameraConfig

    own, camera = follower_config(), OpenCVCameraConfig(**CAMERA)
    # LeRobot 0.4.4 has cameras of arms only.
    shared = ['front'] if 'cameras' in {f.name for f in fields(BiSOFollowerConfig)} else []
    arms = {
        f'{side}_arm_config': own(port=f'/dev/{side}', cameras={'wrist': camera}) for side in SIDES
    }
    cameras = {'cameras': dict.fromkeys(shared, camera)} if shared else {}
    settings = {'id': 'twin', 'calibration_dir': tmp_path}
    theirs = BiSOFollower(BiSOFollowerConfig(**settings, **arms, **cameras))
    config = {
        'type': 'bi_so_follower',
        **settings,
        **{
            f'{side}_arm_config': {'port': f'/dev/{side}', 'cameras': {'wrist': CAMERA}}
            for side in SIDES
        },
        'cameras': dict.fromkeys(shared, CAMERA),
    }
    ours = make_robot(build(RobotConfig, config, 'robot'))
    assert list(ours.observation_features.items()) == list(theirs.observation_features.items())


def test_leaders_have_the_same_keys_and_values_in_the_same_order(world, tmp_path):
    from lerobot.teleoperators.so_leader import SOLeaderConfig

    ports = attach(world, tmp_path, 'l', 'so101_leader')
    theirs = lerobots(BiSOLeader, BiSOLeaderConfig, SOLeaderConfig, ports, tmp_path)
    ours = make_teleoperator(
        TeleopConfig(
            type='bi_so_leader',
            id='twin',
            calibration_dir=tmp_path,
            **{f'{side}_arm_port': f'sim://{WORLD}/l_{side}' for side in SIDES},
        )
    )
    assert list(ours.action_features) == list(theirs.action_features)
    connect(theirs)
    world_action = theirs.get_action()
    theirs.disconnect()
    ours.connect()
    action = ours.get_action()
    ours.disconnect()
    assert list(action) == list(world_action)
    # The operator goes on moving between the two readings.
    assert as_floats(action) == pytest.approx(as_floats(world_action), abs=45.0)
