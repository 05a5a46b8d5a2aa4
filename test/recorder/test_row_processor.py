"""Steps on rows: how rows and features are taken apart and put together, and what fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recording_stage import PIXELS, Stage, lengths

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, ProcessorError
from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_recorder.dataset.picture import ArrayDepth, ArrayPicture
from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.row_processor import RowProcessor, make_row_processor

NAMES = ['height', 'width', 'channels']
DEPTH_INFO = {'is_depth_map': True, 'depth_unit': 'mm'}
FEATURES = {
    'observation.state': {'dtype': 'float32', 'shape': [2], 'names': ['a.pos', 'b.pos']},
    'observation.images.front': {'dtype': 'video', 'shape': [16, 16, 3], 'names': NAMES},
    'observation.wrench': {'dtype': 'float32', 'shape': [4, 3], 'names': ['x', 'y', 'z']},
    'observation.images.deep': {
        'dtype': 'video', 'shape': [16, 16, 1], 'names': NAMES, 'info': DEPTH_INFO,
    },
    'action': {'dtype': 'float32', 'shape': [2], 'names': ['a.pos', 'b.pos']},
}  # fmt: skip
VALUES = {
    'observation.state': np.array([1.5, 0.1], np.float32),
    'observation.wrench': np.arange(12, dtype=np.float32).reshape(4, 3),
    'action': np.array([2.0, 0.4], np.float32),
    'sync.tick_ns': np.array([7], np.int64),
}
PICTURES = {
    'observation.images.front': ArrayPicture(PIXELS),
    'observation.images.deep': ArrayDepth(np.zeros((16, 16), np.uint16)),
}
RENAME = {
    'type': 'rename_observations_processor',
    'rename_map': {'front': 'top', 'a.pos': 'j.pos'},
}
OWN = """
from lerobot_drivers.processors import ObservationProcessorStep

class Sum(ObservationProcessorStep):
    def transform_features(self, features):
        seen = features['observation']
        return {**features, 'observation': {**seen, 'sum': float}}

    def observation(self, observation):
        return {**observation, 'sum': observation['a.pos'] + observation['b.pos']}

class FailsAfter(ObservationProcessorStep):
    def __init__(self, rows):
        self.left = rows

    def observation(self, observation):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError('worn out')
        return observation

class Array(ObservationProcessorStep):
    def observation(self, observation):
        return {**observation, 'front': observation['front'].rgb() + 1}
"""


def processor(observation=(), action=(), augmentation=None) -> RowProcessor:
    section = {'robot_observation': list(observation), 'teleop_action': list(action)}
    return make_row_processor(build(ProcessorConfig, section, 'processor'), augmentation)


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / 'row_steps.py'
    path.write_text(OWN)
    return str(path)


def test_no_steps_are_no_processor():
    assert not processor() and processor().features(FEATURES) is FEATURES


def test_steps_that_change_nothing_change_nothing():
    made = processor(
        [{'type': 'rename_observations_processor'}], [{'type': 'rename_actions_processor'}]
    )
    features = made.features(FEATURES)
    assert features == FEATURES and list(features) == list(FEATURES)
    values, pictures = made.row(VALUES, PICTURES)
    assert set(values) == set(VALUES) and pictures == PICTURES
    for key, value in VALUES.items():
        assert value.tobytes() == values[key].tobytes() and value.dtype == values[key].dtype


def test_names_sizes_and_numbers_follow_the_steps():
    crop = {'type': 'image_crop_resize_processor', 'crop_params_dict': {'top': [0, 0, 8, 12]}}
    made = processor([RENAME, crop], [{'type': 'relative_actions_processor'}])
    features = made.features(FEATURES)
    assert list(features) == [
        'observation.state', 'observation.images.top', 'observation.wrench',
        'observation.images.deep', 'action',
    ]  # fmt: skip
    assert features['observation.state']['names'] == ['j.pos', 'b.pos']
    assert features['observation.images.top']['shape'] == [8, 12, 3]
    assert features['observation.wrench'] == FEATURES['observation.wrench']
    assert features['observation.images.deep'] == FEATURES['observation.images.deep']
    values, pictures = made.row(VALUES, PICTURES)
    assert values['action'] == pytest.approx([0.5, 0.3])
    assert np.array_equal(values['observation.state'], VALUES['observation.state'])
    assert values['sync.tick_ns'] is VALUES['sync.tick_ns']
    assert pictures['observation.images.top'].rgb().shape == (8, 12, 3)
    assert made.camera('observation.images.top') == 'observation.images.front'


def test_features_may_be_asked_for_again_while_a_take_runs():
    made = processor(augmentation=AugmentationConfig(brightness=0.5, seed=4))
    features = made.features(FEATURES)
    made.begin_take()
    told = made.episode_info()
    assert made.features(FEATURES) == features and made.episode_info() == told


def test_a_depth_camera_keeps_its_unit_under_another_name():
    rename = {**RENAME, 'rename_map': {'deep': 'far'}}
    features = processor([rename]).features(FEATURES)
    assert features['observation.images.far']['info'] == DEPTH_INFO


def test_a_number_of_ones_own_becomes_an_element_of_the_state(own):
    made = processor([f'{own}:Sum'])
    assert made.features(FEATURES)['observation.state']['names'] == ['a.pos', 'b.pos', 'sum']
    values, _ = made.row(VALUES, PICTURES)
    assert values['observation.state'] == pytest.approx([1.5, 0.1, 1.6])


def test_a_step_may_give_an_array_for_a_picture(own):
    made = processor([f'{own}:Array'])
    made.features(FEATURES)
    _, pictures = made.row(VALUES, PICTURES)
    assert pictures['observation.images.front'].rgb()[0, 0, 0] == PIXELS[0, 0, 0] + 1


def test_what_a_dataset_cannot_hold_is_told():
    made = processor([{'type': 'scale_joints_processor', 'scale': {'a': 1e308}}])
    made.features(FEATURES)
    with (
        np.errstate(over='ignore'),
        pytest.raises(ProcessorError, match='robot_observation: a'),
    ):
        made.row(VALUES, PICTURES)


def test_a_joint_and_a_camera_of_one_name_are_refused():
    state = {**FEATURES['observation.state'], 'names': ['a.pos', 'front']}
    with pytest.raises(ConfigError, match='joints and cameras: front occur twice'):
        processor([RENAME]).features({**FEATURES, 'observation.state': state})


def test_a_recording_of_cameras_alone_has_its_takes_too():
    made = processor(augmentation=AugmentationConfig(brightness=0.5))
    front = 'observation.images.front'
    made.features({front: FEATURES[front]})
    made.begin_take()
    assert made.episode_info()['image_augmentation_processor']['take'] == 0
    assert list(made.row({}, {front: PICTURES[front]})[1]) == [front]


def test_steps_on_actions_need_actions():
    made = processor(action=[{'type': 'rename_actions_processor'}])
    seen = {key: entry for key, entry in FEATURES.items() if key != 'action'}
    with pytest.raises(ConfigError, match='teleop_action has steps, but no action is recorded'):
        made.features(seen)


def test_copied_jpegs_that_steps_change_are_told():
    crop = {'type': 'image_crop_resize_processor', 'resize_size': [8, 8]}
    made = processor([RENAME, crop])
    made.features(FEATURES)
    assert made.told('h264') == [f'steps on rows: {RENAME["type"]}, {crop["type"]}']
    assert 'compressed anew' in made.told('mjpeg')[1]
    plain = processor([RENAME])
    plain.features(FEATURES)
    assert len(plain.told('mjpeg')) == 1


def test_augmentation_comes_last_and_is_told_of_each_take():
    stage = Stage(
        processor=processor([RENAME], augmentation=AugmentationConfig(brightness=0.5, seed=4)),
        reset_ns=0,
    )
    stage.run_to(Phase.DONE)
    told = [record.details['processors'] for _, record in stage.kept.episodes]
    drawn = [t['image_augmentation_processor'] for t in told]
    assert [(d['settings']['seed'], d['take']) for d in drawn] == [(4, 0), (4, 1)]
    factors = [d['cameras']['top']['brightness'] for d in drawn]
    assert factors[0] != factors[1] and all(0.5 <= factor <= 1.5 for factor in factors)
    assert stage.made_with['observation.images.top']['shape'] == [16, 16, 3]


def test_a_step_that_fails_ends_the_take_with_the_rows_before(own):
    stage = Stage(processor=processor([{'type': f'{own}:FailsAfter', 'rows': 10}]), num_episodes=1)
    stage.run_to(Phase.DONE)
    assert lengths(stage) == [10]
    ((_, record),) = stage.kept.episodes
    assert record.outcome == 'incomplete' and 'worn out' in record.details['ended']


def test_a_step_that_fails_at_the_first_row_is_fatal(own):
    stage = Stage(processor=processor([{'type': f'{own}:FailsAfter', 'rows': 0}]))
    with pytest.raises(ProcessorError, match=r'step 1 .*FailsAfter\) failed: RuntimeError: worn'):
        stage.run()
    assert not stage.kept.episodes


def test_a_camera_that_is_behind_is_counted_under_either_name():
    stage = Stage(processor=processor([RENAME]), num_episodes=1)
    stage.run(until=lambda: len(stage.kept.rows) > 5)
    stage.kept.behind = frozenset({'observation.images.top'})
    stage.run(until=lambda: len(stage.kept.rows) > 10)
    stage.kept.behind = frozenset()
    stage.run_to(Phase.DONE)
    ((_, record),) = stage.kept.episodes
    repeats = record.details['streams']['observation.images.front']['encoder_repeats']
    assert repeats == record.defects['encoder_repeats'] > 0
