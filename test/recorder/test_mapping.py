from __future__ import annotations

import math

import pytest

from lerobot_drivers.common.config import dump
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.channels import make_channel
from lerobot_recorder.mapping import build_mapping, default_take, load_mapping, unique
from lerobot_recorder.streams import Take
from lerobot_recorder.synchronizer import SyncMode

YAML = """
fps: 25
robot_type: thing
reference: observation.images.top
mode: as_seen
features:
  observation.state:
    sources:
      - {topic: /a, joints: [x, y], units: {x: {mode: degrees}}}
      - {topic: /b, field: velocity, take: hold, clock: receive}
  action: {topic: /c, offset_ms: -3.5, tolerance_ms: 250}
  observation.images.front: {topic: /f}
  observation.images.top: {topic: /t}
"""


def stream(feature, **source):
    config = build_mapping({'features': {feature: {'topic': '/x', **source}}}, 'm')
    return make_channel(feature, config.features[feature].sources[0], 0).stream_config()


def test_a_mapping_file(tmp_path):
    path = tmp_path / 'mapping.yaml'
    path.write_text(YAML)
    mapping = load_mapping(path)
    assert (mapping.fps, mapping.robot_type, mapping.mode) == (25, 'thing', SyncMode.AS_SEEN)
    assert mapping.topics() == ['/a', '/b', '/c', '/f', '/t']
    first, second = mapping.features['observation.state'].sources
    assert first.joints == ['x', 'y'] and second.take is Take.HOLD
    assert mapping.features['action'].sources[0].offset_ms == -3.5
    assert load_mapping(path, {'fps': 10}).fps == 10
    assert build_mapping(dump(mapping), 'again') == mapping


def test_how_streams_are_taken_by_default():
    assert stream('observation.images.front').take is Take.NEAREST
    assert stream('observation.state').take is Take.INTERPOLATE
    assert stream('action').take is Take.NEXT
    assert default_take('action.gripper') is Take.NEXT
    assert not stream('observation.state').may_be_silent
    assert stream('action').may_be_silent
    assert stream('observation.mode', take='hold').may_be_silent
    assert not stream('observation.mode', take='hold', may_be_silent=False).may_be_silent


def test_milliseconds_become_nanoseconds():
    config = stream('action', offset_ms=-3.5, tolerance_ms=250)
    assert (config.offset_ns, config.tolerance_ns) == (-3_500_000, 250_000_000)


ONE = {'topic': '/x'}


@pytest.mark.parametrize(
    ('section', 'told'),
    [
        ({}, 'm.features must be a mapping of features, found None'),
        ({'features': {}}, 'a mapping needs at least one feature'),
        ({'features': {'a': None}}, r'm\.features\.a'),
        ({'features': {'a': {'sources': [{}]}}}, r'm\.features\.a\.sources\.0\.topic is missing'),
        ({'features': {'a': {**ONE, 'feild': 'x'}}}, r'sources\.0\.feild is not a known key'),
        ({'features': {'a': ONE}, 'hz': 3}, r'm\.hz is not a known key'),
        ({'features': {'a': ONE}, 'fps': 0}, 'fps must be a whole number above 0, found 0'),
        ({'features': {'a': ONE}, 'fps': 29.97}, r'm\.fps: .*29\.97'),
        ({'features': {'a': ONE}, 'mode': 'fast'}, r"m\.mode: .*'fast'"),
        ({'features': {'a': {**ONE, 'take': 'last'}}}, r"sources\.0\.take: .*'last'"),
        ({'features': {'a': {**ONE, 'clock': 'wall'}}}, r"sources\.0\.clock: .*'wall'"),
        ({'features': {'a/b': ONE}}, "'a/b' cannot be the name of a feature"),
        ({'features': {'timestamp': ONE}}, "'timestamp' cannot be the name of a feature"),
        ({'features': {'a': {**ONE, 'joints': []}}}, 'joints must be different names'),
        ({'features': {'a': {**ONE, 'joints': ['x', 'x']}}}, 'joints must be different names'),
        ({'features': {'a': ONE}, 'max_gap_s': 0}, 'max_gap_s must be a time above 0'),
        ({'features': {'a': ONE}, 'max_gap_s': math.inf}, 'max_gap_s must be a time above 0'),
        ({'features': {'a': ONE}, 'watermark_ms': -1}, 'watermark_ms must not be negative'),
        ({'features': {'a': {**ONE, 'tolerance_ms': 0}}}, 'tolerance_ms must be above 0'),
        ({'features': {'a': {**ONE, 'offset_ms': math.nan}}}, 'offset_ms must be a number'),
        (
            {'features': {'a': ONE, 'observation.images.f': ONE}, 'reference': 'a'},
            "reference 'a' is not one of the image features: observation.images.f",
        ),
        (
            {'features': {'a': {**ONE, 'units': {'j': {'mode': 'range_0_100'}}}}},
            r'units\.j: .*mode range_0_100 needs both lower and upper',
        ),
        (
            {'features': {'a': {**ONE, 'units': {'j': {'mode': 'degrees', 'lower': 1}}}}},
            r'units\.j: .*needs both lower and upper',
        ),
        (
            {
                'features': {
                    'a': {**ONE, 'units': {'j': {'mode': 'range_0_100', 'lower': 1, 'upper': 1}}}
                }
            },
            r'units\.j: .*upper \(1\.0\) must be greater than lower',
        ),
    ],
)
def test_a_mistake_gives_one_line_that_names_the_key(section, told):
    with pytest.raises(ConfigError, match=told) as caught:
        build_mapping(section, 'm')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['- a', 'a: [', 'features: 3'])
def test_a_file_that_is_no_mapping_is_named(tmp_path, text):
    path = tmp_path / 'mapping.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'mapping\.yaml') as caught:
        load_mapping(path)
    assert '\n' not in str(caught.value)


def test_names_that_occur_twice_are_told():
    assert unique(['a', 'b'], 'action') == ['a', 'b']
    with pytest.raises(ConfigError, match=r'^action: a\.pos occur twice'):
        unique(['a.pos', 'b', 'a.pos'], 'action')
