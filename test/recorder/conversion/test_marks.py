"""Markers of every type as words."""

from __future__ import annotations

import numpy as np
import pytest
from long_bag import at
from synthetic_messages import S, header, make, raw

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.conversion.marked_spans import marked_spans
from lerobot_recorder.conversion.marks import MarkReader, can_mark
from lerobot_recorder.messages import RawMessage


def said(messages, **config):
    reader = MarkReader(build(EpisodesConfig, {'by': 'marker', **config}, 'episodes'))
    marks = [mark for k, one in enumerate(messages) for mark in reader.read(raw('/m', one, at(k)))]
    return [((mark.at_ns - at(0)) // S, mark.word.value) for mark in marks]


def joy(*buttons):
    return make(
        'sensor_msgs/msg/Joy', header(0), np.empty(0, np.float32), np.array(buttons, np.int32)
    )


def number(value, kind='Int32'):
    return make(f'std_msgs/msg/{kind}', value)


def string(text):
    return make('std_msgs/msg/String', text)


def test_numbers():
    values = [number(v) for v in (0, 0, 1, 1, 2, 0, 0, 3)]
    assert said(values) == [(2, 'start'), (4, 'start'), (5, 'stop'), (7, 'start')]
    words = {'1': 'start', '2': 'success', '3': 'discard'}
    assert said(values, words=words) == [
        (2, 'start'), (4, 'success'), (5, 'stop'), (7, 'discard'),
    ]  # fmt: skip


def test_an_empty_message_toggles():
    one = RawMessage('/m', 'std_msgs/msg/Empty', b'\x00\x01\x00\x00\x00', 0, at(1))
    assert [mark.word.value for mark in MarkReader(EpisodesConfig()).read(one)] == ['toggle']


def test_buttons_count_as_they_go_down():
    states = [joy(1, 0), joy(1, 0), joy(0, 0), joy(1, 1), joy(0, 1), joy(1, 0)]
    assert said(states) == [(3, 'toggle'), (5, 'toggle')]
    assert said(states, words={'1': 'success', '0': 'start'}) == [
        (3, 'start'), (3, 'success'), (5, 'start'),
    ]  # fmt: skip


def test_words_of_ones_own_beside_those_that_are_known():
    texts = [string(t) for t in ('los', ' START ', 'Save', 'Abort', 'what', 'begin: it')]
    assert said(texts, words={'Los': 'start'}) == [
        (0, 'start'), (1, 'start'), (2, 'stop'), (3, 'discard'), (5, 'start'),
    ]  # fmt: skip


def test_which_types_can_mark():
    kinds = ('Bool', 'String', 'Empty', 'UInt8', 'Int64')
    assert all(can_mark(f'std_msgs/msg/{kind}') for kind in kinds)
    assert can_mark('sensor_msgs/msg/Joy')
    for kind in ('std_msgs/msg/Float32', 'std_msgs/msg/Int8MultiArray', 'sensor_msgs/msg/Image'):
        assert not can_mark(kind)


@pytest.mark.parametrize(
    ('config', 'told'),
    [
        ({'by': 'magic'}, 'episodes.by: Input should be'),
        ({'words': {'x': 'dance'}}, r'episodes\.words\.x: Input should be'),
        ({'by': 'file'}, 'by: file and file: PATH belong together'),
        ({'by': 'gaps', 'gap_s': 0}, 'gap_s must be above 0, found 0'),
        ({'by': 'marker', 'topic': 'm'}, 'topic must be absolute, such as /m'),
        ({'topic': '/m'}, 'topic has no say by bag; name another way with by'),
        ({'min_length_s': -1}, 'min_length_s must not be negative'),
        ({'maxgap': 1}, r'episodes\.maxgap is not a known key'),
    ],
)
def test_settings_that_cannot_be_obeyed_are_told(config, told):
    with pytest.raises(ConfigError, match=told):
        build(EpisodesConfig, config, 'episodes')


def test_an_outcome_may_come_after_the_end():
    reader = MarkReader(EpisodesConfig(topic=None))
    texts = ['start', 'stop', 'success', 'start', 'stop', 'discard', 'stop']
    marks = [m for k, t in enumerate(texts) for m in reader.read(raw('/m', string(t), at(k)))]
    spans = marked_spans(marks, at(9))
    assert [(span.start_ns - at(0)) // S for span in spans.spans] == [0]
    assert spans.spans[0].outcome == 'success' and len(spans.skipped) == 1
