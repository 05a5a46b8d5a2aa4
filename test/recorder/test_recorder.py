from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from synthetic_messages import MS, T0, S, image, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter, SavedEpisode
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Phase, Recorder, SessionConfig
from lerobot_recorder.row_plan import RowPlan

MAPPING = {
    'fps': 30,
    'features': {
        'observation.state': {'topic': '/states'},
        'action': {'topic': '/commands'},
        'observation.images.front': {'topic': '/front'},
    },
}
JOINTS = ['a', 'b']
PIXELS = np.zeros((16, 16, 3), np.uint8)


class Kept:
    """Stands in for a DatasetWriter: keeps what it is given."""

    def __init__(self):
        self.rows, self.episodes, self.dropped, self.is_final = [], [], 0, False

    def add_frame(self, values, pictures, task):
        self.rows.append((values, pictures, task))

    def save_episode(self, record=None):
        self.episodes.append((self.rows, record))
        self.rows = []
        return SavedEpisode(len(self.episodes) - 1, len(self.episodes[-1][0]), record.uuid)

    def discard_episode(self):
        self.dropped += bool(self.rows)
        self.rows = []

    def finalize(self):
        self.is_final = True


class Stage:
    """A graph that talks, a clock by hand and a recorder that listens."""

    def __init__(self, mapping=MAPPING, **session):
        self.now = T0
        self.kept = Kept()
        self.made_with = None
        self.silent: set[str] = set()
        config = SessionConfig(
            **{'task': 'fold', 'num_episodes': 2, 'episode_frames': 30} | session
        )
        plan = RowPlan(build_mapping(mapping, 'mapping'))
        self.recorder = Recorder(plan, self._make_writer, config, self.now)
        self._due = {'/states': T0, '/commands': T0, '/front': T0}
        self._waiting: list[RawMessage] = []
        self._step = {'/states': S // 100, '/commands': S // 50, '/front': S // 30}

    def _make_writer(self, features):
        self.made_with = features
        return self.kept

    def message(self, topic: str, stamp: int) -> RawMessage:
        seconds = (stamp - T0) / S
        if topic == '/front':
            return raw(topic, image(stamp, PIXELS), stamp + 30 * MS)
        sign = 1 if topic == '/states' else -1
        return raw(topic, joint_state(stamp, JOINTS, [sign * seconds, 7.0]), stamp + 2 * MS)

    def run(self, seconds: float = 60.0, until: Callable[[], bool] = lambda: False) -> None:
        end = self.now + round(seconds * S)
        while self.now < end and not until() and not self.recorder.is_done:
            self.now += 20 * MS
            for topic, step in self._step.items():
                while self._due[topic] <= self.now:
                    if topic not in self.silent:
                        self._waiting.append(self.message(topic, self._due[topic]))
                    self._due[topic] += step
            self._waiting.sort(key=lambda message: message.received_ns)
            while self._waiting and self._waiting[0].received_ns <= self.now:
                self.recorder.on_message(self._waiting.pop(0))
            self.recorder.poll(self.now)

    def run_to(self, phase: Phase) -> None:
        self.run(until=lambda: self.recorder.phase is phase)
        assert self.recorder.phase is phase


def lengths(stage: Stage) -> list[int]:
    return [len(rows) for rows, _ in stage.kept.episodes]


def test_a_session_is_a_row_of_episodes():
    stage = Stage(num_episodes=3, reset_ns=2 * S)
    phases = [stage.recorder.phase]
    while not stage.recorder.is_done:
        stage.run(0.02)
        if stage.recorder.phase is not phases[-1]:
            phases.append(stage.recorder.phase)
    once = [Phase.WAITING, Phase.RECORDING, Phase.RESETTING]
    assert phases == [Phase.PREPARING, *once, *once, *once[:2], Phase.DONE]
    assert lengths(stage) == [30, 30, 30]
    assert [e.frames for e in stage.recorder.episodes] == [30, 30, 30]
    assert all(e.outcome is None and e.defects == {} for e in stage.recorder.episodes)
    starts = [record.details['origin_ns'] for _, record in stage.kept.episodes]
    assert min(np.diff(starts)) >= 3 * S
    stage.recorder.close()
    assert stage.kept.is_final


def test_features_are_learnt_from_the_first_messages():
    stage = Stage()
    stage.run_to(Phase.RECORDING)
    assert stage.made_with['observation.state']['names'] == ['a.pos', 'b.pos']
    assert stage.made_with['action']['shape'] == [2]
    assert stage.made_with['observation.images.front']['shape'] == [16, 16, 3]


def test_rows_hold_what_was_sent():
    stage = Stage(num_episodes=1)
    stage.run()
    rows, record = stage.kept.episodes[0]
    origin = record.details['origin_ns']
    for k, (values, pictures, task) in enumerate(rows):
        seconds = (origin - T0) / S + k / 30
        assert values['observation.state'].dtype == np.float32
        assert values['observation.state'] == pytest.approx([seconds, 7.0], abs=1e-5)
        assert -0.021 < values['action'][0] + seconds <= 1e-5
        assert task == 'fold' and pictures['observation.images.front'].height == 16
    frames = record.tables['frames']
    assert frames.num_rows == 30
    assert frames['observation.images.front.stamp_ns'][3].as_py() == pytest.approx(
        origin + S // 10, abs=2
    )
    assert frames['observation.state.flag'].to_pylist() == ['fresh'] * 30


def test_ending_early_keeps_what_there_is():
    stage = Stage(num_episodes=1, episode_frames=300)
    stage.run_to(Phase.RECORDING)
    begun = stage.now
    stage.run(1.0)
    stage.recorder.end_episode()
    assert stage.recorder.phase is Phase.FINISHING
    stage.run()
    assert stage.recorder.is_done
    assert lengths(stage) == [pytest.approx((stage.now - begun) / S * 30, abs=20)]
    assert 30 <= lengths(stage)[0] <= 40
    assert stage.recorder.episodes[0].outcome is None


def test_rerecord_drops_the_running_episode_and_records_it_again():
    stage = Stage(num_episodes=1, episode_frames=60, reset_ns=S)
    stage.run_to(Phase.RECORDING)
    stage.run(1.0)
    stage.recorder.rerecord()
    stage.run_to(Phase.RESETTING)
    assert stage.kept.episodes == [] and stage.kept.dropped == 1
    assert stage.recorder.message == 'episode dropped'
    stage.run()
    assert lengths(stage) == [60]


def test_ending_a_reset_begins_the_next_episode_at_once():
    stage = Stage(reset_ns=3600 * S)
    stage.run_to(Phase.RESETTING)
    assert stage.recorder.status().left_s == pytest.approx(3600, abs=1)
    stage.recorder.end_episode()
    stage.run()
    assert lengths(stage) == [30, 30]


@pytest.mark.parametrize(
    ('phase', 'saved'),
    [
        (Phase.PREPARING, []),
        (Phase.RECORDING, [20]),
        (Phase.FINISHING, [20]),
        (Phase.RESETTING, [30]),
    ],
)
def test_stop_in_every_phase(phase, saved):
    stage = Stage(reset_ns=5 * S)
    if phase is Phase.FINISHING:
        stage.run_to(Phase.RECORDING)
        stage.run(0.7)
        stage.recorder.end_episode()
        stage.run(0.1)
    elif phase is not Phase.PREPARING:
        stage.run_to(phase)
        if phase is Phase.RECORDING:
            stage.run(0.7)
    else:
        stage.run(0.3)
    assert stage.recorder.phase is phase
    stage.recorder.stop()
    stage.recorder.stop()
    assert stage.recorder.is_done
    assert lengths(stage) == [pytest.approx(number, abs=6) for number in saved]
    if phase in (Phase.RECORDING, Phase.FINISHING):
        assert stage.recorder.episodes[0].outcome == 'incomplete'
    count = len(stage.recorder.episodes)
    stage.run(1)
    stage.recorder.close()
    assert stage.kept.is_final == (phase is not Phase.PREPARING)
    assert len(stage.recorder.episodes) == count


def test_stop_while_waiting_saves_nothing():
    stage = Stage()
    stage.run_to(Phase.WAITING)
    stage.recorder.stop()
    assert stage.recorder.is_done and stage.kept.episodes == []


def test_stopping_after_rerecord_keeps_nothing():
    stage = Stage()
    stage.run_to(Phase.RECORDING)
    stage.recorder.rerecord()
    stage.recorder.stop()
    assert stage.recorder.is_done and stage.kept.episodes == [] and stage.kept.dropped == 1


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
    assert stage.recorder.phase is Phase.WAITING
    assert stage.recorder.status().waiting_for == ('/states',)
    with pytest.raises(StreamError, match=r'^waited 3 s for /states$'):
        stage.run()


def test_what_was_wrong_with_the_messages_is_told_when_patience_ends():
    stage = Stage(timeout_ns=3 * S)
    stage.silent = {'/front'}
    bad = raw('/front', image(T0, PIXELS[:, :, :1], 'bayer_rggb8'), T0)
    stage.recorder.on_message(bad)
    with pytest.raises(StreamError, match=r'for /front; /front: image encoding .bayer_rggb8. can'):
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


def test_status_tells_what_an_operator_must_know():
    stage = Stage()
    stage.run(0.1)
    status = stage.recorder.status()
    assert (status.phase, status.wanted, status.saved) == ('preparing', 2, 0)
    stage.run_to(Phase.RECORDING)
    stage.run(0.5)
    status = stage.recorder.status()
    assert status.phase == 'recording' and 10 <= status.frames <= 20
    assert (status.episode_frames, status.task, status.waiting_for) == (30, 'fold', ())
    stage.run_to(Phase.WAITING)
    assert stage.recorder.status().saved == 1
    assert stage.recorder.message == 'episode 0 saved: 30 frames'


def test_with_the_real_writer(tmp_path):
    stage = Stage(num_episodes=2)
    root = tmp_path / 'set'

    def make_writer(features):
        return DatasetWriter.create(root, DatasetInfo(30, features, robot_type='thing'))

    stage.recorder._make_writer = make_writer
    stage.run()
    stage.recorder.close()
    reader = DatasetReader(root)
    assert reader.num_episodes == 2
    view = reader.episode(1)
    assert view.length == 30 and list(view.tasks) == ['fold']
    assert len(list(view.frames('observation.images.front'))) == 30
    steps = np.diff(view.rows['observation.state'][:, 0])
    assert steps == pytest.approx(np.full(29, 1 / 30), abs=1e-4)


def test_an_episode_of_another_kind_of_commands():
    features = {
        'observation.state': {'topic': '/states'},
        'action': {'topic': '/forward/commands'},
    }
    stage = Stage({'features': features}, num_episodes=1)
    layout = make('std_msgs/msg/MultiArrayLayout', [], 0)
    array = make('std_msgs/msg/Float64MultiArray', layout, np.array([1.5, 2.5]))
    stage.recorder.on_message(raw('/forward/commands', array, T0, source_ns=T0))
    stage.run()
    rows, _ = stage.kept.episodes[0]
    assert {tuple(values['action']) for values, _, _ in rows} == {(1.5, 2.5)}
