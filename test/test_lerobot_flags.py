"""No flag of LeRobot's is dropped: each reaches its setting, or is refused with the reason."""

from __future__ import annotations

import pytest
from lerobot_flags import (
    CAMERA,
    DATASET_VIZ,
    RECORD,
    REPLAY,
    TELEOPERATE,
    WRONG_VALUES,
    Refused,
    Taken,
)

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import build, parse_flags
from lerobot_drivers.common.errors import ConfigError, LerobotRosError, UsageError
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_drivers.robots.so_follower import SOFollower
from lerobot_policy.commands import replay
from lerobot_recorder.commands import dataset_viz
from lerobot_recorder.commands.record import read_session
from lerobot_recorder.lerobot_flags import LeRobotFlags
from lerobot_teleop.commands import teleoperate
from lerobot_teleop.teleoperators.config import TeleopConfig

BASE = {
    'dataset.repo_id': 'me/set',
    'dataset.single_task': 'fold',
    'robot.type': 'so101_follower',
    'robot.port': 'sim://t/arm',
    'teleop.type': 'so101_leader',
    'teleop.port': 'sim://t/leader',
}
CAMERA_BASE = {'index_or_path': 0, 'width': 640, 'height': 480, 'fps': 30}


def session(flag: str, value: str):
    """Return what a command line with one flag more comes to."""
    fate = RECORD.get(flag)
    target = fate.key or flag if isinstance(fate, Taken) else flag
    base = {key: text for key, text in BASE.items() if key != target}
    return read_session([*(f'--{k}={v}' for k, v in base.items()), f'--{flag}={value}'])


def value_at(config, key: str):
    """Return what a session's sections hold under a dotted key."""
    found = config.sections
    for part in key.split('.'):
        found = found[part]
    return found


@pytest.mark.parametrize('flag', [flag for flag, fate in RECORD.items() if type(fate) is Taken])
def test_a_flag_that_is_taken_reaches_its_setting(flag):
    fate = RECORD[flag]
    config = session(flag, fate.value)
    key = fate.key or flag
    expected = value_at_parsed(key, fate.value)
    assert value_at(config, key) == expected
    section, *path = key.split('.')
    built = {'dataset': lambda: config.dataset, 'robot': lambda: config.robot}.get(section)
    if section == 'teleop':
        built = lambda: build(TeleopConfig, config.sections['teleop'], 'teleop')  # noqa: E731
    if built is not None:
        found = built()
        for part in path:
            found = getattr(found, part)
        assert str(found) == str(expected)


def value_at_parsed(key: str, text: str):
    """Return a flag's value as YAML reads it."""
    found = parse_flags([f'--{key}={text}'])
    for part in key.split('.'):
        found = found[part]
    return found


REFUSED = [(flag, fate) for flag, fate in RECORD.items() if type(fate) is Refused]


@pytest.mark.parametrize(('flag', 'fate'), [*REFUSED, *WRONG_VALUES.items()])
def test_a_flag_that_cannot_be_obeyed_is_refused_with_the_reason(flag, fate):
    with pytest.raises(LerobotRosError, match=fate.told) as caught:
        session(flag, fate.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('key', CAMERA)
def test_keys_of_a_camera(key):
    fate = CAMERA[key]
    value = value_at_parsed(key, fate.value)
    values = {**CAMERA_BASE, key: value}
    if type(fate) is Refused:
        with pytest.raises(ConfigError, match=fate.told):
            build(CameraConfig, values, 'camera')
    else:
        assert getattr(build(CameraConfig, values, 'camera'), key) == value


@pytest.mark.parametrize(
    ('key', 'lerobots', 'ours'),
    [
        ('color_mode', 'RGB', 'rgb'),
        ('rotation', 'ROTATE_270', -90),
        ('rotation', 'NO_ROTATION', 0),
        ('backend', 200, 'V4L2'),
        ('backend', 0, 'ANY'),
    ],
)
def test_lerobots_names_of_values_of_a_camera(key, lerobots, ours):
    assert getattr(build(CameraConfig, {**CAMERA_BASE, key: lerobots}, 'camera'), key) == ours


@pytest.mark.parametrize(
    ('key', 'value'), [('fourcc', 'MJPEG'), ('rotation', 'ROTATE_45'), ('backend', 'DSHOW')]
)
def test_values_that_no_camera_here_can_obey(key, value):
    with pytest.raises(ConfigError, match=f'camera.{key}'):
        build(CameraConfig, {**CAMERA_BASE, key: value}, 'camera')


def test_the_settings_reach_the_encoder():
    config = session('dataset.encoder_threads', '3').dataset
    features = {'observation.images.a': {'dtype': 'video', 'shape': [32, 32, 3], 'names': None}}
    assert config.info(features, 'x').video.options()['threads'] == '3'
    assert LeRobotFlags().encoder_threads is None


def test_gains_reach_the_motors():
    config = RobotConfig(type='so101_follower', port='sim://t/arm', position_p_coefficient=7)
    made = SOFollower(config)._registers()
    assert {registers['P_Coefficient'] for registers in made.values()} == {7}
    assert made['gripper']['Max_Torque_Limit'] == 500


OTHERS = {
    'teleoperate': (TELEOPERATE, teleoperate.KNOWN, {}),
    'replay': (REPLAY, replay.KNOWN, {'dataset': replay.DATASET_KEYS}),
    'dataset-viz': (
        DATASET_VIZ,
        ('dataset', *dataset_viz.SETTINGS),
        {'dataset': dataset_viz.DATASET_KEYS},
    ),
}


@pytest.mark.parametrize(
    ('command', 'flag'), [(name, flag) for name, (table, *_) in OTHERS.items() for flag in table]
)
def test_flags_of_the_other_commands(command, flag):
    table, known, keys = OTHERS[command]
    fate = table[flag]
    if type(fate) is Refused:
        with pytest.raises(UsageError, match=fate.told):
            read_sections([f'--{flag}={fate.value}'], known, keys)
        return
    found = read_sections([f'--{flag}={fate.value}'], known, keys)
    for part in (fate.key or flag).split('.'):
        found = found[part]
    assert found == value_at_parsed(fate.key or flag, fate.value)
