from __future__ import annotations

import numpy as np
import pytest
from random_messages import random_message
from rosbags.typesys import Stores, get_typestore
from synthetic_messages import T0

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.control_messages import GENERATIONS, definitions, has_changed
from lerobot_recorder.messages import RawMessage, decode
from lerobot_recorder.numeric_fields import read_values

STATE = 'control_msgs/msg/JointTrajectoryControllerState'
FOLLOWING = 'control_msgs/action/FollowJointTrajectory_FeedbackMessage'


def message_of(msgtype, generation):
    """A message as a publisher of that generation sends it, and the same without definitions."""
    store = get_typestore(Stores.LATEST)
    store.register(definitions(generation))
    made = random_message(msgtype, store, np.random.default_rng(generation), T0)
    state = made if msgtype == STATE else made.feedback
    state.joint_names = ['a', 'b']
    measured = state.feedback if hasattr(state, 'feedback') else state.actual
    measured.positions = np.array([1.5, -2.5])
    data = bytes(store.serialize_cdr(made, msgtype))
    return RawMessage('/c', msgtype, data, 0, T0)


@pytest.mark.parametrize('generation', range(GENERATIONS))
def test_states_of_every_generation_are_known_by_their_bytes(generation):
    raw = message_of(STATE, generation)
    names, values = read_values(decode(raw), raw.msgtype, 'position', raw.topic)
    assert (list(names), values.tolist()) == (['a', 'b'], [1.5, -2.5])


@pytest.mark.parametrize('generation', range(GENERATIONS))
def test_what_is_neither_is_refused_as_before(generation):
    raw = message_of(STATE, generation)
    torn = RawMessage(raw.topic, raw.msgtype, raw.data[:-40], 0, T0)
    with pytest.raises(StreamError, match=f'/c: not a valid {STATE}'):
        decode(torn)


def test_only_types_that_have_changed_are_tried_twice():
    assert has_changed(STATE) and not has_changed('control_msgs/msg/JointJog')
    assert not has_changed('sensor_msgs/msg/JointState')
    assert set(definitions(0)) == set(definitions(GENERATIONS - 1))
