from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.presets import choose, load_preset, preset_names
from lerobot_recorder.session_file import record_config

DATASET = {'repo_id': 'a/b', 'single_task': 'x'}
IMG, JS = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/JointState'
ARR = 'std_msgs/msg/Float64MultiArray'
DEPTH = '/camera/camera/aligned_depth_to_color/image_raw'


def topics_of(chosen) -> list[str]:
    features = [*chosen.features.values(), *chosen.native.values()]
    return [s['topic'] for entry in features for s in entry.get('sources', [entry])]


@pytest.mark.parametrize('name', preset_names())
def test_every_preset_makes_a_valid_mapping_anywhere(name):
    preset = load_preset(name)
    everything = {**preset.if_there, **preset.native}
    there = {e['topic'].replace('{ns}', '/left') for e in everything.values()}
    chosen = choose({name: '/left/'}, dict.fromkeys(there, JS))
    assert set(preset.native) == set(chosen.native)
    assert set(preset.if_there) <= set(chosen.features)
    mapping = build_mapping({'features': chosen.features, 'native': chosen.native}, name)
    assert all(topic.startswith('/left/') for topic in mapping.topics()), mapping.topics()
    at_root = choose({name: ''}, {})
    assert not [topic for topic in topics_of(at_root) if '{' in topic or topic.startswith('//')]
    assert preset.about and '\n' not in preset.about


def test_what_is_not_there_is_left_out():
    assert list(choose('realsense', {}).features) == ['observation.images.camera']
    assert list(choose('realsense', {DEPTH: IMG}).features)[1:] == [
        'observation.images.camera_depth'
    ]
    assert choose('ur', {}).native == {}


def test_several_presets_make_one_mapping():
    chosen = choose(['ur', 'realsense'], {})
    assert list(chosen.features) == ['observation.state', 'action', 'observation.images.camera']
    assert chosen.robot_type == 'ur'
    assert topics_of(choose({'ur': '/left', 'realsense': None}, {})) == [
        '/left/joint_states', '/left/forward_position_controller/commands',
        '/camera/camera/color/image_raw',
    ]  # fmt: skip


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match=r"no preset 'ur5'; known: aloha, .*, ur, "):
        choose('ur5', {})
    with pytest.raises(ConfigError, match=r'ur_trajectory and another preset both make action, '):
        choose(['ur', 'ur_trajectory'], {})


def mapping(topics: dict[str, str], **recorder):
    config = record_config({'dataset': DATASET, 'attach': True, 'recorder': recorder}, 'test')
    return config.mapping('/', topics)


def test_the_graph_gives_what_a_preset_does_not_name():
    there = {'/joint_states': JS, '/forward_position_controller/commands': ARR,
             '/front/image_raw': IMG}  # fmt: skip
    made = mapping(there, preset='ur')
    assert made.robot_type == 'ur'
    assert made.features['action'].sources[0].joints[0] == 'shoulder_pan_joint'
    assert 'observation.images.front' in made.features
    made = mapping({**there, '/camera/camera/color/image_raw': IMG}, preset='realsense')
    assert made.topics() == [*list(there)[:2], '/camera/camera/color/image_raw']
    assert mapping(there, preset='ur', robot_type='ur5e').robot_type == 'ur5e'


def test_a_preset_that_would_have_no_say_is_refused():
    with pytest.raises(ConfigError, match=r'preset has no say beside recorder\.features'):
        mapping({}, preset='ur', features={'action': {'topic': '/x'}})
    ours = {'type': 'so101_follower', 'port': 'sim://t/arm'}
    with pytest.raises(ConfigError, match='preset has no say beside the robot'):
        record_config({'dataset': DATASET, 'robot': ours, 'recorder': {'preset': 'ur'}}, 'test')
    with pytest.raises(ConfigError, match="no preset 'ur5'"):
        record_config({'dataset': DATASET, 'recorder': {'preset': 'ur5'}}, 'test')
