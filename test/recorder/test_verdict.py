from __future__ import annotations

import pytest
from recording_stage import Stage
from synthetic_messages import S

from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.verdict import Grade, judge

FRONT, STATE = 'observation.images.front', 'observation.state'


@pytest.fixture(scope='module')
def clean() -> dict:
    """The report of an episode with nothing wrong, as a take makes it."""
    stage = Stage(num_episodes=1, episode_frames=90)
    stage.run()
    return stage.kept.episodes[0][1].details['streams']


def with_(report: dict, stream: str, **figures: int) -> dict:
    return {**report, stream: {**report[stream], **figures}}


def test_an_episode_without_defects_is_good(clean):
    verdict = judge(clean, 90, 30)
    assert (verdict.grade, verdict.reasons, verdict.told) == (Grade.GOOD, (), 'good')


@pytest.mark.parametrize(
    ('figures', 'grade'),
    [
        ({'repeats': 0}, Grade.GOOD),
        ({'repeats': 1}, Grade.USABLE),
        ({'repeats': 9}, Grade.USABLE),
        ({'repeats': 10}, Grade.BAD),
        ({'encoder_repeats': 30}, Grade.BAD),
        ({'lost': 2}, Grade.USABLE),
        ({'lost': 40}, Grade.BAD),
        ({'lying_stamps': 5}, Grade.USABLE),
        ({'absurd_stamps': 90}, Grade.BAD),
        ({'late': 5}, Grade.USABLE),
        ({'unusable': 30}, Grade.BAD),
        ({'slow_seconds': 1}, Grade.USABLE),
        ({'slow_seconds': 2}, Grade.BAD),
        ({'longest_gap_ns': S // 4}, Grade.USABLE),
        ({'longest_gap_ns': S}, Grade.BAD),
        ({'clock_jumps': 9}, Grade.USABLE),
    ],
)
def test_thresholds(clean, figures, grade):
    verdict = judge(with_(clean, FRONT, **figures), 90, 30)
    assert verdict.grade is grade
    assert len(verdict.reasons) == (grade is not Grade.GOOD)
    assert all(reason.startswith(f'{FRONT}: ') for reason in verdict.reasons)


def test_a_command_may_be_silent_and_a_sensor_may_not(clean):
    silent = {'held': 60, 'longest_gap_ns': 2 * S}
    assert judge(with_(clean, 'action', **silent), 90, 30).grade is Grade.GOOD
    assert judge(with_(clean, STATE, **silent), 90, 30).grade is Grade.BAD


def test_a_slow_dataset_has_rows_far_apart(clean):
    far = with_(clean, FRONT, longest_gap_ns=S // 4)
    assert judge(far, 90, 5).grade is Grade.GOOD


def test_the_worst_reason_comes_first(clean):
    report = with_(with_(clean, FRONT, repeats=3), STATE, held=40)
    reasons = judge(report, 90, 30, 'the session was stopped').reasons
    assert reasons == (
        f'{STATE}: 44.4% held over gaps',
        f'{FRONT}: 3.3% of its pictures are repeats',
        'ended early: the session was stopped',
    )


def test_not_all_reasons_are_told(clean):
    many = {name: 90 for name in ('repeats', 'lost', 'late', 'lying_stamps')}
    verdict = judge(with_(clean, FRONT, **many), 90, 30)
    assert len(verdict.reasons) == 4
    assert verdict.told.startswith('bad (front: 100.0% of its pictures are repeats; front: ')
    assert verdict.told.endswith('; 1 more)')


def test_the_verdict_is_told_and_kept():
    stage = Stage(num_episodes=1, episode_frames=60)
    stage.kept.is_slow = True
    stage.run_to(Phase.RECORDING)
    stage.silent = {'/front'}
    stage.run(0.5)
    stage.silent = set()
    stage.run_to(Phase.SAVING)
    kept = stage.kept.episodes[0][1].details['verdict']
    assert kept['grade'] == 'bad'
    assert f'{FRONT}: ' in kept['reasons'][0]
    told = stage.recorder.message
    assert told.startswith('episode accepted: 60 frames, bad (front: '), told
    stage.kept.resolve()
