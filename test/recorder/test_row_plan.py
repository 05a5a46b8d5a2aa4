from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_messages import MS, T0, S, image, joint_state, make, raw

from lerobot_drivers.common.errors import ConfigError, StreamError
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.streams import Flag, Taken
from lerobot_recorder.synchronizer import AlignedSet

TWO = [0.1 + 0.2, -1e-300]


def plan(features, **more) -> RowPlan:
    return RowPlan(build_mapping({'features': features, **more}, 'm'))


def state(names, values, at=T0, topic='/s', velocity=()):
    return raw(topic, joint_state(at, names, values, velocity), at)


def values(a_plan, message):
    return [sample.value for sample in a_plan.samples(message)]


def test_radians_are_the_identity():
    made = plan({'observation.state': {'topic': '/s', 'joints': ['a', 'b']}})
    (value,) = values(made, state('ab', TWO))
    assert value.tobytes() == np.array(TWO).tobytes()


def test_units_and_order_are_those_of_the_mapping():
    units = {
        'a': {'mode': 'degrees'},
        'g': {'mode': 'range_0_100', 'lower': -0.5, 'upper': 1.5},
        'm': {'mode': 'range_m100_100', 'lower': 1.0, 'upper': 3.0},
    }
    made = plan({'observation.state': {'topic': '/s', 'joints': list('gam'), 'units': units}})
    (value,) = values(made, state('amgx', [math.pi, 2.5, 1.5, 9.0]))
    assert value == pytest.approx([100.0, 180.0, 50.0])
    (value,) = values(made, state('mg', [1.0, -0.5]))
    assert value[0] == 0.0 and np.isnan(value[1]) and value[2] == pytest.approx(-100.0)


def test_joints_of_the_first_second_are_learnt_also_from_partial_messages():
    made = plan({'observation.state': {'topic': '/s'}})
    made.learn(state('b', [1.0]))
    made.learn(state('ac', [1.0, 2.0], T0 + S // 2))
    assert not made.is_learned and made.unlearned_topics() == ['/s']
    made.settle(T0 + S - 1)
    assert not made.is_learned
    made.learn(state('b', [1.0], T0 + S))
    assert made.is_learned
    assert made.features() == {
        'observation.state': {
            'dtype': 'float32',
            'shape': [3],
            'names': ['a.pos', 'c.pos', 'b.pos'],
        }
    }


@pytest.mark.parametrize('first', [0, 1, 2])
def test_the_order_of_joints_does_not_depend_on_which_message_came_first(first):
    heard = [('cab', [1.0, 2.0, 3.0]), ('ab', [1.0, 2.0]), ('d', [1.0])]
    made = plan({'observation.state': {'topic': '/s'}})
    for names, values_ in heard[first:] + heard[:first]:
        made.learn(state(names, values_))
    made.settle(T0 + S)
    names = made.features()['observation.state']['names']
    assert names == ['c.pos', 'a.pos', 'b.pos', 'd.pos']


def test_time_settles_what_one_message_taught():
    made = plan({'action': {'topic': '/s'}})
    made.settle(T0 + 100 * S)
    made.learn(state('ab', [1.0, 2.0]))
    made.settle(T0 + S)
    assert made.is_learned


def test_one_topic_may_serve_several_features():
    made = plan(
        {
            'observation.state': {'topic': '/s', 'joints': ['a']},
            'observation.velocity': {'topic': '/s', 'field': 'velocity', 'joints': ['a']},
        }
    )
    samples = list(made.samples(state('a', [1.0], velocity=[5.0])))
    assert [(s.stream, s.value[0]) for s in samples] == [
        ('observation.state', 1.0),
        ('observation.velocity', 5.0),
    ]
    assert made.features()['observation.velocity']['names'] == ['a.vel']


def test_a_row_is_put_together_from_its_sources():
    made = plan(
        {
            'observation.state': {
                'sources': [{'topic': '/s', 'joints': ['a']}, {'topic': '/t', 'joints': ['b']}]
            },
            'observation.images.f': {'topic': '/f'},
        }
    )
    taken = {
        'observation.state': Taken(np.array([0.1]), T0, Flag.FRESH),
        'observation.state#1': Taken(np.array([0.2]), T0, Flag.FRESH),
        'observation.images.f': Taken('picture', T0, Flag.FRESH),
    }
    row = made.row(AlignedSet(0, T0, T0, taken))
    assert row.values['observation.state'].tobytes() == np.float32([0.1, 0.2]).tobytes()
    assert row.pictures == {'observation.images.f': 'picture'}


@pytest.mark.parametrize(
    ('message', 'told'),
    [
        (state('xy', [1.0, 2.0]), '/s: a message holds none of the joints a, b'),
        (state('ab', [1.0, math.inf]), '/s: a message holds an infinite value'),
        (state('ab', [math.nan, math.nan]), 'holds none of the joints'),
        (
            RawMessage('/s', 'sensor_msgs/msg/JointState', b'', 0, T0),
            '/s: not a valid sensor_msgs',
        ),
        (RawMessage('/s', 'x/msg/Y', b'', 0, T0), '/s: message type x/msg/Y is not known'),
        (
            raw(
                '/s',
                make(
                    'std_msgs/msg/Float64MultiArray',
                    make('std_msgs/msg/MultiArrayLayout', [], 0),
                    np.zeros(3),
                ),
                T0,
            ),
            '/s: a message holds 3 values, expected 2',
        ),
    ],
)
def test_a_bad_message_is_counted_ten_in_a_row_are_told(message, told):
    made = plan({'observation.state': {'topic': '/s', 'joints': ['a', 'b']}})
    (channel,) = made.all_channels()
    for number in range(9):
        assert values(made, message) == []
        assert channel.errors == number + 1
    assert told in made.last_errors()[0]
    assert len(values(made, state('ab', TWO))) == 1
    assert made.last_errors() == []
    for _ in range(9):
        values(made, message)
    with pytest.raises(StreamError, match='10 unusable messages in a row') as caught:
        values(made, message)
    assert told in str(caught.value) and '\n' not in str(caught.value)


def test_a_picture_of_another_size_is_refused():
    made = plan({'observation.images.f': {'topic': '/f'}})
    made.learn(raw('/f', image(T0, np.zeros((4, 6, 3), np.uint8)), T0))
    assert made.features()['observation.images.f']['shape'] == [4, 6, 3]
    assert values(made, raw('/f', image(T0, np.zeros((6, 4, 3), np.uint8)), T0)) == []
    assert made.last_errors() == ['/f: a picture is 4x6, expected 6x4 as the first one']


def test_stamps_are_those_of_the_clock_declared():
    made = plan({'observation.state': {'topic': '/s', 'joints': ['a'], 'clock': 'receive'}})
    message = raw('/s', joint_state(T0, 'a', [1.0]), T0 + 5 * MS)
    assert next(made.samples(message)).stamp_ns == T0 + 5 * MS


def test_other_topics_are_not_even_decoded():
    made = plan({'observation.state': {'topic': '/s', 'joints': ['a']}})
    assert values(made, RawMessage('/other', 'x/msg/Y', b'', 0, T0)) == []


@pytest.mark.parametrize(
    ('source', 'told'),
    [
        ({'units': {'z': {'mode': 'degrees'}}}, '/s: units are given for z, which are not among'),
        ({'names': ['one']}, '/s: 1 names are given for 2 joints a, b'),
    ],
)
def test_a_mapping_that_does_not_fit_its_joints_is_told(source, told):
    with pytest.raises(StreamError, match=told):
        plan({'observation.state': {'topic': '/s', 'joints': ['a', 'b'], **source}})
    made = plan({'observation.state': {'topic': '/s', **source}})
    made.learn(state('ab', TWO))
    with pytest.raises(StreamError, match=told):
        made.settle()


def test_pictures_have_one_topic():
    with pytest.raises(StreamError, match='is made of several topics; pictures have one'):
        plan({'observation.images.f': {'sources': [{'topic': '/a'}, {'topic': '/b'}]}})


def test_two_elements_of_one_name_are_told():
    sources = [{'topic': topic, 'joints': ['a']} for topic in ('/s', '/t')]
    with pytest.raises(ConfigError, match=r'observation.state: a.pos occur twice'):
        plan({'observation.state': {'sources': sources}}).features()
