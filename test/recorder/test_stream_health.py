from __future__ import annotations

import pytest
from recording_stage import JOINTS, MAPPING, PIXELS, Stage
from synthetic_messages import MS, S, image, joint_state, raw

from lerobot_drivers.common.health import Health, Level
from lerobot_recorder.disk_room import GIB, DiskRoom, needed_per_s
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.session_health import Behind, session_health


def look(stage: Stage, seconds: int) -> dict[str, tuple[Level, str]]:
    """Run for whole seconds, look at each of them, and return what the last look tells."""
    for _ in range(seconds):
        stage.run(1.0)
        stage.recorder.look()
    return {line.name: (line.level, line.text) for line in stage.recorder.status().streams}


@pytest.fixture
def stage() -> Stage:
    stage = Stage(num_episodes=2, episode_frames=900, reset_ns=60 * S)
    stage.run_to(Phase.RECORDING)
    return stage


def test_streams_that_run_well_are_ok(stage):
    assert set(look(stage, 5).values()) == {(Level.OK, 'ok')}
    front, state, action = (
        {line.name: line for line in stage.recorder.status().streams}[name]
        for name in ('/front', '/states', '/commands')
    )
    assert (front.wanted_hz, state.wanted_hz, action.wanted_hz) == (
        30,
        pytest.approx(100, rel=0.01),
        None,
    )
    assert front.rate_hz == pytest.approx(30, rel=0.05)
    assert state.rate_hz == pytest.approx(100, rel=0.05)
    assert 20 < front.age_ms < 90, 'pictures arrive 30 ms after they were taken'
    values = stage.recorder.look()[0][2].health.values
    assert values['latency of stamps [ms]'] == pytest.approx(30)
    assert values['repeats'] == values['lost'] == 0


def test_between_takes_streams_are_told_too(stage):
    stage.recorder.end_episode()
    stage.run_to(Phase.RESETTING)
    assert set(look(stage, 5).values()) == {(Level.OK, 'ok')}
    stage.silent = {'/states'}
    assert look(stage, 3)['/states'] == (Level.STALE, 'silent for 3.0 s')


@pytest.mark.parametrize('preroll_ns', [0, S])
def test_what_a_take_begins_with_is_heard_once(preroll_ns):
    stage = Stage(num_episodes=2, episode_frames=900, reset_ns=60 * S, preroll_ns=preroll_ns)
    stage.run_to(Phase.RECORDING)
    look(stage, 5)
    stage.recorder.end_episode()
    stage.run_to(Phase.RESETTING)
    look(stage, 5)
    stage.recorder.end_episode()
    stage.run_to(Phase.RECORDING)
    look(stage, 2)
    rates = {line.name: line.rate_hz for line in stage.recorder.status().streams}
    assert rates['/states'] == pytest.approx(100, rel=0.02)
    assert rates['/front'] == pytest.approx(30, rel=0.02)


def test_a_camera_that_slows_down(stage):
    look(stage, 4)
    stage._step['/front'] = S // 20
    level, text = look(stage, 4)['/front']
    assert (level, text.partition(';')[0]) == (Level.WARN, '20.0 of 30 Hz')
    stage._step['/front'] = S // 10
    level, text = look(stage, 4)['/front']
    assert level is Level.ERROR and text.startswith('10.0 of 30 Hz; ') and 'repeated' in text


def test_a_command_may_be_silent(stage):
    stage.silent = {'/commands'}
    assert look(stage, 4)['/commands'] == (Level.OK, 'ok')


def test_what_came_since_the_last_look_is_told_once(stage):
    look(stage, 3)
    lost = stage.message('/front', stage.now)
    stage.recorder.on_message(
        RawMessage(lost.topic, lost.msgtype, lost.data, lost.source_ns, lost.received_ns, 7)
    )
    assert look(stage, 1)['/front'] == (Level.WARN, '7 lost on the way')
    assert look(stage, 1)['/front'] == (Level.OK, 'ok')


def test_unusable_messages_name_the_reason(stage):
    look(stage, 3)
    stage.recorder.on_message(RawMessage('/states', 'sensor_msgs/msg/JointState', b'', 0, 0))
    level, text = look(stage, 1)['/states']
    assert level is Level.WARN and text.startswith('1 unusable: /states: not a valid')


def test_a_clock_that_is_ahead():
    stage = Stage(num_episodes=1, episode_frames=900)
    stage.message = lambda topic, stamp, made=stage.message: (
        raw(topic, image(stamp + 2 * S, PIXELS), stamp + 30 * MS)
        if topic == '/front'
        else made(topic, stamp)
    )
    stage.run(3.0)
    assert look(stage, 2)['/front'][1].startswith('stamps 1.97 s in the future')


def test_a_clock_that_runs_away(stage):
    made, begun = stage.message, stage.now

    def slower(topic: str, stamp: int) -> RawMessage:
        if topic != '/states':
            return made(topic, stamp)
        shown = stamp - (stamp - begun) // 50
        return raw(topic, joint_state(shown, JOINTS, [0.0, 7.0]), stamp + 2 * MS)

    stage.message = slower
    late = look(stage, 6)['/states']
    assert late[0] is Level.WARN and 'its clock has run away by +' in late[1], late


def test_a_stream_that_never_came():
    stage = Stage()
    stage.silent = {'/front'}
    assert look(stage, 2)['/front'] == (Level.STALE, 'nothing yet')


def test_a_look_before_the_first_message_spoils_no_rate():
    stage = Stage()
    stage.silent = {'/front'}
    assert look(stage, 2)['/front'] == (Level.STALE, 'nothing yet')
    stage.silent = set()
    assert look(stage, 2)['/front'] == (Level.OK, 'ok')


def health(**behind: float) -> Health:
    stage = Stage()
    return session_health(stage.recorder.status(), Behind(**behind), None)


@pytest.mark.parametrize(
    ('behind', 'level'),
    [
        ({}, Level.OK),
        ({'frames': 20, 'seconds': 0.7}, Level.OK),
        ({'frames': 40, 'seconds': 1.3}, Level.WARN),
        ({'frames': 180, 'seconds': 6.0}, Level.ERROR),
        ({'episodes': 2, 'is_full': True}, Level.WARN),
    ],
)
def test_what_is_behind(behind, level):
    assert health(**behind).level is level


@pytest.mark.parametrize(
    ('minutes', 'level'), [(600, Level.OK), (9, Level.WARN), (1, Level.ERROR)]
)
def test_a_disk_that_fills_up(minutes, level):
    room = DiskRoom(free_bytes=minutes * 60 * 1000, bytes_per_s=1000)
    found = session_health(Stage().recorder.status(), Behind(), room)
    assert found.level is level
    assert found.values['disk lasts [min]'] == minutes
    assert found.values['memory [MiB]'] > 10


def test_what_a_recording_needs():
    stage = Stage(MAPPING)
    stage.run_to(Phase.RECORDING)
    tiny = needed_per_s(stage.made_with, 30)
    vga = {'dtype': 'video', 'shape': [480, 640, 3], 'names': None}
    cameras = {**stage.made_with, 'observation.images.front': vga}
    assert needed_per_s(cameras, 30) == pytest.approx(0.83e6, rel=0.05), '27 kB a picture'
    assert needed_per_s(cameras, 30, 'mjpeg') > 2 * needed_per_s(cameras, 30)
    png = {**cameras, 'observation.images.front': {**vga, 'dtype': 'image'}}
    assert needed_per_s(png, 30) > 15e6 > tiny
    assert DiskRoom(GIB, 1e6).told == '1.0 GiB free, enough for about 18 min'


def test_counts_that_begin_anew_with_a_take_are_told_from_there(stage):
    def lose(number: int) -> tuple[Level, str]:
        one = stage.message('/front', stage.now)
        stage.recorder.on_message(
            RawMessage(one.topic, one.msgtype, one.data, one.source_ns, one.received_ns, number)
        )
        return look(stage, 1)['/front']

    assert lose(7)[1] == '7 lost on the way'
    stage.recorder.end_episode()
    stage.run_to(Phase.RESETTING)
    stage.recorder.end_episode()
    stage.run_to(Phase.RECORDING)
    assert '2 lost on the way' in lose(2)[1]
