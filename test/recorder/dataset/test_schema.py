from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lerobot_drivers.common.errors import ConfigError, DatasetFormatError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig

SHAPES = st.sampled_from([(1,), (2,), (6,), (2, 3), (1, 1), (3, 1, 2)])
KINDS = st.sampled_from(['float32', 'float64', 'int64', 'int32', 'uint8', 'bool'])


@settings(max_examples=80, deadline=None)
@given(st.data(), SHAPES, KINDS, st.integers(0, 7))
def test_values_come_back_from_arrow(data, shape, kind, rows):
    tail = () if shape == (1,) else shape
    feature = {'dtype': kind, 'shape': shape, 'names': None}
    values = data.draw(hnp.arrays(kind, (rows, *tail)))
    array = schema.to_arrow(values, feature)
    assert array.type == schema.arrow_type(feature)
    np.testing.assert_array_equal(
        schema.to_numpy(pa.chunked_array([array]), feature), values, strict=True
    )


def test_types_are_those_of_lerobot():
    def kind(dtype, shape):
        return str(schema.arrow_type({'dtype': dtype, 'shape': shape}))

    assert kind('float32', [6]) == 'fixed_size_list<element: float>[6]'
    assert kind('int64', [1]) == 'int64'
    assert kind('float32', [2, 3]) == 'list<item: list<item: float>>'
    assert kind('image', [4, 4, 3]) == 'struct<bytes: binary, path: string>'


@pytest.mark.parametrize(
    ('key', 'feature', 'match'),
    [
        ('a/b', {'dtype': 'float32', 'shape': [1], 'names': None}, '"/"'),
        ('timestamp', {'dtype': 'float32', 'shape': [1], 'names': None}, 'five features'),
        ('x', {'dtype': 'float32', 'shape': [0], 'names': None}, 'positive'),
        ('x', {'dtype': 'float31', 'shape': [1], 'names': None}, 'float31'),
        ('x', {'dtype': 'float32', 'shape': [2], 'names': ['a']}, '1 names for 2'),
        ('x', {'dtype': 'float32', 'shape': [1], 'names': None, 'topic': '/x'}, 'topic'),
        ('x', {'dtype': 'string', 'shape': [2], 'names': None}, 'string'),
        ('c', {'dtype': 'video', 'shape': [480, 640, 1], 'names': None}, 'height, width, 3'),
        (
            'c',
            {'dtype': 'video', 'shape': [4, 6, 1], 'info': {'is_depth_map': True}},
            "depth_unit is None, expected one of ..m., 'mm'",
        ),
        ('c', {'dtype': 'video', 'shape': [3, 480, 640], 'names': None}, 'height, width, 3'),
    ],
)
def test_features_that_cannot_be_written_are_refused(key, feature, match):
    with pytest.raises(DatasetFormatError, match=match):
        DatasetInfo(30, {key: feature})


@pytest.mark.parametrize('fps', [30.0, 0, True, '30'])
def test_fps_is_a_whole_number(fps):
    with pytest.raises(DatasetFormatError, match='fps'):
        DatasetInfo(fps, {'action': {'dtype': 'float32', 'shape': [1], 'names': None}})


@pytest.mark.parametrize(
    'changes',
    [{'vcodec': 'av2'}, {'preset': 'fastest'}, {'crf': 99}, {'gop': 0}, {'pix_fmt': 'x'}],
)
def test_video_settings_are_checked(changes):
    with pytest.raises(ConfigError, match=f'video.{next(iter(changes))}'):
        VideoConfig(**changes)


def test_odd_sizes_are_refused_where_no_format_of_the_encoder_takes_them():
    camera = {'dtype': 'video', 'shape': [479, 641, 3], 'names': None}
    assert DatasetInfo(30, {'c': camera}).video.pix_fmt_for(479, 641) == 'yuv444p'
    with pytest.raises(DatasetFormatError, match=r'641x479 cannot be encoded by libsvtav1.*even'):
        DatasetInfo(30, {'c': camera}, video=VideoConfig('libsvtav1'))


def test_nulls_are_refused():
    column = pa.chunked_array([pa.array([1.0, None], pa.float32())])
    with pytest.raises(DatasetFormatError, match='null'):
        schema.to_numpy(column, {'dtype': 'float32', 'shape': [1]})
