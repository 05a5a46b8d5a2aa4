"""Two datasets of one operator: what happens to one episode happens to both."""

from __future__ import annotations

import pytest
from recording_stage import Kept
from synthetic_messages import MS, T0, S, joint_state, raw

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.capture import Capture
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_group import CaptureGroup, RecorderGroup
from lerobot_recorder.recorder_status import Phase, SessionConfig
from lerobot_recorder.row_plan import RowPlan

NAMES = ('left', 'right')


class Pair:
    """Two recorders in a group, and two robots that talk."""

    def __init__(self, **session):
        self.now = T0
        self.silent: set[str] = set()
        self.kept = {name: Kept() for name in NAMES}
        captures, self.recorders = {}, {}
        usual = {'task': 'fold', 'num_episodes': 2, 'episode_frames': 30, 'reset_ns': S // 2}
        config = SessionConfig(**usual | session)
        for name in NAMES:
            features = {'observation.state': {'topic': f'/{name}/states', 'joints': ['a']}}
            mapping = build_mapping({'fps': 30, 'features': features}, 'mapping')
            captures[name] = Capture(mapping)
            self.recorders[name] = Recorder(
                RowPlan(mapping), lambda _f, n=name: self.kept[n], config, T0, captures[name]
            )
        self.group = RecorderGroup(self.recorders, CaptureGroup(captures))

    def run(self, seconds, until=lambda: False):
        end = self.now + round(seconds * S)
        while self.now < end and not until() and not self.group.is_done:
            self.now += 10 * MS
            for name in NAMES:
                if name not in self.silent:
                    message = joint_state(self.now, ['a'], [self.now / S])
                    self.group.on_message(raw(f'/{name}/states', message, self.now))
            self.group.poll(self.now)

    def run_to(self, phase, name='left'):
        self.run(30, lambda: self.recorders[name].phase is phase)
        assert self.recorders[name].phase is phase

    def lengths(self):
        return [[len(rows) for rows, _ in self.kept[name].episodes] for name in NAMES]


def origins(pair):
    return [[e.details['origin_ns'] for _, e in pair.kept[n].episodes] for n in NAMES]


def test_each_records_its_own_robot_at_the_same_time():
    pair = Pair()
    pair.run(60)
    assert pair.group.is_done and pair.lengths() == [[30, 30], [30, 30]]
    left, right = origins(pair)
    assert [abs(a - b) < S // 30 for a, b in zip(left, right, strict=True)] == [True, True]
    assert pair.group.status().saved == 2


def test_the_first_takes_wait_for_the_slower_robot():
    pair = Pair()
    pair.silent = {'right'}
    pair.run(3)
    assert pair.recorders['left'].is_due and pair.recorders['left'].phase is Phase.WARMUP
    assert pair.group.status().waiting_for == ('/right/states',)
    pair.silent = set()
    pair.run(60)
    left, right = origins(pair)
    assert abs(left[0] - right[0]) < S // 30


def test_what_the_operator_says_is_for_both():
    pair = Pair(episode_frames=300)
    pair.run_to(Phase.RECORDING)
    pair.run(0.5)
    pair.group.obey('end_episode')
    pair.run_to(Phase.RESETTING)
    (left,), (right,) = pair.lengths()
    assert 5 < left < 40 and abs(left - right) <= 1
    pair.run_to(Phase.RECORDING)
    pair.group.obey('rerecord')
    pair.run_to(Phase.RESETTING)
    assert [kept.dropped for kept in pair.kept.values()] == [1, 1]
    pair.group.stop()
    assert pair.group.is_done and pair.lengths() == [[left], [right]]


def test_a_lost_sensor_of_one_ends_the_episode_of_both():
    pair = Pair(episode_frames=600, num_episodes=1)
    pair.run_to(Phase.RECORDING)
    pair.run(2)
    pair.silent = {'right'}
    pair.run(8)
    (left,), (right,) = pair.lengths()
    assert left < 600 and right < left, 'the left one ends though nothing is wrong with it'


def test_what_is_dropped_is_dropped_of_both_though_one_has_ended():
    pair = Pair(episode_frames=600)
    pair.run_to(Phase.RECORDING)
    pair.run(2)
    pair.silent = {'right'}
    pair.run_to(Phase.RESETTING, 'right')
    assert pair.recorders['left'].phase is Phase.RECORDING
    answer = pair.group.obey('discard')
    pair.run(0.1)
    assert answer.success
    assert [recorder.accepted for recorder in pair.recorders.values()] == [0, 0]


def test_an_operator_is_told_of_both():
    pair = Pair(episode_frames=300)
    pair.run_to(Phase.RECORDING)
    pair.recorders['left'].message, pair.recorders['right'].message = 'a', 'b'
    pair.group.message = 'c'
    status = pair.group.status()
    assert status.message == 'c; left: a; right: b' and status.phase == 'recording'
    pair.recorders['left'].message = 'newer'
    assert pair.group.status().message == 'left: newer; right: b', 'what is old is not told again'


def test_an_operator_is_answered_when_both_have_done_it():
    pair = Pair(episode_frames=300)
    for kept in pair.kept.values():
        kept.is_slow = True
    pair.run_to(Phase.RECORDING)
    answer = pair.group.obey('success')
    pair.run(2)
    pair.kept['left'].resolve()
    pair.run(0.1)
    assert not answer.is_given
    pair.kept['right'].resolve()
    pair.run(0.1)
    assert answer.is_given and answer.success and 'right: episode 0 saved' in answer.text
    assert [kept.episodes[0][1].outcome for kept in pair.kept.values()] == ['success'] * 2


def test_a_failure_of_one_does_not_keep_the_other_from_being_saved():
    pair = Pair(num_episodes=1)
    for kept in pair.kept.values():
        kept.is_slow = True
    pair.run(30, lambda: all(kept.pending for kept in pair.kept.values()))
    pair.kept['left'].resolve(DatasetError('disk full'))
    pair.kept['right'].resolve()
    with pytest.raises(DatasetError, match='left: disk full'):
        pair.group.wait()
    assert len(pair.recorders['right'].episodes) == 1
    pair.group.close()
    assert all(kept.is_final for kept in pair.kept.values())


def test_topics_of_all_are_wanted():
    pair = Pair()
    captures = pair.group._capture
    assert captures.topics() == ['/left/states', '/right/states']
    captures.look({'/left/joint_commands_sent': 'sensor_msgs/msg/JointState'})
    assert '/left/joint_commands_sent' in captures.topics()
    captures.refused['/x'] = 'why'
    assert all(capture.refused == {'/x': 'why'} for capture in captures.captures.values())


def test_no_robot_begins_before_all_have_ended():
    pair = Pair(episode_frames=300)
    pair.run_to(Phase.RECORDING)
    pair.recorders['left'].obey('save')
    pair.run_to(Phase.RESETTING)
    assert pair.recorders['right'].phase is Phase.RECORDING
    assert not pair.group.obey('start').success
    assert pair.recorders['left'].phase is Phase.RESETTING
    pair.group.stop()


def test_a_robot_that_cannot_be_ended_does_not_keep_the_other_running():
    pair = Pair(episode_frames=300)
    pair.run_to(Phase.RECORDING)
    pair.run(0.5)

    def refuse(record=None):
        raise DatasetError('the disk is gone')

    pair.kept['left'].accept_episode = refuse
    with pytest.raises(DatasetError, match='left: the disk is gone'):
        pair.group.stop()
    assert pair.recorders['right'].is_done and len(pair.kept['right'].episodes) == 1
