"""Streams that lie, start late, stop, burst, double or slow down: told, and nothing invented."""

from __future__ import annotations

import numpy as np
import pytest
from recording_stage import Stage
from synthetic_messages import MS, T0, S

from lerobot_recorder.recorder_status import Phase


class Faulty(Stage):
    """A stage on which one message, or all from one on, are spoilt while recording."""

    def __init__(self, **session):
        super().__init__(**{'num_episodes': 1, 'episode_frames': 90} | session)
        self.off: dict[str, int] = {}
        self.copies: dict[str, int] = {}
        self.begin = 0

    def message(self, topic, stamp):
        true = super().message(topic, stamp)
        lied = super().message(topic, stamp + self.off.get(topic, 0))
        return type(true)(topic, true.msgtype, lied.data, true.received_ns - MS, true.received_ns)

    def run_for_a_while(self):
        self.run_to(Phase.RECORDING)
        self.begin = self.now
        self.run(1.0)

    def figures(self, stream):
        return self.kept.episodes[0][1].details['streams'][stream]

    def joint_error(self):
        """Return how far rows with a picture of their own are from the truth [s]."""
        rows, record = self.kept.episodes[0]
        targets = record.tables['frames']['target_ns'].to_numpy()
        state = np.array([values['observation.state'][0] for values, _, _ in rows])
        return np.abs(state - (targets - T0) / S).max()


STREAMS = {
    '/front': 'observation.images.front',
    '/states': 'observation.state',
    '/commands': 'action',
}


LIES = [50 * MS, 2 * S, 9 * S, 3600 * S, -50 * MS, -2 * S, None]


@pytest.mark.parametrize(
    ('topic', 'off'),
    [*(('/front', off) for off in LIES), *(('/states', off) for off in LIES[::3]),
     ('/commands', 9 * S), ('/commands', -50 * MS)],
)  # fmt: skip
def test_one_lying_stamp_harms_nobody(topic, off):
    stage = Faulty()
    stage.run_for_a_while()
    due = stage._due[topic]
    stage.off = {topic: -due if off is None else off}
    stage.run(until=lambda: stage._due[topic] > due)
    stage.off = {}
    stage.run()
    (summary,) = stage.recorder.episodes
    figures = stage.figures(STREAMS[topic])
    assert (summary.frames, summary.outcome) == (90, None)
    doubted = figures['lying_stamps'] + figures['absurd_stamps'] + figures['missing_stamps']
    assert 1 <= doubted <= 3
    assert set(summary.defects) <= {'doubtful_stamps'}
    assert stage.joint_error() < 1e-5
    for name in STREAMS.values():
        assert stage.figures(name)['clock_jumps'] == 0
    stamps = stage.kept.episodes[0][1].tables['frames']['observation.images.front.stamp_ns']
    steps = np.diff(stamps.to_numpy())
    assert steps.min() > 25 * MS and steps.max() < 42 * MS


@pytest.mark.parametrize('off', [60 * MS, -60 * MS])
def test_a_clock_that_is_set_is_believed_and_counted(off):
    stage = Faulty()
    stage.run_for_a_while()
    stage.off = {'/front': off}
    stage.run()
    (summary,) = stage.recorder.episodes
    assert (summary.frames, summary.outcome) == (90, None)
    assert summary.defects['clock_jumps'] == 1
    assert stage.joint_error() < 1e-5


def test_a_clock_set_by_more_than_a_sensor_may_be_silent_ends_the_take():
    stage = Faulty(num_episodes=2, reset_ns=S)
    stage.run_for_a_while()
    stage.off = {'/front': 5 * S}
    stage.run_to(Phase.RESETTING)
    (summary,) = stage.recorder.episodes
    assert summary.outcome == 'incomplete' and summary.defects['clock_jumps'] == 1


def test_a_stream_that_starts_late_is_waited_for_and_told():
    stage = Faulty(num_episodes=2, episode_frames=30, reset_ns=S // 2)
    stage.run_to(Phase.RESETTING)
    stage.silent = {'/front'}
    stage.run_to(Phase.WAITING)
    stage.run(1.5)
    assert stage.recorder.status().waiting_for == ('/front',)
    begin = stage.now
    stage.silent = set()
    stage.run()
    assert stage.recorder.episodes[1].defects == {}
    streams = stage.kept.episodes[1][1].details['streams']
    assert streams['observation.images.front']['first_ns'] >= begin - S // 10
    assert streams['observation.state']['first_ns'] < begin - S


def test_a_burst_after_a_stall_is_all_there_and_told():
    stage = Faulty()
    stage.run_for_a_while()
    begin, held = stage.now, []
    true_message = stage.message

    def stalled(topic, stamp):
        made = true_message(topic, stamp)
        if topic == '/front' and begin <= stamp < begin + 80 * MS:
            late = max(made.received_ns, begin + 115 * MS)
            made = type(made)(topic, made.msgtype, made.data, late - MS, late)
            held.append(made)
        return made

    stage.message = stalled
    stage.run()
    assert len(held) >= 2
    assert stage.recorder.episodes[0].defects == {}
    assert stage.figures('observation.images.front')['delayed'] >= 1
    assert stage.joint_error() < 1e-5


def test_every_message_twice_is_counted_and_changes_nothing():
    stage = Faulty()
    heard = stage.recorder.on_message
    stage.recorder.on_message = lambda one: (heard(one), heard(one))
    stage.run()
    assert stage.recorder.episodes[0].defects == {}
    for name in ('observation.state', 'observation.images.front'):
        figures = stage.figures(name)
        assert figures['duplicates'] == pytest.approx(figures['received'] / 2, abs=5)
    assert stage.joint_error() < 1e-5


def test_two_publishers_on_one_topic_are_told_by_rate_and_skips():
    stage = Faulty()
    stage._step['/front'] = S // 60
    stage.run()
    figures = stage.figures('observation.images.front')
    assert figures['rate_hz'] == pytest.approx(60, rel=0.02)
    assert figures['skipped'] == pytest.approx(90, abs=5)
    assert stage.recorder.episodes[0].defects == {}


def test_joints_at_half_their_rate_are_told():
    stage = Faulty()
    stage.run_for_a_while()
    stage._step['/states'] = S // 50
    stage.run()
    assert stage.figures('observation.state')['lowest_hz'] == pytest.approx(50, rel=0.05)
    assert stage.joint_error() < 1e-5


def test_time_that_goes_back_ends_the_take_and_the_next_begins_in_the_new_time():
    stage = Faulty(num_episodes=2, episode_frames=60, reset_ns=S // 2)
    stage.run_for_a_while()
    stage.now = T0 - 1000 * S
    stage._waiting.clear()
    stage._due = dict.fromkeys(stage._due, stage.now)
    stage.recorder.restart_time(stage.now, 'the simulated clock went back')
    assert stage.recorder.message.endswith('; the simulated clock went back')
    stage.run()
    first, second = stage.recorder.episodes
    assert first.outcome == 'incomplete' and 25 <= first.frames <= 35
    assert (second.outcome, second.frames, second.defects) == (None, 60, {})
    details = [record.details for _, record in stage.kept.episodes]
    assert details[0]['ended'] == 'the simulated clock went back' and details[1]['ended'] is None
    assert details[1]['origin_ns'] < T0 - 900 * S
