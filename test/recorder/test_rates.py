from __future__ import annotations

import random

import pytest
from recording_stage import MAPPING, Stage
from sync_scene import every
from synthetic_messages import MS, T0, S

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.rates import RateMeter, own_rate
from lerobot_recorder.recorder_status import Phase


def metered(stamps) -> RateMeter:
    meter = RateMeter()
    for stamp in stamps:
        meter.add(stamp)
    return meter


@pytest.mark.parametrize('hertz', [10, 15, 27, 29.97, 30, 100])
@pytest.mark.parametrize('losses', [0.0, 0.02, 0.2])
def test_the_own_rate_does_not_know_of_losses(hertz, losses):
    chance = random.Random(1)
    jitter = round(0.1 * S / hertz)
    stamps = [s + chance.randrange(-jitter, jitter) for s in every(hertz, 20)]
    meter = metered([s for s in stamps if chance.random() >= losses])
    assert meter.own_hz == pytest.approx(hertz, rel=0.02)
    assert meter.received_hz == pytest.approx(hertz * (1 - losses), rel=0.06)
    assert meter.slow_windows(hertz) == 0


def test_an_outage_a_double_and_a_step_back_do_not_spoil_it():
    stamps = every(30, 5) + every(30, 5, T0 + 9 * S) + every(30, 5, T0 + 9 * S) + every(30, 5)
    assert metered(stamps).own_hz == pytest.approx(30, rel=0.01)


def test_a_camera_that_slows_down_is_seen_second_by_second():
    meter = metered([*every(30, 10), *every(15, 4, T0 + 10 * S), *every(30, 10, T0 + 14 * S)])
    assert meter.own_hz == pytest.approx(30, rel=0.01)
    assert 3 <= meter.slow_windows(30) <= 5
    assert meter.report()['lowest_hz'] == pytest.approx(15, rel=0.05)


def test_too_few_stamps_tell_nothing():
    assert own_rate([]) is own_rate([T0]) is own_rate([T0, T0]) is None
    assert metered([T0]).own_hz is metered([T0]).received_hz is None


TWO = {
    **MAPPING,
    'features': {**MAPPING['features'], 'observation.images.depth': {'topic': '/depth'}},
}


class Cameras(Stage):
    """A stage whose front camera has a rate of its own, and that may have a second one."""

    def __init__(self, hertz: float, depth: float | None = None, **session):
        super().__init__(TWO if depth else MAPPING, **session)
        self._step['/front'] = round(S / hertz)
        if depth:
            self._step['/depth'] = round(S / depth)
            self._due['/depth'] = T0

    def message(self, topic, stamp):
        if topic != '/depth':
            return super().message(topic, stamp)
        shown = super().message('/front', stamp)
        return type(shown)('/depth', shown.msgtype, shown.data, 0, shown.received_ns)


def test_no_camera_holds_the_label_so_nothing_is_recorded():
    stage = Cameras(27)
    told = (
        r'^no camera holds the 30 pictures/s the dataset would say \(/front: 27.0 pictures/s\): '
        r'record with --dataset.fps=27, or with --recorder.allow_low_rate=true'
    )
    with pytest.raises(StreamError, match=told):
        stage.run()
    assert stage.made_with is None, 'a dataset was created'


def test_a_low_rate_may_be_allowed_and_is_told():
    stage = Cameras(27, num_episodes=1, allow_low_rate=True)
    stage.run_to(Phase.WAITING)
    assert stage.recorder.message.startswith('/front: 27.0 pictures/s, the dataset says 30: ')
    stage.run()
    (summary,) = stage.recorder.episodes
    assert summary.defects == {'slips': 3}
    streams = stage.kept.episodes[0][1].details['streams']
    assert streams['observation.images.front']['rate_hz'] == pytest.approx(27, abs=0.1)


def test_a_camera_may_have_a_rate_of_its_own_beside_a_faster_one():
    stage = Cameras(30, depth=15, num_episodes=1, episode_frames=60)
    stage.run_to(Phase.WAITING)
    assert stage.recorder.message.startswith('/depth: 15.0 pictures/s, the dataset says 30')
    stage.run()
    assert stage.recorder.episodes[0].defects['repeats'] == pytest.approx(30, abs=1)
    assert 'slow_seconds' not in stage.recorder.episodes[0].defects


def test_pictures_lost_on_the_way_are_told_as_such():
    stage = Cameras(30, num_episodes=1)
    lost = iter(range(10**6))
    true_message = stage.message

    def message(topic, stamp):
        if topic == '/front' and next(lost) % 5 == 0:
            return true_message('/nobody', stamp)
        return true_message(topic, stamp)

    stage.message = message
    stage.run_to(Phase.WAITING)
    assert '/front: makes 30.0 pictures/s, 24' in stage.recorder.message


def test_a_rate_that_drops_in_mid_episode_is_a_defect():
    stage = Cameras(30, num_episodes=1, episode_frames=240)
    stage.run_to(Phase.RECORDING)
    stage.run(2)
    stage._step['/front'] = S // 20
    stage.run(3)
    stage._step['/front'] = S // 30
    stage.run()
    assert stage.recorder.episodes[0].defects['slow_seconds'] == pytest.approx(3, abs=1)


def test_the_default_tolerance_follows_the_streams_own_period():
    """Joints at 10 Hz with jitter are not held at every message."""
    stage = Stage(num_episodes=1, episode_frames=90)
    stage._step['/states'] = S // 10
    true_message = stage.message
    chance = random.Random(3)

    def message(topic, stamp):
        shaken = stamp + chance.randrange(-30, 30) * MS if topic == '/states' else stamp
        return true_message(topic, shaken)

    stage.message = message
    stage.run()
    assert stage.recorder.episodes[0].defects == {}
    frames = stage.kept.episodes[0][1].tables['frames']
    assert set(frames['observation.state.flag'].to_pylist()) == {'fresh'}


def test_a_tolerance_that_is_told_is_obeyed():
    source = {'topic': '/states', 'tolerance_ms': 100}
    features = {**MAPPING['features'], 'observation.state': source}
    stage = Stage({**MAPPING, 'features': features}, num_episodes=1)
    stage._step['/states'] = S // 8
    stage.run()
    assert stage.recorder.episodes[0].defects['held'] > 20
