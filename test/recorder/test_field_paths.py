from __future__ import annotations

import array

import numpy as np
import pytest
from random_messages import random_message
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from synthetic_messages import T0

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.field_paths import LabelReader, PathReader, numbers_in, text_at

HAND = 'my_msgs/msg/Hand'
TEXT = """
std_msgs/Header header
float32 pressure
string phase
bool closed
uint8[3] code
my_msgs/Finger[] fingers
================================================================================
MSG: my_msgs/Finger
string name
geometry_msgs/Vector3 force
float64[] joints
"""


@pytest.fixture
def hand():
    store = get_typestore(Stores.LATEST)
    store.register(get_types_from_msg(TEXT, HAND))
    made = random_message(HAND, store, np.random.default_rng(0), T0)
    made.fingers = [made.fingers[0]] * 2
    made.fingers[0].joints = np.array([1.0, 2.0])
    made.pressure, made.closed, made.phase = 0.5, True, 'grasp'
    return made


@pytest.mark.parametrize(
    ('paths', 'names'),
    [
        (['pressure'], ['pressure']),
        (['fingers.1.force.y', 'closed'], ['fingers.1.force.y', 'closed']),
        (['code'], ['code.0', 'code.1', 'code.2']),
        (['fingers.0.joints'], ['fingers.0.joints.0', 'fingers.0.joints.1']),
        (
            ['fingers'],
            [
                f'fingers.{n}.{what}'
                for n in (0, 1)
                for what in ('force.x', 'force.y', 'force.z', 'joints.0', 'joints.1')
            ],
        ),
        (['header.stamp.sec'], ['header.stamp.sec']),
    ],
)
def test_a_path_means_all_numbers_in_what_it_leads_to(hand, paths, names):
    found, values = PathReader(paths)(hand)
    assert found == names
    for name, value in zip(found, values, strict=True):
        one = hand
        for step in name.split('.'):
            one = one[int(step)] if step.isdigit() else getattr(one, step)
        assert value == one, name


@pytest.mark.parametrize(
    ('path', 'told'),
    [
        ('presure', "'presure' is not in header, pressure, phase, closed, code, fingers$"),
        ('fingers.2.force', r"has no 'fingers\.2\.force': element 2 of an array of 2"),
        ('fingers.force', "'force' is not in an array of 2"),
        ('pressure.0', r"has no 'pressure\.0': element 0 of a float"),
        ('phase', "holds no number at 'phase'"),
        ('fingers.0.name', 'holds no number'),
    ],
)
def test_a_path_that_leads_nowhere_is_told(hand, path, told):
    with pytest.raises(StreamError, match=told):
        PathReader([path])(hand)


def test_what_is_no_vector_of_a_row_is_refused(hand):
    hand.fingers[0].joints = np.zeros(10_001)
    with pytest.raises(
        StreamError, match=r"holds 10001 numbers at 'fingers\.0\.joints', more than"
    ):
        PathReader(['fingers'])(hand)


def test_a_text_has_a_number_among_its_labels(hand):
    names, values = LabelReader(['reach', 'grasp'], 'phase')(hand)
    assert (names, values.tolist()) == (['phase'], [1])
    assert text_at(hand, 'fingers.0.name') == hand.fingers[0].name
    with pytest.raises(StreamError, match=r"says 'grasp', which is none of labels: \['reach'\]"):
        LabelReader(['reach'], 'phase')(hand)
    with pytest.raises(StreamError, match=r"holds no text at 'pressure'"):
        text_at(hand, 'pressure')


def test_what_could_be_named_is_listed(hand):
    assert numbers_in(hand) == [
        'pressure', 'closed', 'code', 'fingers.0.force.x', 'fingers.0.force.y',
        'fingers.0.force.z', 'fingers.0.joints',
    ]  # fmt: skip


class Live:
    """A message as rclpy makes it: slots, array.array, no dataclass."""

    def __init__(self):
        self.data = array.array('d', [1.0, 2.0])
        self.flags = [True, False]

    @classmethod
    def get_fields_and_field_types(cls):
        return {'data': 'sequence<double>', 'flags': 'sequence<boolean>'}


def test_messages_of_another_making_are_read_too():
    names, values = PathReader(['data', 'flags'])(Live())
    assert names == ['data.0', 'data.1', 'flags.0', 'flags.1']
    assert values.tolist() == [1, 2, 1, 0]
    assert numbers_in(Live()) == ['data', 'flags']
