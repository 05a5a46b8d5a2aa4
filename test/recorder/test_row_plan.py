from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_messages import random_message
from synthetic_messages import MS, T0, TYPES, S, image, joint_state, make, raw

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


def test_joints_without_names_are_those_of_the_mapping_in_their_order():
    made = plan({'observation.state': {'topic': '/s', 'joints': ['b', 'a']}})
    (value,) = values(made, state([], [1.0, 2.0]))
    assert list(value) == [1, 2]
    assert values(made, state([], [1.0, 2.0, 3.0])) == []
    assert made.last_errors() == ['/s: a message holds 3 values, expected 2']
    (value,) = values(made, state('ab', [1.0, 2.0]))
    assert list(value) == [2, 1]


def test_joints_without_names_and_a_mapping_that_names_none_are_numbered():
    made = plan({'observation.state': {'topic': '/s'}})
    made.learn(state([], [1.0, 2.0]))
    made.settle()
    assert made.features()['observation.state']['names'] == ['0.pos', '1.pos']
    assert [list(v) for v in values(made, state([], [3.0, 4.0]))] == [[3, 4]]


def test_a_message_that_forgets_its_names_is_not_guessed_at():
    made = plan({'observation.state': {'topic': '/s'}})
    made.learn(state('ab', [1.0, 2.0]))
    made.settle()
    assert values(made, state([], [1.0, 2.0])) == []
    assert 'a message names none of its values, but those before it did' in made.last_errors()[0]


def heard(feature, message, **source):
    made = plan({feature: {'topic': '/s', **source}})
    made.learn(message)
    made.settle()
    return made


@pytest.mark.parametrize(
    ('message', 'take'),
    [
        (make('std_msgs/msg/Bool', True), 'hold'),
        (make('std_msgs/msg/Int32', 3), 'hold'),
        (make('std_msgs/msg/Float64', 3.0), 'interpolate'),
    ],
)
def test_whole_numbers_and_switches_are_held(message, take):
    made = heard('observation.door', raw('/s', message, T0))
    (config,) = made.sync_config().streams
    assert config.take.value == take and config.may_be_silent == (take == 'hold')
    assert heard('action', raw('/s', message, T0)).sync_config().streams[0].take.value == 'next'
    told = heard('observation.door', raw('/s', message, T0), take='interpolate')
    assert told.sync_config().streams[0].take.value == 'interpolate'


def odometry(x):
    found = random_message('nav_msgs/msg/Odometry', TYPES, np.random.default_rng(0), T0)
    found.twist.twist.linear.x = x
    return raw('/s', found, T0)


def test_fields_are_taken_of_messages_that_are_else_read_at_their_offsets():
    for source in ({'fields': ['twist.twist.linear.x']}, {'field': 'twist.twist.linear.x'}):
        made = heard('observation.speed', odometry(0.5), **source)
        assert made.features()['observation.speed']['names'] == ['twist.twist.linear.x']
        assert [list(v) for v in values(made, odometry(0.75))] == [[0.75]]


def test_a_quaternion_by_its_path_is_one_still():
    made = heard('observation.pose', odometry(0.5), fields=['pose.pose.orientation'])
    assert made.sync_config().streams[0].rotations == ((0, 1, 2, 3),)
    (value,) = values(made, odometry(0.5))
    assert np.linalg.norm(value) == pytest.approx(1)


def said(text, at=T0):
    return raw('/s', make('std_msgs/msg/String', text), at)


def test_a_text_is_a_column_of_its_own():
    made = plan({'subtask': {'topic': '/s', 'dtype': 'string'}})
    assert made.is_learned
    assert made.features() == {'subtask': {'dtype': 'string', 'shape': [1], 'names': None}}
    (config,) = made.sync_config().streams
    assert config.take.value == 'hold' and config.may_be_silent
    rows = []
    for text in ('reach', 'grasp', 'reach', ''):
        (value,) = values(made, said(text))
        taken = {'subtask': Taken(value, T0, Flag.FRESH)}
        rows.append(made.row(AlignedSet(0, T0, T0, taken)).values['subtask'])
    assert rows == ['reach', 'grasp', 'reach', '']
    assert values(made, raw('/s', make('std_msgs/msg/Bool', True), T0)) == []
    assert made.last_errors() == ["/s: std_msgs/msg/Bool holds no text at 'data'"]


def test_a_text_may_be_its_number_among_labels():
    made = heard('observation.phase', said('grasp'), labels=['reach', 'grasp'])
    assert made.features()['observation.phase']['names'] == ['data']
    assert made.sync_config().streams[0].take.value == 'hold'
    assert [list(v) for v in values(made, said('grasp'))] == [[1]]
    assert values(made, said('dance')) == []
    assert "says 'dance', which is none of labels" in made.last_errors()[0]


@pytest.mark.parametrize(
    ('key', 'source', 'told'),
    [
        ('observation.phase', {'dtype': 'string'}, 'LeRobot would make an input of numbers'),
        ('action', {'dtype': 'string'}, 'LeRobot would make an input of numbers'),
        ('phase', {'dtype': 'int64'}, 'dtype may be string, or is left out'),
        ('phase', {'dtype': 'string', 'take': 'interpolate'}, 'a text is held'),
        ('phase', {'dtype': 'string', 'labels': ['a']}, 'labels and dtype exclude each other'),
        ('phase', {'dtype': 'string', 'fields': ['a', 'b']}, 'one text is taken'),
        ('phase', {'fields': ['a', 'a']}, 'fields must be different ones'),
        ('phase', {'labels': []}, 'labels must be different ones'),
    ],
)
def test_what_does_not_go_together_in_a_source_is_refused(key, source, told):
    with pytest.raises(ConfigError, match=told):
        plan({key: {'topic': '/s', **source}})


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_controllers_may_name_their_joints_in_any_order_and_some_only(data):
    joints = [f'j{n}' for n in range(5)]
    told = data.draw(st.permutations(joints))[: data.draw(st.integers(1, 5))]
    kind = 'control_msgs/msg/JointTrajectoryControllerState'
    message = random_message(kind, TYPES, np.random.default_rng(0), T0)
    message.joint_names = list(told)
    message.feedback.positions = np.array([float(name[1:]) for name in told])
    made = plan({'observation.state': {'topic': '/s', 'joints': joints}})
    (value,) = values(made, raw('/s', message, T0))
    expected = [float(name[1:]) if name in told else np.nan for name in joints]
    assert np.array_equal(value, expected, equal_nan=True)
