"""The steps around a policy: what it sees is what the dataset holds, what it asks is undone."""

from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, PolicyError, ProcessorError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_policy.config import PolicyConfig
from lerobot_policy.inference_loop import policy_mapping
from lerobot_policy.processors import make_policy_processors
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.row_plan import Row
from lerobot_recorder.row_processor import make_row_processor

JOINTS = (
    JointSpec('pan', unit=JointUnit(NormMode.DEGREES)),
    JointSpec('jaw', unit=JointUnit(NormMode.RANGE_0_100, 0.0, 2.0)),
)
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
FEATURES = {
    'observation.state': {'dtype': 'float32', 'shape': [2], 'names': ['pan.pos', 'jaw.pos']},
    'observation.images.front': {
        'dtype': 'video', 'shape': [8, 10, 3], 'names': ['height', 'width', 'channels'],
    },
}  # fmt: skip
ROW = Row(
    {'observation.state': np.array([10.0, 50.0], np.float32)},
    {'observation.images.front': ArrayPicture(PIXELS)},
)
OBSERVATION_STEPS = [
    {'type': 'rename_observations_processor', 'rename_map': {'front': 'top'}},
    {'type': 'image_crop_resize_processor', 'crop_params_dict': {'top': [0, 0, 4, 6]}},
    {'type': 'scale_joints_processor', 'scale': {'pan': 0.5}},
]


class Line:
    fps = 30
    action_names = ('pan.pos', 'jaw.pos')
    observation_keys: tuple[str, ...] = ('observation.state',)
    sees_robot = False


class Seeing(Line):
    observation_keys = ('observation.state', 'observation.images.top')


def processors(policy=None, processor=None, **config):
    section = build(ProcessorConfig, processor or {}, 'processor')
    settings = build(PolicyConfig, {'type': 'line', **config}, 'policy')
    return make_policy_processors(policy or Line(), JOINTS, settings, section)


def test_a_policy_sees_what_the_dataset_holds():
    section = {'robot_observation': OBSERVATION_STEPS}
    made = processors(Seeing(), section)
    assert made.needs_all
    seen = made.observed(ROW, lambda: FEATURES)
    rows = make_row_processor(build(ProcessorConfig, section, 'processor'))
    rows.features(FEATURES)
    values, pictures = rows.row(ROW.values, ROW.pictures)
    assert np.array_equal(seen['observation.state'], values['observation.state'])
    assert seen['observation.state'][0] == 5.0
    top = seen['observation.images.top']
    assert np.array_equal(top, pictures['observation.images.top'].rgb())
    assert np.array_equal(top, PIXELS[:4, :6])


def test_then_comes_its_preprocessor():
    made = processors(Line(), preprocessor=['to_batch_processor'])
    assert not made.needs_all
    assert made.observed(ROW, lambda: FEATURES)['observation.state'].shape == (1, 2)


def test_a_policy_without_a_dataset_sees_the_robot():
    class Blind(Line):
        sees_robot = True

    made = processors(Blind(), {'robot_observation': OBSERVATION_STEPS[2:]})
    assert not made.needs_all
    assert made.observed(ROW, lambda: FEATURES)['observation.state'][0] == 10.0


def test_what_the_steps_do_not_give_is_told():
    made = processors(Seeing(), {'robot_observation': OBSERVATION_STEPS[2:]})
    with pytest.raises(PolicyError, match=r'looks at observation.images.top, .* there are observ'):
        made.observed(ROW, lambda: FEATURES)


def test_relative_actions_are_made_absolute_where_the_robot_is():
    made = processors(postprocessor=[{'type': 'absolute_actions_processor'}])
    assert made.asked({'pan.pos': 1.0, 'jaw.pos': -5.0}, ROW) == {'pan.pos': 11.0, 'jaw.pos': 45.0}


def test_renamed_actions_are_named_back():
    class Renamed(Line):
        action_names = ('joint_1.pos', 'jaw.pos')

    back = {'type': 'rename_actions_processor', 'rename_map': {'joint_1.pos': 'pan.pos'}}
    assert processors(Renamed(), postprocessor=[back]).action_names == ('pan.pos', 'jaw.pos')
    assert processors(Renamed()).action_names == ('joint_1.pos', 'jaw.pos')


def test_a_postprocessor_that_fails_is_told():
    made = processors(postprocessor=[{'type': 'scale_joints_processor', 'scale': {'pan': 1e308}}])
    with pytest.raises(ProcessorError, match=r'policy\.postprocessor step 1'):
        made.asked({'pan.pos': 1e10, 'jaw.pos': 0.0}, ROW)


def test_with_steps_the_policy_hears_all_that_the_robot_shows():
    topics = {key: {'topic': f'/{key}'} for key in (*FEATURES, 'action')}
    plain = policy_mapping(Line(), topics, 30)
    assert list(plain.features) == ['observation.state']
    assert list(policy_mapping(Seeing(), topics, 30, needs_all=True).features) == list(FEATURES)
    with pytest.raises(ConfigError, match=r'looks at observation\.images\.top'):
        policy_mapping(Seeing(), topics, 30)
