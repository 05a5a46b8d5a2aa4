"""Several robots as datasets see them: side by side, or each by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lerobot_recorder.capture import Capture
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_group import CaptureGroup, RecorderGroup
from lerobot_recorder.session_facts import session_facts
from lerobot_recorder.session_file import record_config

CAMERA = {'index_or_path': 0, 'width': 64, 'height': 48, 'fps': 30}


def member(name, camera):
    arm = {'type': 'so101_follower', 'id': name, 'port': f'sim://t/{name.split()[0]}'}
    return {'robot': {**arm, 'cameras': {camera: {**CAMERA, 'index_or_path': camera}}}}


def session(datasets='one', root=None):
    members = [member('left', 'front'), member('right arm', 'side')]
    dataset = {'repo_id': 'me/set', 'single_task': 'fold', **({'root': root} if root else {})}
    robots = {'members': members, 'datasets': datasets}
    return record_config({'robots': robots, 'dataset': dataset, 'attach': False}, 'file')


def test_one_dataset_holds_them_side_by_side():
    config = session()
    assert not config.needs_graph
    mapping = config.mapping('/', {})
    state = mapping.features['observation.state']
    assert [source.topic for source in state.sources] == [
        '/left/joint_states', '/right_arm/joint_states',
    ]  # fmt: skip
    names = [name for source in state.sources for name in source.names]
    assert names[0] == 'left_shoulder_pan.pos' and names[6] == 'right_arm_shoulder_pan.pos'
    assert len(names) == len(set(names)) == 12
    assert [source.topic for source in mapping.features['action'].sources] == [
        '/left/joint_commands', '/right_arm/joint_commands',
    ]  # fmt: skip
    images = {k: f.sources[0].topic for k, f in mapping.features.items() if 'images' in k}
    assert images == {
        'observation.images.left_front': '/left/front/image_raw',
        'observation.images.right_arm_side': '/right_arm/side/image_raw',
    }
    assert mapping.robot_type == 'so_follower+so_follower'


def test_units_of_equal_joints_are_kept_apart():
    config = session()
    units = config.facts(config.mapping('/', {})).units['observation.state']
    assert len(units) == 12 and units['left_gripper.pos'] == 'range_0_100'
    assert units['right_arm_shoulder_pan.pos'] == 'degrees'


def test_a_dataset_for_each():
    config = session('each', root='/data/set')
    assert config.folders == [Path('/data/set_left'), Path('/data/set_right_arm')]
    parts = config.parts
    assert [part.dataset.repo_id for part in parts.values()] == ['me/set_left', 'me/set_right_arm']
    mapping = parts['right_arm'].mapping('/', {})
    assert list(mapping.features) == ['observation.state', 'action', 'observation.images.side']
    assert mapping.features['action'].sources[0].topic == '/right_arm/joint_commands'
    assert mapping.features['action'].sources[0].names is None, 'no prefix where it is alone'
    assert mapping.robot_type == 'so_follower'
    assert next(iter(parts['left'].facts(mapping).units['action'])) == 'shoulder_pan'
    assert parts['left'].parts == {'': parts['left']}


@pytest.mark.parametrize(
    ('datasets', 'kinds'),
    [('one', (Capture, Recorder)), ('each', (CaptureGroup, RecorderGroup))],
)
def test_who_records(datasets, kinds):
    config = session(datasets)
    mapping = config.mapping('/', {})
    capture = config.capture(mapping)
    recorder = config.make_recorder(mapping, capture, 0, {name: [] for name in config.parts})
    assert (type(capture), type(recorder)) == kinds
    assert set(capture.topics()) >= set(mapping.topics())


def test_what_is_known_of_each_arm_is_kept_by_its_name():
    facts = session_facts(session().sections)
    assert {'calibration.robot.left', 'calibration.robot.right_arm'} <= set(facts.missing)
    alone = session('each').parts['left']
    assert 'calibration.robot' in session_facts(alone.sections).missing


@pytest.mark.parametrize('datasets', ['one', 'each'])
def test_commands_sent_are_each_robots_own_whoever_comes_first(datasets):
    config = session(datasets)
    capture = config.capture(config.mapping('/', {}))
    kind = 'sensor_msgs/msg/JointState'
    sent = {f'/{name}/joint_commands_sent': kind for name in ('right_arm', 'left')}
    capture.look({'/right_arm/joint_commands_sent': kind})
    capture.look(sent)
    captures = capture.captures.values() if datasets == 'each' else [capture]
    kept = [topic for each in captures for topic in each.native_topics()]
    assert sorted(kept) == sorted(sent)
    if datasets == 'each':
        assert capture.captures['left'].native_topics() == ['/left/joint_commands_sent']
