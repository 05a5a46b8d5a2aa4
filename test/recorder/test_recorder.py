from __future__ import annotations

import threading

import numpy as np
import pytest
from recording_stage import Stage, lengths
from synthetic_messages import T0, S, make, raw

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.recorder_status import Phase


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
    assert stage.recorder.message == 'episode 0 saved: 30 frames, good'


def test_accepted_is_not_saved():
    stage = Stage(num_episodes=2, reset_ns=S)
    stage.kept.is_slow = True
    stage.run_to(Phase.RESETTING)
    status = stage.recorder.status()
    assert (status.accepted, status.saved) == (1, 0)
    assert stage.recorder.message == 'episode accepted: 30 frames, good; being saved'
    assert status.summary == 'resetting: 0 of 2 episodes saved, 1 accepted and being saved'
    stage.run_to(Phase.RECORDING)
    stage.kept.resolve()
    stage.run(0.1)
    status = stage.recorder.status()
    assert (status.phase, status.accepted, status.saved) == ('recording', 1, 1)
    assert stage.recorder.message == 'episode 0 saved: 30 frames, good'


def test_the_session_is_over_when_all_is_durable():
    stage = Stage(num_episodes=1)
    stage.kept.is_slow = True
    stage.run_to(Phase.SAVING)
    stage.run(5)
    assert not stage.recorder.is_done and stage.recorder.episodes == []
    stage.kept.resolve()
    stage.run(0.1)
    assert stage.recorder.is_done and len(stage.recorder.episodes) == 1


def test_stopping_waits_for_what_was_accepted():
    stage = Stage(num_episodes=9, reset_ns=S)
    stage.kept.is_slow = True
    stage.run_to(Phase.RESETTING)
    stage.run_to(Phase.RECORDING)
    stage.run(0.5)
    stage.recorder.stop()
    assert stage.recorder.phase is Phase.SAVING
    threading.Timer(0.05, lambda: [stage.kept.resolve(), stage.kept.resolve()]).start()
    stage.recorder.wait()
    assert stage.recorder.is_done
    assert [e.outcome for e in stage.recorder.episodes] == [None, 'incomplete']
    assert 'incomplete' in stage.recorder.message


def test_when_too_much_waits_the_next_episode_does_too_and_says_so():
    stage = Stage(num_episodes=3)
    stage.run_to(Phase.RECORDING)
    stage.kept.can_accept = False
    stage.run_to(Phase.SAVING)
    stage.run(1)
    assert 'waiting for episodes to be saved' in stage.recorder.message
    assert stage.recorder.status().accepted == 0
    stage.kept.can_accept = True
    stage.run()
    assert lengths(stage) == [30, 30, 30]
    assert all(e.defects == {} for e in stage.recorder.episodes)


def test_a_rerecorded_episode_need_not_wait():
    stage = Stage(num_episodes=1, reset_ns=S)
    stage.run_to(Phase.RECORDING)
    stage.kept.can_accept = False
    stage.recorder.rerecord()
    stage.run_to(Phase.RESETTING)
    assert stage.kept.dropped == 1


def test_an_episode_that_cannot_be_saved_ends_the_session_and_keeps_the_running_one():
    stage = Stage(num_episodes=3, reset_ns=S)
    stage.kept.is_slow = True
    stage.run_to(Phase.RESETTING)
    stage.run_to(Phase.RECORDING)
    stage.run(0.5)
    stage.kept.resolve(DatasetError('the disk is full'))
    with pytest.raises(DatasetError, match='disk is full'):
        stage.run(0.1)
    stage.recorder.stop()
    stage.kept.resolve()
    stage.recorder.wait()
    assert stage.recorder.is_done
    assert [e.outcome for e in stage.recorder.episodes] == ['incomplete']


def test_all_failures_are_told_at_the_end():
    stage = Stage(num_episodes=2)
    stage.kept.is_slow = True
    stage.run_to(Phase.SAVING)
    for number in range(2):
        stage.kept.resolve(DatasetError(f'failure {number}'))
    with pytest.raises(DatasetError, match='failure 0; failure 1'):
        stage.recorder.wait()
    assert stage.recorder.is_done


def test_an_encoder_that_cannot_keep_up_is_told_and_counted():
    stage = Stage(num_episodes=1)
    stage.run_to(Phase.RECORDING)
    before = len(stage.kept.rows)
    stage.kept.behind = frozenset({'observation.images.front'})
    stage.run(0.2)
    assert 'observation.images.front: the encoder cannot keep up' in stage.recorder.message
    repeated = len(stage.kept.rows) - before
    stage.kept.behind = frozenset()
    stage.run()
    assert stage.recorder.episodes[0].defects == {'encoder_repeats': repeated}
    record = stage.kept.episodes[0][1]
    assert record.details['streams']['observation.images.front']['encoder_repeats'] == repeated
    frames = record.tables['frames'].to_pydict()
    flags = frames['observation.images.front.flag']
    assert flags[before : before + repeated] == ['repeat'] * repeated
    stamps = frames['observation.images.front.stamp_ns']
    shown = stamps[before - 1 : before + repeated]
    assert set(shown) == {stamps[before - 1]} and stamps[before + repeated] > shown[0]


def test_an_encoder_that_will_not_catch_up_ends_the_take_and_keeps_it():
    stage = Stage(num_episodes=1, episode_frames=3000)
    stage.run_to(Phase.RECORDING)
    stage.kept.behind, stage.kept.frames_behind = frozenset({'observation.images.front'}), 300
    stage.run(0.5)
    assert stage.recorder.phase is Phase.RECORDING
    stage.kept.frames_behind = 301
    stage.run()
    (episode,) = stage.recorder.episodes
    assert episode.outcome == 'incomplete'
    assert 'observation.images.front: the encoder was 10 s behind' in stage.recorder.message


def test_with_the_real_writer(tmp_path):
    root = tmp_path / 'set'

    def make_writer(features):
        return DatasetWriter.create(root, DatasetInfo(30, features, robot_type='thing'))

    stage = Stage(num_episodes=2, make_writer=make_writer)
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
