"""Cameras of two arms come together under LeRobot's names, and none is lost."""

from pathlib import Path

import pytest

from lerobot_drivers.common.arm_cameras import cameras_of, without_cameras
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.graph import robot_processes
from lerobot_drivers.robots.config import RobotConfig


def camera(number):
    return {'index_or_path': number, 'width': 64, 'height': 48, 'fps': 30}


SECTION = {
    'type': 'bi_so_follower',
    'cameras': {'front': camera(0)},
    'left_arm_config': {'port': '/dev/a', 'cameras': {'wrist': camera(1)}},
    'right_arm_config': {'port': '/dev/b', 'cameras': {'wrist': camera(2)}},
}
NAMES = ['left_wrist', 'front', 'right_wrist']


def test_they_are_named_after_their_arms():
    config = build(RobotConfig, SECTION, 'robot')
    assert list(config.cameras) == list(cameras_of(SECTION)) == NAMES
    assert config.cameras['right_wrist'].index_or_path == 2
    assert config.left_arm_config.cameras == {}


def test_one_name_is_one_camera():
    doubled = {**SECTION, 'cameras': {'left_wrist': camera(0)}}
    with pytest.raises(ConfigError, match='both come to be left_wrist'):
        build(RobotConfig, doubled, 'robot')
    with pytest.raises(ConfigError, match='both come to be left_wrist'):
        cameras_of(doubled)


def test_they_can_be_left_out():
    bare = without_cameras(SECTION)
    assert cameras_of(bare) == {}
    assert bare['left_arm_config']['port'] == '/dev/a'
    assert cameras_of({'type': 'x', 'left_arm_config': None}) == {}


def test_each_has_a_node():
    specs = robot_processes({'robot': SECTION}, Path('/s.yaml'))
    cameras = [spec.parameters['camera'] for spec in specs if 'camera' in spec.parameters]
    assert cameras == NAMES
