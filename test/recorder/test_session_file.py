from __future__ import annotations

from pathlib import Path

import pytest

from lerobot_drivers.common.errors import ConfigError, StreamError
from lerobot_recorder.config import DatasetConfig, dataset_folder
from lerobot_recorder.session_file import load_record_config, record_config

S = 1_000_000_000
JS, IMG = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
DATASET = {'repo_id': 'me/set', 'single_task': 'fold'}
GRAPH = {'/joint_states': JS, '/joint_commands': JS, '/front/image_raw': IMG}


def test_what_the_session_is(tmp_path):
    path = tmp_path / 'session.yaml'
    path.write_text(
        'dataset: {repo_id: me/set, single_task: fold, fps: 25, episode_time_s: 1.5, '
        'reset_time_s: 0.5, num_episodes: 3}\nrecorder: {prepare_timeout_s: 7}\nmux: {x: 1}\n'
    )
    session = load_record_config(path).session()
    assert (session.task, session.num_episodes, session.episode_frames) == ('fold', 3, 38)
    assert (session.reset_ns, session.timeout_ns) == (S // 2, 7 * S)


def test_somebody_elses_graph_is_guessed():
    config = record_config({'dataset': DATASET, 'topics': {'action': 'none'}}, 'file')
    assert config.needs_graph
    mapping = config.mapping('/follower', GRAPH)
    assert mapping.topics() == ['/joint_states', '/front/image_raw']
    assert mapping.robot_type is None and mapping.fps == 30
    with pytest.raises(StreamError, match='no topic looks like joint states'):
        config.mapping('/follower', {})


def test_a_mapping_of_ones_own_comes_first():
    sections = {
        'dataset': DATASET,
        'recorder': {
            'features': {'observation.images.f': {'topic': '/f'}},
            'reference': 'observation.images.f',
            'mode': 'as_seen',
            'max_gap_s': 2.5,
        },
    }
    config = record_config(sections, 'file')
    assert not config.needs_graph
    mapping = config.mapping('/follower', GRAPH)
    assert mapping.topics() == ['/f'] and mapping.reference == 'observation.images.f'
    assert (mapping.mode.value, mapping.max_gap_s) == ('as_seen', 2.5)


@pytest.mark.parametrize(
    ('sections', 'told'),
    [
        ({}, 'file: section dataset is missing'),
        ({'dataset': {}}, 'dataset.repo_id is missing'),
        ({'dataset': {**DATASET, 'single_task': ' '}}, 'single_task'),
        ({'dataset': None}, '^dataset'),
        ({'dataset': {**DATASET, 'fsp': 3}}, 'dataset.fsp is not a known key'),
        ({'dataset': {**DATASET, 'fps': 'many'}}, "dataset.fps: .*'many'"),
        ({'dataset': {**DATASET, 'fps': 0}}, 'fps must be a whole number above 0, found 0'),
        ({'dataset': {**DATASET, 'num_episodes': 0}}, 'num_episodes must be at least 1'),
        ({'dataset': {**DATASET, 'episode_time_s': 0}}, 'episode_time_s must be above 0'),
        ({'dataset': {**DATASET, 'reset_time_s': -1}}, 'reset_time_s must be not negative'),
        (
            {'dataset': {**DATASET, 'push_to_hub': 'late'}},
            'push_to_hub must be true, false or',
        ),
        ({'dataset': {**DATASET, 'rgb_encoder': {'crv': 1}}}, 'dataset.rgb_encoder.crv is not a'),
        ({'dataset': DATASET, 'recorder': {'speed': 1}}, 'recorder.speed is not a known key'),
        ({'dataset': DATASET, 'recorder': {'features': []}}, 'recorder.features: .*found'),
        ({'dataset': DATASET, 'topics': {'camera': {}}}, 'topics.camera is not a known key'),
        ({'dataset': DATASET, 'robot': {'port': 'x'}}, 'robot.type is missing'),
    ],
)
def test_a_mistake_gives_one_line_that_names_the_key(sections, told):
    with pytest.raises(ConfigError, match=told) as caught:
        record_config(sections, 'file')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('recorder', 'told'),
    [
        ({'mode': 'fast'}, "recorder.mode: .*'fast'"),
        ({'reference': 'observation.images.x'}, "reference 'observation.images.x' is not one of"),
        ({'features': {'a': {'topci': 1}}}, 'recorder.features.a'),
    ],
)
def test_a_mistake_in_the_mapping_is_told_before_anything_runs(recorder, told):
    config = record_config({'dataset': DATASET, 'recorder': recorder}, 'file')
    with pytest.raises(ConfigError, match=told):
        config.mapping('/follower', GRAPH)


def test_where_a_dataset_lies(monkeypatch):
    monkeypatch.setenv('HF_LEROBOT_HOME', '/data/lerobot')
    assert dataset_folder('me/set') == Path('/data/lerobot/me/set')
    monkeypatch.delenv('HF_LEROBOT_HOME')
    monkeypatch.setenv('HF_HOME', '/data/hf')
    assert DatasetConfig(**DATASET).folder == Path('/data/hf/lerobot/me/set')
    assert DatasetConfig(**DATASET, root=Path('/x')).folder == Path('/x')


@pytest.mark.parametrize('repo_id', ['', '/etc/passwd', '../up', 'me/../../up'])
def test_a_dataset_does_not_leave_its_place(repo_id):
    with pytest.raises(ConfigError, match='must look like user/name'):
        dataset_folder(repo_id)


@pytest.mark.parametrize(('seconds', 'frames'), [(0.001, 1), (1.0, 30), (0.35, 10), (2.51, 75)])
def test_the_length_of_an_episode_in_rows(seconds, frames):
    assert DatasetConfig(**DATASET, episode_time_s=seconds).episode_frames == frames
