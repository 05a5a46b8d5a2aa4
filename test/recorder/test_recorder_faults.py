from __future__ import annotations

import pytest
from recording_stage import JOINTS, MAPPING, PIXELS, Stage, lengths
from synthetic_messages import T0, S, image, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import Phase


def test_a_lost_sensor_ends_the_episode_as_incomplete_and_says_so():
    stage = Stage(episode_frames=300, reset_ns=S)
    stage.run_to(Phase.RECORDING)
    stage.run(1.0)
    stage.silent = {'/front'}
    stage.run_to(Phase.RESETTING)
    summary = stage.recorder.episodes[0]
    assert summary.outcome == 'incomplete'
    assert summary.defects['repeats'] == pytest.approx(30, abs=2)
    assert 'observation.images.front fell silent' in stage.recorder.message
    assert lengths(stage)[0] == pytest.approx(60, abs=4)
    stage.silent = set()
    stage.run_to(Phase.RECORDING)
    stage.run(1.0)
    assert stage.kept.rows


def test_defects_of_one_episode_are_not_told_of_the_next():
    stage = Stage(episode_frames=60)
    stage.run_to(Phase.RECORDING)
    stage.silent = {'/front'}
    stage.run(0.4)
    stage.silent = set()
    stage.recorder.on_message(RawMessage('/states', 'sensor_msgs/msg/JointState', b'', 0, T0))
    stage.run()
    first, second = stage.recorder.episodes
    assert first.defects['repeats'] >= 11 and first.defects['unusable'] == 1
    assert second.defects == {}


def test_the_command_in_force_holds_in_the_next_episode():
    stage = Stage(reset_ns=S)
    stage.run_to(Phase.RECORDING)
    stage.silent = {'/commands'}
    stage.run()
    assert lengths(stage) == [30, 30]
    second = stage.kept.episodes[1]
    assert len({float(values['action'][0]) for values, _, _ in second[0]}) == 1
    assert stage.recorder.episodes[1].defects == {}


def test_a_single_command_is_enough_to_learn_from():
    stage = Stage(num_episodes=1)
    stage.silent = {'/commands'}
    stage.recorder.on_message(stage.message('/commands', T0))
    stage.run()
    assert lengths(stage) == [30]
    assert {float(v['action'][1]) for v, _, _ in stage.kept.episodes[0][0]} == {7.0}


def test_an_episode_without_frames_is_not_saved_and_not_counted():
    stage = Stage(num_episodes=1, reset_ns=S)
    stage.run_to(Phase.WAITING)
    stage.recorder.end_episode()
    stage.silent = {'/front'}
    stage.run_to(Phase.RESETTING)
    assert stage.recorder.episodes == []
    assert stage.recorder.message == 'nothing was recorded'
    stage.silent = set()
    stage.run()
    assert lengths(stage) == [30]


def test_silent_topics_are_named_when_patience_ends():
    stage = Stage(timeout_ns=5 * S)
    stage.silent = {'/front', '/commands'}
    stage.run(1)
    assert set(stage.recorder.waiting_for()) >= {'/front', '/commands'}
    with pytest.raises(StreamError, match=r'^waited 5 s for /commands, /front$'):
        stage.run()
    assert stage.now - T0 == pytest.approx(5 * S, abs=S)


def test_a_joint_that_never_comes_is_named():
    mapping = {
        'features': {
            **MAPPING['features'],
            'observation.state': {'topic': '/states', 'joints': ['a', 'gripper']},
        }
    }
    stage = Stage(mapping, timeout_ns=5 * S)
    with pytest.raises(StreamError, match=r'^waited 5 s for /states \(gripper\)$'):
        stage.run()


def test_topics_with_configured_joints_are_named_too():
    numbers = {'topic': '/states', 'joints': JOINTS}
    stage = Stage({'features': {'observation.state': numbers}}, timeout_ns=3 * S)
    stage.silent = {'/states'}
    stage.run(1)
    assert stage.recorder.phase is Phase.PREPARING
    assert stage.recorder.status().waiting_for == ('/states',)
    with pytest.raises(StreamError, match=r'^waited 3 s for /states$'):
        stage.run()


def test_what_was_wrong_with_the_messages_is_told_when_patience_ends():
    stage = Stage(timeout_ns=3 * S)
    stage.silent = {'/front'}
    bad = raw('/front', image(T0, PIXELS[:, :, :1], 'rgb32'), T0)
    stage.recorder.on_message(bad)
    with pytest.raises(StreamError, match=r'for /front; /front: image encoding .rgb32. can'):
        stage.run()


def test_messages_that_are_all_unusable_end_the_session():
    stage = Stage()
    stage.run_to(Phase.RECORDING)
    bad = RawMessage('/states', 'sensor_msgs/msg/JointState', b'\x00\x01\x00\x00', 0, stage.now)
    for _ in range(9):
        stage.recorder.on_message(bad)
    with pytest.raises(StreamError, match='10 unusable messages in a row; the last: /states: not'):
        stage.recorder.on_message(bad)


def test_a_stall_of_the_process_loses_nothing():
    """Messages wait in the middleware and come topic by topic; time goes on with poll only."""
    stage = Stage(num_episodes=1, episode_frames=60)
    stage.run_to(Phase.RECORDING)
    begin = stage.now
    backlog = {
        topic: [stage.message(topic, stamp) for stamp in range(stage._due[topic], begin + S, step)]
        for topic, step in stage._step.items()
    }
    for entry in stage._waiting:
        stage.recorder.on_message(entry)
    stage._waiting.clear()
    for topic in ('/front', '/commands', '/states'):
        for entry in backlog[topic]:
            stage.recorder.on_message(entry)
        stage._due[topic] += stage._step[topic] * len(backlog[topic])
    stage.now = begin + S
    stage.run()
    assert lengths(stage) == [60]
    assert stage.recorder.episodes[0].defects == {}


def test_opening_the_dataset_may_take_long_without_spoiling_the_first_take():
    """What queued up meanwhile is cut by the middleware: a gap, but before the take."""

    def slowly(features):
        stage.silent = {'/states', '/commands'}
        return stage.make_writer(features)

    stage = Stage(num_episodes=1, make_writer=slowly)
    stage.run(until=lambda: bool(stage.silent))
    queued = stage.now + 3 * S
    for topic in stage.silent:
        stage._due[topic] = queued - S // 10
    stage._due['/front'] = stage.now
    before, stage.now = stage.now, queued
    stage.recorder.poll(before)
    stage.silent = set()
    stage.run()
    assert lengths(stage) == [30]
    assert stage.recorder.episodes[0].defects == {}


def test_a_topic_that_is_found_seconds_later_is_waited_for():
    features = {**MAPPING['features'], 'observation.state': {'topic': '/states', 'joints': ['a']}}
    stage = Stage({**MAPPING, 'features': features}, num_episodes=1)
    stage.silent = {'/states'}
    stage.run(6)
    assert stage.recorder.status().waiting_for == ('/states',)
    assert stage.made_with is None, 'nothing is decided without it'
    stage.silent = set()
    stage.run()
    assert lengths(stage) == [30]
