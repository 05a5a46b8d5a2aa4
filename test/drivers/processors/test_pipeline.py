"""Pipelines out of a configuration: what is made, what is refused, what is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, ProcessorError
from lerobot_drivers.processors import ACTION, OBSERVATION, ObservationProcessorStep
from lerobot_drivers.processors.config import ProcessorConfig, postprocessor
from lerobot_drivers.processors.factory import STEPS, make_pipeline

CLIP = {'type': 'clip_joints_processor', 'limits': {'a': [0, 1]}}
SCALE = {'type': 'scale_joints_processor', 'scale': {'a': 2}}
OWN = """
from dataclasses import dataclass
from lerobot_drivers.processors import ObservationProcessorStep, ProcessorStep

@dataclass
class Add(ObservationProcessorStep):
    key: str
    amount: float = 1.0

    def transform_features(self, features):
        seen = features['observation']
        return {**features, 'observation': {**seen, self.key: float}}

    def observation(self, observation):
        return {**observation, self.key: self.amount}

class Plain(ObservationProcessorStep):
    def __init__(self, limit):
        if limit < 0:
            raise ValueError('limit must not be negative')

    def observation(self, observation):
        return {key: 1.0 / value for key, value in observation.items()}

class Liar(ObservationProcessorStep):
    def observation(self, observation):
        return {**observation, 'more': 1.0}

class Other:
    pass
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / 'own_steps.py'
    path.write_text(OWN)
    return str(path)


@pytest.mark.parametrize('name', STEPS.names())
def test_every_step_of_the_table_is_there(name):
    assert STEPS.load(name).places or name == 'image_augmentation_processor'


def test_steps_work_in_their_order():
    pipeline = make_pipeline('robot_action', [SCALE, CLIP])
    features = {ACTION: {'a.pos': float, 'b.pos': float}}
    assert pipeline.transform_features(features) == features
    made = pipeline({ACTION: {'a.pos': 0.75, 'b.pos': 9.0}})
    assert made == {ACTION: {'a.pos': 1.0, 'b.pos': 9.0}}
    other = make_pipeline('robot_action', [CLIP, SCALE])
    other.transform_features(features)
    assert other({ACTION: {'a.pos': 0.75, 'b.pos': 9.0}})[ACTION]['a.pos'] == 1.5


@pytest.mark.parametrize(
    ('place', 'entry', 'told'),
    [
        (
            'robot_observation',
            'nope',
            r"step 1 \(nope\): unknown .* 'nope'; known types: .*clip_jo",
        ),
        ('robot_observation', {'limits': {}}, 'step 1: type is missing'),
        ('preprocessor', 'normalizer_processor', 'comes with its checkpoint'),
        ('robot_observation', 'to_batch_processor', 'policy.preprocessor is its place'),
        ('teleop_action', 'device_processor', 'policy.preprocessor is its place'),
        ('robot_observation', 'rename_actions_processor', 'works on actions'),
        ('robot_action', 'rename_observations_processor', 'robot_observation is its place'),
        ('robot_action', 'relative_actions_processor', 'must see where the robot is'),
        ('teleop_action', 'absolute_actions_processor', 'policy.postprocessor is its place'),
        ('preprocessor', CLIP, 'joints have no names there'),
        ('robot_observation', 'image_augmentation_processor', 'dataset.augmentation is its place'),
        ('robot_action', {**CLIP, 'limit': 3}, r"has no setting 'limit'; it has limits"),
        (
            'robot_action',
            {'type': CLIP['type'], 'limits': {'a': [2, 1]}},
            r'limits of a .* 2.0 > 1',
        ),
        ('robot_action', {'type': CLIP['type'], 'limits': 'x'}, r'limits: .*found .x'),
        ('robot_action', {'type': CLIP['type']}, 'limits is missing'),
        ('robot_action', 'not_a_module_of_anybody:Step', 'cannot be imported'),
        ('robot_action', 'nowhere.py:Step', 'there is no file /'),
        ('robot_action', 'json:JSONDecoder', 'is no step'),
        ('robot_action', 'json:loads', 'is no class'),
    ],
)
def test_what_cannot_be_made_is_told_in_one_line(place, entry, told):
    with pytest.raises(ConfigError, match=told) as raised:
        make_pipeline(place, [entry])
    section = 'policy' if place == 'preprocessor' else 'processor'
    assert str(raised.value).startswith(f'{section}.{place} step 1')
    assert '\n' not in str(raised.value)


def test_a_class_of_ones_own_in_a_file(own):
    entry = {'type': f'{own}:Add', 'key': 'light', 'amount': 3}
    pipeline = make_pipeline('robot_observation', [entry])
    made = pipeline.transform_features({OBSERVATION: {'a.pos': float}})
    assert made == {OBSERVATION: {'a.pos': float, 'light': float}}
    assert pipeline({OBSERVATION: {'a.pos': 1.0}})[OBSERVATION] == {'a.pos': 1.0, 'light': 3.0}
    assert pipeline.document() == {
        'name': 'robot_observation_processor',
        'steps': [{'class': f'{own}:Add', 'config': {'key': 'light', 'amount': 3.0}}],
    }


def test_a_class_of_ones_own_in_a_module(own, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(own).parent))
    (named,) = make_pipeline('robot_observation', [{'type': 'own_steps:Plain', 'limit': 1}]).steps
    assert isinstance(named.step, ObservationProcessorStep)
    assert named.document() == {'class': 'own_steps:Plain', 'config': {'limit': 1}}
    sys.modules.pop('own_steps')


@pytest.mark.parametrize(
    ('entry', 'told'),
    [
        ({'type': 'Add', 'key': 'k', 'amount': 'x'}, r'amount: .*found .x'),
        ({'type': 'Add'}, 'key is missing'),
        ({'type': 'Plain', 'limit': -1}, 'limit must not be negative'),
        ({'type': 'Plain'}, "missing 1 required positional argument: 'limit'"),
        ({'type': 'Plain', 'limits': 1}, "no setting 'limits'; it has limit"),
        ({'type': 'Other'}, 'is no step: derive it'),
        ({'type': 'Nobody'}, 'has no Nobody'),
    ],
)
def test_the_settings_of_ones_own_class_are_checked(own, entry, told):
    with pytest.raises(ConfigError, match=told):
        make_pipeline('robot_observation', [{**entry, 'type': f'{own}:{entry["type"]}'}])


def test_a_file_that_cannot_be_run_is_told(tmp_path):
    path = tmp_path / 'broken_steps.py'
    path.write_text('1 / 0')
    with pytest.raises(ConfigError, match='cannot be read: ZeroDivisionError'):
        make_pipeline('robot_action', [f'{path}:Step'])


def test_a_step_that_fails_is_named(own):
    pipeline = make_pipeline('robot_observation', [{'type': f'{own}:Plain', 'limit': 0}])
    pipeline.transform_features({OBSERVATION: {'a.pos': float}})
    with pytest.raises(ProcessorError, match=r'step 1 .*Plain\) failed: ZeroDivisionError'):
        pipeline({OBSERVATION: {'a.pos': 0.0}})


def test_a_step_that_gives_what_it_did_not_say_is_named(own):
    pipeline = make_pipeline('robot_observation', [f'{own}:Liar'])
    pipeline.transform_features({OBSERVATION: {'a.pos': float}})
    with pytest.raises(ProcessorError, match=r'Liar\) gave more, other than its transform_feat'):
        pipeline({OBSERVATION: {'a.pos': 0.0}})


def test_a_policy_gets_the_robots_steps_only_where_a_second_time_changes_nothing():
    config = build(ProcessorConfig, {'robot_action': [CLIP]}, 'processor')
    assert [named.type for named in postprocessor(config, None).steps] == [CLIP['type']]
    assert not postprocessor(config, [])
    both = build(ProcessorConfig, {'robot_action': [CLIP, SCALE]}, 'processor')
    with pytest.raises(ConfigError, match=r'robot_action step 2 \(scale_.* a second time'):
        postprocessor(both, None)
    assert [named.type for named in postprocessor(both, [SCALE]).steps] == [SCALE['type']]
