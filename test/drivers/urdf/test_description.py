"""Which URDF a configured robot has."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.urdf.description import as_told, description_of, missing_joints
from lerobot_drivers.urdf.models import robot_urdf
from lerobot_drivers.urdf.parts import parsed

MINE = '<?xml version="1.0"?><robot name="mine"><link name="base"/></robot>'


def test_it_is_that_of_the_type_and_the_side():
    assert description_of('so100_follower') == robot_urdf('so100_follower')
    left, right = (description_of('hope_jr_hand', side) for side in ('left', 'right'))
    assert left == robot_urdf('hope_jr_hand_left') != right
    assert description_of('stretch3') is None


def test_a_file_comes_before_it_as_it_is(tmp_path):
    path = tmp_path / 'mine.urdf'
    path.write_text(MINE)
    assert description_of('so100_follower', urdf=str(path)) == MINE
    assert description_of('stretch3', urdf=str(path)) == MINE
    assert description_of('so100_follower', urdf='none') is None


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        (None, 'No such file or directory'),
        ('robot: {}', 'syntax error'),
        ('<mujoco/>', 'its root is <mujoco>'),
        ('<robot name="r"/>', 'one root link is needed'),
    ],
)
def test_a_file_that_is_no_urdf_is_one_line(tmp_path, text, told):
    path = tmp_path / 'mine.urdf'
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r'expected a plain URDF file') as caught:
        description_of('so101_follower', urdf=str(path))
    assert told in str(caught.value) and str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_what_is_not_told_of_stands_still():
    text = robot_urdf('reachy2')
    told = as_told(text, ['neck_roll', 'neck_pitch', 'neck_yaw', 'r_gripper'])
    types = {joint.get('name'): joint.get('type') for joint in parsed(told).iterfind('joint')}
    moving = {name for name, kind in types.items() if kind != 'fixed'}
    fingers = {f'r_hand_{f}_{part}' for f in ('near', 'far') for part in ('proximal', 'distal')}
    assert moving == {'neck_roll', 'neck_pitch', 'neck_yaw', 'r_gripper', *fingers}
    assert types.keys() == {j.get('name') for j in parsed(text).iterfind('joint')}
    assert as_told(told, moving) is told


def test_joints_it_lacks_are_named():
    assert missing_joints(robot_urdf('viperx'), ['waist', 'left_waist', 'gripper']) == [
        'left_waist'
    ]
