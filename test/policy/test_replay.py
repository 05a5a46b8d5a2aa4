"""Replaying a recorded episode: the right actions, in the right units, at the right time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from spoilt_dataset import set_value

from lerobot_drivers.common.errors import ConfigError, DatasetError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.replay import ReplayPolicy
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.record import EpisodeRecord

FPS = 25
DEGREES = JointUnit(NormMode.DEGREES)
JOINTS = (JointSpec('pan', unit=DEGREES), JointSpec('jaw', unit=DEGREES))
NAMES = ['pan.pos', 'jaw.pos']


def write(root, episodes, names=NAMES, key='action', records=()):
    shape = [len(episodes[0][0])]
    features = {key: {'dtype': 'float32', 'shape': shape, 'names': names}}
    with DatasetWriter.create(root, DatasetInfo(FPS, features)) as writer:
        for number, actions in enumerate(episodes):
            for action in actions:
                writer.add_frame({key: np.array(action, dtype=np.float32)}, {}, 'wave')
            writer.save_episode(records[number] if records else None)
    return root


def replay(root, episode=0, joints=JOINTS):
    return ReplayPolicy(PolicyConfig(type='replay', path=root, episode=episode), joints)


def ramp(frames, offset=0.0):
    return [[k + offset, -k] for k in range(frames)]


def recorded_in(*modes):
    units = {j.name: {'mode': m} for j, m in zip(JOINTS, modes, strict=True) if m}
    mapping = {'features': {'action': {'sources': [{'topic': '/c', 'units': units}]}}}
    return [EpisodeRecord('one', details={'mapping': mapping})]


def test_the_actions_of_the_episode_asked_for(tmp_path):
    policy = replay(write(tmp_path / 'set', [ramp(3), ramp(4, 100.0)]), episode=1)
    assert (policy.fps, policy.action_names) == (FPS, ('pan.pos', 'jaw.pos'))
    assert policy.observation_keys == ('observation.state',)
    given = [policy.select_action({}, k / FPS) for k in range(5)]
    assert [list(action) for action in given[:4]] == [[100, 0], [101, -1], [102, -2], [103, -3]]
    assert given[4] is None


def test_ticks_that_jitter_leave_no_action_out_and_repeat_none(tmp_path):
    policy = replay(write(tmp_path / 'set', [ramp(200)]))
    random = np.random.default_rng(7)
    times = (np.arange(200) + random.uniform(-0.45, 0.45, 200)) / FPS
    given = [policy.select_action({}, float(time_s))[0] for time_s in times]
    assert given == list(range(200))


def test_a_slower_loop_leaves_actions_out_but_keeps_the_time(tmp_path):
    policy = replay(write(tmp_path / 'set', [ramp(100)]))
    assert [policy.select_action({}, k / 5)[0] for k in range(4)] == [0, 5, 10, 15]


def test_before_its_time_there_is_the_first_action_not_one_from_the_end(tmp_path):
    policy = replay(write(tmp_path / 'set', [ramp(50)]))
    assert list(policy.select_action({}, -1.0)) == [0, 0]


def test_one_joint_alone(tmp_path):
    policy = replay(write(tmp_path / 'set', [[[1.0], [2.0]]], names=['jaw.pos']))
    action = policy.select_action({}, 1 / FPS)
    assert action.shape == (1,) and action[0] == 2.0


@pytest.mark.parametrize(
    ('episode', 'told'),
    [(2, 'no episode 2 in .*set; episodes there: 0 to 1'), (-1, 'no episode -1')],
)
def test_an_episode_that_is_not_there(tmp_path, episode, told):
    root = write(tmp_path / 'set', [ramp(3), ramp(3)])
    with pytest.raises(ConfigError, match=told):
        replay(root, episode)


def test_a_dataset_without_episodes(tmp_path, monkeypatch):
    root = write(tmp_path / 'set', [ramp(3)])
    monkeypatch.setattr(DatasetReader, 'num_episodes', 0)
    with pytest.raises(ConfigError, match='episodes there: none'):
        replay(root)


def test_no_path_and_no_dataset(tmp_path):
    with pytest.raises(ConfigError, match=r'policy\.path is missing'):
        ReplayPolicy(PolicyConfig(type='replay'), JOINTS)
    with pytest.raises(DatasetError, match='is no LeRobot dataset'):
        replay(tmp_path)


@pytest.mark.parametrize(
    ('names', 'told'),
    [
        (['pan.pos', 'wing.pos'], r'are pan\.pos, wing\.pos, but the robot has pan\.pos, jaw'),
        (['pan.vel', 'jaw.vel'], r'are pan\.vel'),
        (None, 'are unnamed'),
        ({'motors': ['pan', 'jaw']}, 'are motors'),
    ],
)
def test_actions_of_another_robot(tmp_path, names, told):
    with pytest.raises(ConfigError, match=told):
        replay(write(tmp_path / 'set', [ramp(3)], names=names))


def test_a_dataset_without_actions(tmp_path):
    root = write(tmp_path / 'set', [ramp(3)], key='observation.state')
    with pytest.raises(ConfigError, match='holds no actions'):
        replay(root)


@pytest.mark.parametrize('bad', [math.nan, math.inf])
def test_an_action_that_is_no_number_is_found_before_anything_moves(tmp_path, bad):
    root = write(tmp_path / 'set', [ramp(5)])
    set_value(root, 'action', 3, [bad, 0.0])
    with pytest.raises(ConfigError, match=r'episode 0 of .*the action of frame 3 is'):
        replay(root)


def test_units_of_ours_are_checked(tmp_path):
    root = write(tmp_path / 'same', [ramp(3)], records=recorded_in('degrees', 'degrees'))
    assert replay(root).fps == FPS
    root = write(tmp_path / 'other', [ramp(3)], records=recorded_in('degrees', 'range_m100_100'))
    with pytest.raises(ConfigError, match='with jaw in range_m100_100, but this robot has it in'):
        replay(root)
    root = write(tmp_path / 'rad', [ramp(3)], records=recorded_in(None, 'degrees'))
    with pytest.raises(ConfigError, match=r'with pan in radians.*robot\.use_degrees'):
        replay(root)


def test_a_record_without_units_is_no_obstacle(tmp_path):
    root = write(tmp_path / 'set', [ramp(3)], records=[EpisodeRecord('one', details={'a': 1})])
    assert replay(root).fps == FPS
    (root / 'meta/ros/episodes/one.json').write_text('not json')
    assert replay(root).fps == FPS


def test_actions_that_steps_changed_for_the_dataset_are_not_replayed(tmp_path):
    steps = [{'registry_name': 'relative_actions_processor', 'config': {}}]
    session = {'session': {'processors': {'teleop_action': {'name': 'x', 'steps': steps}}}}
    root = write(tmp_path / 'set', [ramp(3)], records=[EpisodeRecord('one', details=session)])
    with pytest.raises(
        ConfigError, match=r'went through relative_actions_processor of .*postproc'
    ):
        replay(root)
    absolute = [{'type': 'absolute_actions_processor'}]
    config = PolicyConfig(type='replay', path=root, postprocessor=absolute)
    assert ReplayPolicy(config, JOINTS).action_names == ('pan.pos', 'jaw.pos')


def of_two(tmp_path, *modes):
    names = [f'{robot}_{name}' for robot in ('left', 'right') for name in NAMES]
    units = [{'pan': {'mode': mode}, 'jaw': {'mode': mode}} for mode in modes]
    sources = [
        {'topic': f'/{robot}', 'names': [f'{robot}_{name}' for name in NAMES], 'units': unit}
        for robot, unit in zip(('left', 'right'), units, strict=True)
    ]
    record = EpisodeRecord(
        'one', details={'mapping': {'features': {'action': {'sources': sources}}}}
    )
    actions = [[k, -k, 10 * k, -10 * k] for k in range(3)]
    return write(tmp_path / 'set', [actions], names, records=[record])


def of_side(root, side):
    return ReplayPolicy(PolicyConfig(type='replay', path=root, prefix=f'{side}_'), JOINTS)


def test_one_robot_of_several_in_a_dataset(tmp_path):
    root = of_two(tmp_path, 'degrees', 'range_m100_100')
    left = of_side(root, 'left')
    assert left.action_names == tuple(NAMES)
    assert list(left.select_action({}, 2 / FPS)) == [2, -2]
    with pytest.raises(ConfigError, match='recorded with pan in range_m100_100'):
        of_side(root, 'right')
    with pytest.raises(ConfigError, match=r'no action of .* begins with middle_: left_pan'):
        of_side(root, 'middle')


def test_the_other_robot_of_several_has_its_own_numbers(tmp_path):
    right = of_side(of_two(tmp_path, 'degrees', 'degrees'), 'right')
    assert list(right.select_action({}, 2 / FPS)) == [20, -20]
