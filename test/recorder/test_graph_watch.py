from __future__ import annotations

from lerobot_recorder.graph_watch import GraphWatch

S = 1_000_000_000
STATES = {'/joint_states': 'sensor_msgs/msg/JointState'}
CAMERA = {'/front/image_raw': 'sensor_msgs/msg/Image'}
CHATTER = {'/rosout': 'rcl_interfaces/msg/Log'}


def test_an_empty_graph_never_settles():
    watch = GraphWatch(S)
    assert not any(watch.look(CHATTER, t * S) for t in range(10))


def test_it_settles_when_nothing_new_has_come_for_a_while():
    watch = GraphWatch(S)
    assert not watch.look(STATES, 10 * S)
    assert not watch.look(STATES, 11 * S - 1)
    assert watch.look(STATES, 11 * S)


def test_something_new_or_gone_starts_the_wait_again():
    watch = GraphWatch(S)
    watch.look(STATES, 10 * S)
    assert not watch.look(STATES | CAMERA, 11 * S)
    assert not watch.look(STATES, 12 * S)
    assert watch.look(STATES, 13 * S)


def test_what_cannot_be_recorded_does_not_matter():
    watch = GraphWatch(S)
    watch.look(STATES, 10 * S)
    assert watch.look(STATES | CHATTER, 11 * S)
