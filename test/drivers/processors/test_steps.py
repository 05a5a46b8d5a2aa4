"""What the steps of the table do, each on its own."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.processors import ACTION, OBSERVATION
from lerobot_drivers.processors.factory import make_pipeline

KEYS = st.lists(st.sampled_from('abcdefgh'), min_size=1, max_size=6, unique=True)
NUMBERS = st.floats(-1e6, 1e6)


class Unread:
    """A picture that tells whether it was read."""

    def __init__(self, pixels, depth=False):
        self.height, self.width = pixels.shape[:2]
        self.pixels, self.reads = pixels, 0
        setattr(self, 'depth' if depth else 'rgb', self.read)

    def read(self):
        self.reads += 1
        return self.pixels


def picture(height=48, width=64, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def through(place, entries, values, features, seen=None):
    subject = OBSERVATION if place in ('robot_observation', 'preprocessor') else ACTION
    pipeline = make_pipeline(place, entries)
    beside = {} if seen is None else {OBSERVATION: dict.fromkeys(seen, float)}
    made = pipeline.transform_features({**beside, subject: features})
    observed = {} if seen is None else {OBSERVATION: seen}
    return made[subject], pipeline({**observed, subject: values})[subject]


@settings(deadline=None, max_examples=40)
@given(keys=KEYS, numbers=st.lists(NUMBERS, min_size=6, max_size=6), place=st.booleans())
def test_renaming_is_undone_by_the_map_turned_round(keys, numbers, place):
    names = {key: f'{key}{key}' for key in keys[::2]}
    kind, section = (
        ('rename_observations_processor', 'robot_observation')
        if place
        else ('rename_actions_processor', 'teleop_action')
    )
    there = {'type': kind, 'rename_map': names}
    back = {'type': kind, 'rename_map': {new: old for old, new in names.items()}}
    values = dict(zip(keys, numbers, strict=False))
    features = dict.fromkeys(values, float)
    shapes, renamed = through(section, [there], values, features)
    assert list(shapes) == list(renamed) == [names.get(key, key) for key in keys]
    assert list(renamed.values()) == list(values.values())
    shapes, again = through(section, [there, back], values, features)
    assert again == values and list(again) == list(values) and shapes == features


def test_cameras_are_renamed_by_either_name_and_stay_unread():
    front = Unread(picture())
    for rename_map in ({'front': 'top'}, {'observation.images.front': 'observation.images.top'}):
        entry = {'type': 'rename_observations_processor', 'rename_map': rename_map}
        shapes, made = through(
            'robot_observation', [entry], {'front': front}, {'front': (48, 64, 3)}
        )
        assert shapes == {'top': (48, 64, 3)} and made == {'top': front}
    assert front.reads == 0


@pytest.mark.parametrize(
    ('rename_map', 'told'),
    [
        ({'c': 'd'}, "there is no 'c'; there are a, b"),
        ({'a': 'b'}, 'two would be called b'),
    ],
)
def test_a_rename_that_cannot_be_is_refused(rename_map, told):
    pipeline = make_pipeline(
        'robot_observation', [{'type': 'rename_observations_processor', 'rename_map': rename_map}]
    )
    with pytest.raises(ConfigError, match=told):
        pipeline.transform_features({OBSERVATION: {'a': float, 'b': float}})


def test_names_can_be_exchanged():
    entry = {'type': 'rename_observations_processor', 'rename_map': {'a': 'b', 'b': 'a'}}
    features = {'a': float, 'b': float}
    assert through('robot_observation', [entry], {'a': 1.0, 'b': 2.0}, features)[1] == {
        'b': 1.0,
        'a': 2.0,
    }


@settings(deadline=None, max_examples=40)
@given(value=NUMBERS, limits=st.tuples(NUMBERS, NUMBERS).map(sorted))
def test_clipping_keeps_within_limits_and_repeats_to_the_same(value, limits):
    entry = {'type': 'clip_joints_processor', 'limits': {'a': limits}}
    values, features = {'a.pos': value, 'b.pos': value}, {'a.pos': float, 'b.pos': float}
    _, once = through('robot_action', [entry], values, features)
    assert limits[0] <= once['a.pos'] <= limits[1] and once['b.pos'] == value
    assert through('robot_action', [entry], once, features)[1] == once


def test_a_limit_may_be_open():
    entry = {'type': 'clip_joints_processor', 'limits': {'a': [None, 1], 'b': [0, None]}}
    features = {'a.pos': float, 'b.pos': float}
    _, made = through('robot_action', [entry], {'a.pos': -9.0, 'b.pos': 9.0}, features)
    assert made == {'a.pos': -9.0, 'b.pos': 9.0}


@settings(deadline=None, max_examples=40)
@given(value=NUMBERS, scale=st.floats(0.01, 100.0), offset=NUMBERS)
def test_scaling_is_undone_by_its_inverse(value, scale, offset):
    there = {'type': 'scale_joints_processor', 'scale': {'a': scale}, 'offset': {'a': offset}}
    back = [
        {'type': 'scale_joints_processor', 'offset': {'a': -offset}},
        {'type': 'scale_joints_processor', 'scale': {'a': 1 / scale}},
    ]
    _, made = through('teleop_action', [there, *back], {'a.pos': value}, {'a.pos': float})
    assert made['a.pos'] == pytest.approx(value, rel=1e-6, abs=1e-3)


def test_joints_that_are_not_there_are_told():
    pipeline = make_pipeline(
        'robot_action', [{'type': 'scale_joints_processor', 'scale': {'c': 2}}]
    )
    with pytest.raises(ConfigError, match=r"no joint 'c'; there are a.pos, b.pos"):
        pipeline.transform_features({ACTION: {'a.pos': float, 'b.pos': float}})


@settings(deadline=None, max_examples=40)
@given(asked=NUMBERS, state=NUMBERS)
def test_relative_actions_become_absolute_again(asked, state):
    seen = {'a.pos': state, 'g.pos': state}
    features, values = {'a.pos': float, 'g.pos': float}, {'a.pos': asked, 'g.pos': asked}
    settings = {'exclude_joints': ['g']}
    relative = {'type': 'relative_actions_processor', **settings}
    _, made = through('teleop_action', [relative], values, features, seen)
    assert made == {'a.pos': asked - state, 'g.pos': asked}
    absolute = {'type': 'absolute_actions_processor', **settings}
    _, again = through('postprocessor', [absolute], made, features, seen)
    assert again['a.pos'] == pytest.approx(asked, abs=1e-6) and again['g.pos'] == asked


def test_relative_actions_need_an_observation():
    pipeline = make_pipeline('teleop_action', ['relative_actions_processor'])
    with pytest.raises(ConfigError, match=r'b.pos must be observed too, or named in exclude'):
        pipeline.transform_features({OBSERVATION: {'a.pos': float}, ACTION: {'b.pos': float}})


CROP = {'type': 'image_crop_resize_processor', 'crop_params_dict': {'front': [2, 3, 10, 20]}}


def test_crop_takes_what_is_said_when_the_picture_is_read():
    pixels = picture()
    front, side = Unread(pixels), Unread(pixels)
    sizes = {'front': (48, 64, 3), 'side': (48, 64, 3)}
    shapes, made = through('robot_observation', [CROP], {'front': front, 'side': side}, sizes)
    assert shapes == {'front': (10, 20, 3), 'side': (48, 64, 3)}
    assert made['side'] is side and front.reads == 0
    assert (made['front'].height, made['front'].width) == (10, 20)
    assert np.array_equal(made['front'].rgb(), pixels[2:12, 3:23])


def test_resize_of_all_and_of_one():
    values = {'front': Unread(picture()), 'side': Unread(picture())}
    sizes = {'front': (48, 64, 3), 'side': (48, 64, 3)}
    for resize, small in (([24, 32], 'side'), ({'front': [24, 32]}, None)):
        entry = {**CROP, 'resize_size': resize}
        shapes, made = through('robot_observation', [entry], values, sizes)
        assert shapes['front'] == (24, 32, 3) and made['front'].rgb().shape == (24, 32, 3)
        assert shapes['side'] == ((24, 32, 3) if small else (48, 64, 3))


def test_depth_is_cropped_and_keeps_its_distances():
    depth = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    entry = {**CROP, 'resize_size': {'front': [5, 10]}}
    source = Unread(depth, depth=True)
    shapes, made = through('robot_observation', [entry], {'front': source}, {'front': (48, 64, 1)})
    assert shapes == {'front': (5, 10, 1)}
    found = made['front'].depth()
    assert found.dtype == np.uint16 and found.shape == (5, 10)
    assert set(found.ravel()) <= set(depth[2:12, 3:23].ravel())


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ({'crop_params_dict': {'front': [0, 0, 49, 10]}}, 'does not lie in a picture of 64x48'),
        ({'crop_params_dict': {'back': [0, 0, 4, 4]}}, "no camera 'back'; there are front"),
        ({'crop_params_dict': {'front': [0, 0, 0, 4]}}, 'top, left, height, width'),
        ({'resize_size': [0, 4]}, 'resize_size must be'),
    ],
)
def test_a_crop_that_cannot_be_is_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        make_pipeline(
            'robot_observation', [{'type': 'image_crop_resize_processor', **settings}]
        ).transform_features({OBSERVATION: {'front': (48, 64, 3)}})


def test_grey_keeps_three_equal_channels():
    entry = {'type': 'grayscale_processor', 'cameras': ['front']}
    values = {'front': Unread(picture()), 'side': Unread(picture())}
    sizes = {'front': (48, 64, 3), 'side': (48, 64, 3)}
    _, made = through('robot_observation', [entry], values, sizes)
    grey = made['front'].rgb()
    assert np.array_equal(grey[..., 0], grey[..., 1]) and np.array_equal(
        grey[..., 0], grey[..., 2]
    )
    assert made['side'] is values['side']


def test_one_picture_of_two_rows_is_one_picture_afterwards():
    pipeline = make_pipeline('robot_observation', [CROP])
    pipeline.transform_features({OBSERVATION: {'front': (48, 64, 3)}})
    first, other = Unread(picture()), Unread(picture())
    made = [
        pipeline({OBSERVATION: {'front': p}})[OBSERVATION]['front'] for p in (first, first, other)
    ]
    assert made[0] is made[1] and made[2] is not made[0]


def test_batches_get_one_axis_more_where_there_is_none():
    values = {
        'observation.state': np.zeros(6, np.float32),
        'observation.images.front': picture(),
        'observation.windows': np.zeros((4, 6), np.float32),
    }
    shapes = {key: value.shape for key, value in values.items()}
    _, made = through('preprocessor', ['to_batch_processor'], values, shapes)
    assert [value.shape for value in made.values()] == [(1, 6), (1, 48, 64, 3), (4, 6)]
    _, again = through('preprocessor', ['to_batch_processor'] * 2, values, shapes)
    assert [value.shape for value in again.values()] == [(1, 6), (1, 48, 64, 3), (4, 6)]


@pytest.mark.skipif(find_spec('torch') is not None, reason='torch is there')
def test_without_torch_there_is_no_device():
    with pytest.raises(ConfigError, match='pip install torch'):
        make_pipeline('preprocessor', [{'type': 'device_processor', 'device': 'cpu'}])


@pytest.mark.skipif(
    find_spec('torch') is None, reason='needs torch, which no extra of ours brings'
)
def test_tensors_lie_where_the_model_is():
    entry = {'type': 'device_processor', 'device': 'cpu', 'float_dtype': 'float16'}
    values = {'observation.state': np.ones(6, np.float32), 'observation.images.front': picture()}
    shapes = {key: value.shape for key, value in values.items()}
    _, made = through('preprocessor', [entry], values, shapes)
    assert [str(value.dtype) for value in made.values()] == ['torch.float16', 'torch.uint8']
    assert math.isclose(float(made['observation.state'].sum()), 6.0)


def test_a_picture_cannot_be_written_to(tmp_path):
    path = tmp_path / 'writing_steps.py'
    path.write_text(
        'from lerobot_drivers.processors import ImageProcessorStep\n'
        'class Blot(ImageProcessorStep):\n'
        '    def image(self, image, camera):\n'
        '        image[0] = 0\n'
        '        return image\n'
    )
    with pytest.raises(ConfigError, match='read-only'):
        make_pipeline('robot_observation', [f'{path}:Blot']).transform_features(
            {OBSERVATION: {'front': (48, 64, 3)}}
        )


def test_a_step_that_fails_on_every_picture_fails_before_an_episode(tmp_path):
    path = tmp_path / 'odd_steps.py'
    path.write_text(
        'from lerobot_drivers.processors import ImageProcessorStep\n'
        'class Half(ImageProcessorStep):\n'
        '    def image(self, image, camera):\n'
        '        return image[::2]\n'
    )
    with pytest.raises(ConfigError, match=r'made uint8 \(24, 64, 3\) of a picture of front, exp'):
        make_pipeline('robot_observation', [f'{path}:Half']).transform_features(
            {OBSERVATION: {'front': (48, 64, 3)}}
        )
