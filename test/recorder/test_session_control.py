"""The operator's words: pause, labels, dropping, pre-roll, marks, and when they are answered."""

from __future__ import annotations

import time

import numpy as np
import pytest
from recording_stage import Kept, Stage, lengths
from synthetic_messages import S

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.verbs import VERBS


class Diary(Companion):
    """Writes down what it is told."""

    def __init__(self):
        self.lines, self.messages = [], 0

    def begin_episode(self, uuid, task):
        self.lines.append(f'begin {task}')

    def on_message(self, raw):
        self.messages += 1

    def details(self):
        return {'diary': 'kept'}

    def end_episode(self, keep):
        self.lines.append('kept' if keep else 'given up')

    def on_durable(self, saved):
        self.lines.append(f'durable {saved.index}')

    def on_amended(self, uuid):
        self.lines.append('amended')

    def on_dropped(self, uuid):
        self.lines.append('dropped')

    def close(self):
        self.lines.append('close')


@pytest.fixture
def real(tmp_path):
    """Return how to make a stage that writes a real dataset, and the dataset's folder."""
    root, made = tmp_path / 'set', []

    def make(**session):
        def make_writer(features):
            return DatasetWriter.create(root, DatasetInfo(30, features, robot_type='thing'))

        made.append(Stage(make_writer=make_writer, **session))
        return made[-1]

    yield make, root
    for stage in made:
        stage.recorder.close()


def settle(stage, answer):
    """Let an episode end, then wait until a word is answered."""
    stage.run(1, until=lambda: answer.is_given)
    for _ in range(500):
        stage.recorder.poll(stage.now)
        if answer.is_given:
            return answer
        time.sleep(0.01)
    raise AssertionError('never answered')


def test_every_verb_is_answered_in_every_phase():
    for phase in (None, Phase.WARMUP, Phase.RECORDING, Phase.RESETTING):
        for verb in VERBS:
            stage = Stage(num_episodes=2, episode_frames=60, reset_ns=9 * S, warmup_ns=9 * S)
            if phase is not None:
                stage.run(until=lambda s=stage: s.recorder.phase is Phase.WARMUP)
            if phase in (Phase.RECORDING, Phase.RESETTING):
                stage.recorder.start()
                stage.run_to(phase)
            answer = stage.recorder.obey(verb)
            stage.run(3)
            assert answer.is_given and answer.text, (phase, verb)


def test_save_is_answered_only_when_the_episode_is_durable():
    stage = Stage(num_episodes=2, episode_frames=300, reset_ns=9 * S)
    stage.kept.is_slow = True
    stage.run_to(Phase.RECORDING)
    stage.run(1)
    answer = stage.recorder.obey('save')
    stage.run(3)
    assert not answer.is_given and stage.recorder.phase is Phase.RESETTING
    stage.kept.resolve()
    stage.run(0.1)
    assert answer.success and answer.text.startswith('episode 0 saved')
    assert stage.kept.episodes[0][1].details['ended_by'] == 'save'


def test_a_label_that_could_not_be_saved_is_not_answered_with_yes():
    stage = Stage(num_episodes=2, episode_frames=300, reset_ns=9 * S)
    stage.kept.is_slow = True
    stage.run_to(Phase.RECORDING)
    answer = stage.recorder.obey('success')
    stage.run(1)
    stage.kept.resolve(DatasetError('the disk is full'))
    with pytest.raises(DatasetError):
        stage.run(0.1)
    assert answer.is_given and not answer.success and 'disk is full' in answer.text


@pytest.mark.parametrize('outcome', ['success', 'failure'])
def test_a_label_ends_the_running_episode(outcome):
    stage = Stage(num_episodes=1, episode_frames=300)
    stage.run_to(Phase.RECORDING)
    stage.run(1)
    assert settle(stage, stage.recorder.obey(outcome)).success
    assert stage.kept.episodes[0][1].outcome == outcome
    assert stage.recorder.episodes[0].outcome == outcome


def test_the_last_episode_is_labelled_noted_and_dropped_on_the_disk(real):
    make, root = real
    diary = Diary()
    stage = make(num_episodes=2, reset_ns=9 * S, companions=(diary,))
    stage.run_to(Phase.RESETTING)
    assert settle(stage, stage.recorder.obey('failure')).text == 'episode 0 is a failure'
    assert settle(stage, stage.recorder.note('slipped')).success
    assert settle(stage, stage.recorder.note('twice')).success
    view = next(iter(DatasetReader(root).episodes()))
    assert view.extra['ros/outcome'] == 'failure'
    assert stage.recorder.episodes[0].notes == ('slipped', 'twice')
    assert settle(stage, stage.recorder.obey('discard')).text.startswith('episode 0 dropped')
    assert stage.recorder.accepted == 0 and stage.recorder.episodes == []
    assert not stage.recorder.obey('discard').success
    stage.run(until=lambda: stage.recorder.accepted == 2)
    stage.recorder.wait()
    stage.recorder.close()
    assert DatasetReader(root).num_episodes == 2
    first = ['begin fold', 'kept', 'durable 0', 'amended', 'amended', 'amended', 'dropped']
    assert diary.lines[:7] == first and diary.lines[-1] == 'close'
    rest = ['begin fold', 'kept', 'durable 0', 'begin fold', 'kept', 'durable 1']
    assert sorted(diary.lines[7:-1]) == sorted(rest)


def test_a_note_does_not_displace_the_one_before_that_is_on_its_way():
    stage = Stage(reset_ns=9 * S)
    stage.run_to(Phase.RESETTING)
    stage.recorder.note('one')
    stage.recorder.note('two')
    assert stage.kept.amendments.amended[-1][2] == {'notes': ['one', 'two']}


def test_a_label_is_for_the_episode_that_waits_to_be_saved():
    stage = Stage(num_episodes=3, reset_ns=S)
    stage.run_to(Phase.RESETTING)
    stage.run_to(Phase.RECORDING)
    stage.kept.can_accept = False
    stage.run_to(Phase.SAVING)
    answer = stage.recorder.obey('failure')
    stage.kept.can_accept = True
    stage.run(0.2)
    assert answer.success and stage.kept.amendments.amended == []
    assert [record.outcome for _, record in stage.kept.episodes] == [None, 'failure']


def test_an_episode_that_the_disk_refuses_is_answered_with_no(monkeypatch):
    stage = Stage(episode_frames=300)
    stage.run_to(Phase.RECORDING)

    def refuse(record):
        raise DatasetError('the disk is full')

    monkeypatch.setattr(stage.kept, 'accept_episode', refuse)
    answer = stage.recorder.obey('save')
    with pytest.raises(DatasetError):
        stage.run(2)
    assert answer.is_given and not answer.success


def test_dropping_twice_never_takes_an_earlier_episode(real):
    make, _ = real
    stage = make(num_episodes=3, reset_ns=2 * S)
    stage.run(until=lambda: stage.recorder.accepted == 1)
    stage.run(until=lambda: stage.recorder.phase is Phase.RECORDING)
    assert stage.recorder.obey('discard').success  # the running one
    assert not stage.recorder.obey('discard').success
    stage.run(0.2)
    assert stage.recorder.accepted == 1


def test_pause_keeps_what_ran_and_waits_for_resume():
    stage = Stage(num_episodes=3, episode_frames=300, reset_ns=2 * S)
    stage.run_to(Phase.RECORDING)
    stage.run(1)
    assert settle(stage, stage.recorder.obey('pause')).success
    assert stage.recorder.status().paused and stage.recorder.phase is Phase.RESETTING
    stage.run(30)
    assert len(lengths(stage)) == 1 and stage.recorder.episodes[0].outcome is None
    assert not stage.recorder.obey('pause').success
    assert stage.recorder.obey('resume').success
    stage.run(1)
    assert stage.recorder.phase is Phase.RECORDING and not stage.recorder.status().paused
    assert not stage.recorder.obey('resume').success


def test_a_pause_in_a_reset_lets_the_rest_of_it_run_afterwards():
    stage = Stage(reset_ns=4 * S)
    stage.run_to(Phase.RESETTING)
    stage.run(1)
    stage.recorder.obey('pause')
    stage.run(20)
    stage.recorder.obey('resume')
    assert stage.recorder.status().left_s == pytest.approx(3, abs=0.1)
    stage.run(2)
    assert stage.recorder.phase is Phase.RESETTING
    stage.run_to(Phase.RECORDING)


def test_by_hand_every_episode_waits_for_start():
    stage = Stage(num_episodes=2, by_hand=True)
    stage.run(10)
    assert stage.recorder.phase is Phase.WARMUP and stage.kept.rows == []
    for number in (1, 2):
        assert stage.recorder.obey('start').success
        assert not stage.recorder.obey('start').success
        stage.run(20)
        assert len(lengths(stage)) == number
    assert stage.recorder.is_done


def test_the_warm_up_comes_first_and_can_be_cut_short():
    stage = Stage(num_episodes=1, warmup_ns=5 * S)
    stage.run_to(Phase.WARMUP)
    stage.run(2)
    assert stage.recorder.status().left_s == pytest.approx(3, abs=0.1)
    stage.recorder.end_episode()
    stage.run(0.5)
    assert stage.recorder.phase is Phase.RECORDING


@pytest.mark.parametrize('preroll_s', [0, 1.5])
def test_an_episode_begins_with_its_preroll(preroll_s):
    stage = Stage(num_episodes=1, by_hand=True, preroll_ns=round(preroll_s * S))
    stage.run(8)
    begun = stage.now
    stage.recorder.obey('start')
    stage.run()
    (record,) = (record for _, record in stage.kept.episodes)
    assert (begun - record.details['origin_ns']) / S == pytest.approx(preroll_s, abs=0.05)
    assert stage.recorder.episodes[0].defects == {}
    (rows,) = (rows for rows, _ in stage.kept.episodes)
    steps = np.diff([values['observation.state'][0] for values, _, _ in rows])
    assert steps == pytest.approx(1 / 30, abs=1e-4)
    assert set(record.tables['frames']['observation.images.front.flag'].to_pylist()) == {'fresh'}


class SlowEncoder(Kept):
    """Has room for a second of pictures, and twice the time it needs for what comes live."""

    def add_frame(self, values, pictures, task, *, wait=True):
        self.behind = frozenset() if self.frames_behind < 30 else frozenset(pictures)
        super().add_frame(values, pictures, task, wait=wait)
        self.frames_behind = min(self.frames_behind + 1, 30)
        return frozenset() if wait else self.behind


@pytest.mark.parametrize('ends_early', [False, True])
def test_a_long_preroll_waits_for_the_encoders(ends_early):
    stage = Stage(num_episodes=1, episode_frames=240, by_hand=True, preroll_ns=6 * S)
    stage.kept = SlowEncoder()
    stage.run(9)
    stage.recorder.obey('start')
    for number in range(600):
        stage.run(0.02)
        stage.kept.frames_behind = max(0, stage.kept.frames_behind - 1 - number % 2)
        if ends_early and number == 20:
            assert 0 < stage.recorder.status().frames < 150
            stage.recorder.obey('stop')
    (episode,) = stage.recorder.episodes
    assert 'encoder_repeats' not in episode.defects
    assert 180 <= episode.frames < 200 if ends_early else episode.frames == 240


def test_a_preroll_never_reaches_into_the_episode_before():
    stage = Stage(num_episodes=2, by_hand=True, preroll_ns=20 * S)
    stage.run(3)
    stage.recorder.obey('start')
    stage.run(2)
    ended = stage.now
    stage.run(1)
    stage.recorder.obey('start')
    stage.run()
    first, second = (record.details['origin_ns'] for _, record in stage.kept.episodes)
    assert second >= first + 1 * S and second <= ended


def test_marks_and_notes_lie_on_the_rows_they_belong_to():
    stage = Stage(num_episodes=1, episode_frames=90)
    stage.run_to(Phase.RECORDING)
    stage.run(1)
    assert stage.recorder.mark('event', 'contact', stage.now).success
    assert stage.recorder.mark('subtask', 'lift', stage.now + S // 2).success
    assert stage.recorder.note('neat').success
    assert stage.kept.sketch.details['notes'] == ['neat']  # survives a crash
    stage.run()
    details = stage.kept.episodes[0][1].details
    origin = details['origin_ns']
    assert [mark['kind'] for mark in details['marks']] == ['event', 'subtask']
    for mark in details['marks']:
        assert mark['frame_index'] == round((mark['stamp_ns'] - origin) * 30 / S)
    assert details['notes'] == ['neat']
    assert not stage.recorder.mark('event', 'late', stage.now).success


def test_the_task_changes_with_the_next_episode():
    stage = Stage(num_episodes=2, reset_ns=S)
    stage.run_to(Phase.RECORDING)
    assert stage.recorder.set_task('unfold').success
    assert not stage.recorder.set_task('  ').success
    assert stage.recorder.status().task == 'fold'
    stage.run()
    assert [{task for _, _, task in rows} for rows, _ in stage.kept.episodes] == [
        {'fold'}, {'unfold'},
    ]  # fmt: skip


def test_companions_hear_the_take_and_their_word_is_in_its_record():
    diary = Diary()
    stage = Stage(num_episodes=1, companions=(diary,))
    stage.run()
    assert stage.kept.episodes[0][1].details['diary'] == 'kept'
    assert diary.messages > 150


def test_a_take_that_waits_for_the_disk_can_be_dropped_or_paused():
    for verb in ('discard', 'pause'):
        stage = Stage(num_episodes=3, reset_ns=2 * S)
        stage.kept.can_accept = False
        stage.run_to(Phase.SAVING)
        answer = stage.recorder.obey(verb)
        stage.kept.can_accept = True
        stage.run(1)
        assert answer.success, verb
        assert lengths(stage) == ([] if verb == 'discard' else [30])
        assert stage.recorder.status().paused is (verb == 'pause')


def test_companions_are_ended_though_the_dataset_cannot_be():
    diary = Diary()
    stage = Stage(num_episodes=1, companions=(diary,))
    stage.run()

    def refuse():
        raise DatasetError('the disk is gone')

    stage.kept.finalize = refuse
    with pytest.raises(DatasetError):
        stage.recorder.close()
    assert diary.lines[-1] == 'close'


def test_a_drop_that_fails_can_be_asked_for_again():
    stage = Stage(num_episodes=3, reset_ns=20 * S)
    stage.run_to(Phase.RESETTING)
    failed = stage.kept.amendments._done()
    failed._error = DatasetError('no room')
    stage.kept.amendments.drop = lambda uuid: failed
    answer = stage.recorder.obey('discard')
    stage.run(0.1)
    assert not answer.success and stage.recorder.accepted == 1
    del stage.kept.amendments.drop
    again = stage.recorder.obey('discard')
    stage.run(0.1)
    assert again.success and stage.recorder.accepted == 0


def test_a_mark_lies_on_a_row_that_is_there():
    stage = Stage(num_episodes=1, episode_frames=30)
    stage.run_to(Phase.RECORDING)
    stage.recorder.mark('event', 'far', stage.now + 99 * S)
    stage.run()
    (mark,) = stage.kept.episodes[0][1].details['marks']
    assert mark['frame_index'] == 29
