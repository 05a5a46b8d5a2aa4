from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from recording_stage import JOINTS, MAPPING, PIXELS, Stage
from synthetic_messages import MS, T0, S, image, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.health import Level
from lerobot_recorder.companion import Companion
from lerobot_recorder.config import DatasetConfig, EncoderConfig
from lerobot_recorder.disk_room import DiskRoom
from lerobot_recorder.findings import Finding, errors_of
from lerobot_recorder.offers import Offer
from lerobot_recorder.preflight import Reach, check_streams
from lerobot_recorder.preflight_session import Preflight, check_disk, check_folder, check_session
from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.session_file import record_config

TYPES = {
    '/states': 'sensor_msgs/msg/JointState',
    '/commands': 'sensor_msgs/msg/JointState',
    '/front': 'sensor_msgs/msg/Image',
}
ARRAY = 'std_msgs/msg/Float64MultiArray'
FRONT = 'observation.images.front'
SETTINGS = {'repo_id': 'a/b', 'single_task': 'x', 'episode_time_s': 1, 'num_episodes': 2}


def offered(topic: str) -> list[Offer]:
    return [Offer('/lab', TYPES[topic], True)]


class Check(Companion):
    """Keeps what the check of the streams found, as the recorder calls it."""

    def __init__(self, reach: Reach) -> None:
        self.reach, self.found, self.phase = reach, {}, None

    def check(self, plan) -> None:
        findings = check_streams(plan, self.reach, True)
        self.found = {finding.subject: finding for finding in findings}


def found(stage: Stage, reach: Reach | None = None) -> dict[str, Finding]:
    """Run up to the check and return what it finds, by subject."""
    check = Check(reach or Reach(offered))
    stage.accompany(check)
    try:
        stage.run(6.0, lambda: bool(check.found))
    except StreamError:
        assert check.found
    return check.found


def changed(topic: str, change) -> Stage:
    """Return a stage on which a topic's messages are made of their stamp by a function."""
    stage = Stage(timeout_ns=5 * S)
    usual = stage.message
    stage.message = lambda t, stamp: change(stamp) if t == topic else usual(t, stamp)
    return stage


def late_image(stamp: int, by: int = 30 * MS, shown: int | None = None) -> object:
    return raw('/front', image(stamp if shown is None else shown, PIXELS), stamp + by)


def test_streams_as_they_should_be_give_one_line_each():
    lines = found(Stage())
    assert list(lines) == ['state /states', 'action /commands', 'front /front']
    assert {line.level for line in lines.values()} == {Level.OK}
    assert lines['front /front'].facts == '30.0 Hz, 16x16, reliable, 30 ms old on arrival'
    assert lines['state /states'].facts == '100.0 Hz, 2 values, reliable, 2 ms old on arrival'


@pytest.mark.parametrize(
    ('change', 'level', 'told'),
    [
        (lambda at: late_image(at, shown=at + 2 * S), Level.ERROR, '1.97 s ahead of ours'),
        (lambda at: late_image(at, shown=at + 130 * MS), Level.WARN, '0.10 s ahead of ours'),
        (lambda at: late_image(at, 900 * MS), Level.WARN, '0.90 s old on arrival'),
        (lambda at: late_image(at, shown=0), Level.WARN, 'stamps are zero'),
        (lambda at: late_image(at, shown=at - 60 * S), Level.WARN, 'more than 10 s off'),
    ],
)
def test_clocks_that_differ_are_told(change, level, told):
    line = found(changed('/front', change))['front /front']
    assert line.level is level and told in line.text
    assert line.advice


def test_a_camera_that_is_too_slow():
    stage = Stage()
    stage._step['/front'] = S // 12
    line = found(stage)['front /front']
    assert line.level is Level.WARN and line.text.startswith(
        '12.0 pictures/s, the dataset says 30'
    )
    assert 'lower --dataset.fps' in line.advice


def test_no_camera_that_is_fast_enough_is_an_error():
    stage = Stage()
    stage._step['/front'] = S // 12
    with pytest.raises(StreamError, match='no camera holds'):
        stage.run(6.0)
    (line,) = check_streams(stage.recorder.plan, Reach(offered), False)[-1:]
    assert (line.level, line.subject) == (Level.ERROR, 'cameras')
    assert line.advice.startswith('record with --dataset.fps=12')


def test_numbers_that_are_slower_than_the_rows():
    stage = Stage()
    stage._step['/states'] = S // 10
    line = found(stage)['state /states']
    assert line.level is Level.WARN and 'slower than the 30 rows/s' in line.text


def test_what_is_not_published_and_what_is_not_sent():
    stage = Stage(timeout_ns=2 * S)
    stage.silent = {'/front', '/states'}
    lines = found(stage, Reach(lambda t: offered(t) if t == '/states' else []))
    assert lines['front /front'].text == 'nobody publishes it'
    assert lines['state /states'].text == 'offered by /lab, but no message came'
    errors = str(errors_of(list(lines.values())))
    assert errors.startswith('2 things stand against recording: state /states: offered by /lab')
    assert 'front /front: nobody publishes it' in errors


@pytest.mark.parametrize('msgtype', ['std_msgs/msg/String', 'sensor_msgs/msg/JointState'])
def test_a_topic_of_another_type_is_told_and_the_others_with_it(msgtype):
    stage = changed('/front', lambda at: raw('/front', joint_state(at, JOINTS, [1, 2]), at))
    reach = Reach(lambda t: [Offer('/lab', msgtype, True)] if t == '/front' else offered(t))
    lines = found(stage, reach)
    assert lines['front /front'].level is Level.ERROR
    assert lines['front /front'].text == f'{msgtype} holds no pictures'
    assert lines['state /states'].facts.startswith('100.0 Hz'), 'the others were measured'


def test_joints_that_are_not_those_of_the_mapping_are_told_with_the_rest():
    features = {**MAPPING['features'], 'observation.state': {
        'topic': '/states', 'units': {'c': {'mode': 'degrees'}}}}  # fmt: skip
    stage = Stage({'fps': 30, 'features': features})
    check = Check(Reach(offered))
    stage.accompany(check)
    with pytest.raises(StreamError, match='units are given for c'):
        stage.run(8.0)
    assert check.found['front /front'].level is Level.OK, 'all was looked at before'


def among(offers: list[Offer]) -> Finding:
    """Return what is told of the state, of which there are these offers."""
    reach = Reach(lambda topic: offers if topic == '/states' else offered(topic))
    return found(Stage(), reach)['state /states']


def test_publishers_that_do_not_agree():
    mixed = [Offer('/arm', TYPES['/states'], True), Offer('/hand', TYPES['/states'], False)]
    line = found(Stage(), Reach(lambda t: mixed if t == '/states' else offered(t)))[
        'state /states'
    ]
    assert line.level is Level.WARN
    assert line.text.startswith('2 publishers: /arm, /hand, some offer reliable, some best effort')
    types = [Offer('/arm', TYPES['/states'], True), Offer('/x', 'std_msgs/msg/String', True)]
    line = found(Stage(), Reach(lambda t: types if t == '/states' else offered(t)))[
        'state /states'
    ]
    assert line.level is Level.ERROR and 'has several types' in line.text


@pytest.mark.parametrize('small', [True, False])
def test_best_effort_pictures_need_socket_buffers(small):
    weak = Reach(
        lambda t: [Offer('/lab', TYPES[t], False)], large_sockets=not small, remote_pictures=True
    )
    line = found(Stage(), weak)['front /front']
    assert line.level is (Level.WARN if small else Level.OK)
    assert ('rmem_max' in line.advice) is small


def dataset(tmp_path: Path, **settings) -> DatasetConfig:
    return DatasetConfig(**SETTINGS | {'root': tmp_path / 'set'} | settings)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    assert check_folder(tmp_path / 'not' / 'yet').level is Level.OK
    monkeypatch.setattr(os, 'access', lambda path, mode: path != tmp_path)  # root may anything
    line = check_folder(tmp_path / 'not' / 'yet')
    assert line.level is Level.ERROR and str(tmp_path) in line.text


@pytest.mark.parametrize(
    ('free', 'level'), [(1.9e6, Level.ERROR), (150e6, Level.OK), (15e6, Level.WARN)]
)
def test_room_for_an_episode_and_for_the_session(free, level, tmp_path, monkeypatch):
    from lerobot_recorder import preflight_session

    monkeypatch.setattr(preflight_session, 'free_bytes', lambda folder: int(free))
    line = check_disk(dataset(tmp_path, num_episodes=20), 1e6)
    assert line.level is level
    assert line.text.startswith(DiskRoom(int(free), 1e6).told)


def test_an_encoder_that_does_not_work_is_found(tmp_path):
    names = ['height', 'width', 'channels']
    cameras = {FRONT: {'dtype': 'video', 'shape': [63, 64, 3], 'names': names}}
    lines = {f.subject: f for f in check_session(dataset(tmp_path), cameras, False)}
    assert lines['encoder'].level is Level.OK and 'h264' in lines['encoder'].text
    odd = dataset(tmp_path, rgb_encoder=EncoderConfig(vcodec='hevc', preset='nope'))
    lines = {f.subject: f for f in check_session(odd, cameras, False)}
    assert lines['encoder'].level is Level.ERROR
    assert 'disk' not in lines


class Login(Companion):
    def findings(self) -> list[Finding]:
        return [Finding(Level.ERROR, 'hub', 'nobody is logged in', 'run hf auth login')]


def config(tmp_path, **more):
    section = SETTINGS | {'root': str(tmp_path / 'set'), 'fps': 30}
    return record_config({'dataset': section, **more}, 'test')


def test_all_is_shown_before_an_error_ends_it(tmp_path):
    shown: list[Finding] = []
    stage = Stage()
    check = Preflight(config(tmp_path), Reach(offered), [Login()], shown.extend)
    stage.accompany(check)
    with pytest.raises(StreamError, match=r'^hub: nobody is logged in; run hf auth login$'):
        stage.run(6.0)
    subjects = [finding.subject for finding in shown]
    assert subjects == [
        'state /states', 'action /commands', 'front /front', 'folder', 'encoder', 'disk', 'hub',
    ]  # fmt: skip
    assert stage.made_with is None, 'no dataset was made'


def test_check_only_ends_before_a_dataset_is_made():
    stage = Stage(check_only=True)
    stage.run(6.0)
    assert stage.recorder.phase is Phase.DONE
    assert stage.made_with is None


def test_joints_that_never_come():
    features = {**MAPPING['features'], 'observation.state': {
        'topic': '/states', 'joints': ['a', 'gripper']}}  # fmt: skip
    line = found(Stage({'fps': 30, 'features': features}))['state /states']
    assert line.level is Level.ERROR
    assert line.text == 'its messages never held gripper, but a, b'


def test_values_without_names_must_be_as_many_as_the_joints():
    features = {**MAPPING['features'], 'action': {'topic': '/array', 'joints': ['a', 'b', 'c']}}
    stage = Stage({'fps': 30, 'features': features}, timeout_ns=5 * S)
    check = Check(Reach(lambda t: [Offer('/lab', TYPES.get(t, ARRAY), True)]))
    stage.accompany(check)
    layout = make('std_msgs/msg/MultiArrayLayout', [], 0)
    two = make(ARRAY, layout, np.array([1.0, 2.0]))
    for step in range(30):
        stage.recorder.on_message(raw('/array', two, T0 + step * 20 * MS))
    with pytest.raises(StreamError, match='a message holds 2 values, expected 3'):
        stage.run(6.0)
    assert check.found['action /array'].level is Level.WARN
    assert 'a message holds 2 values, expected 3' in check.found['action /array'].advice


def test_native_topics_are_looked_at_too():
    mapping = {**MAPPING, 'native': {'wrench': {'topic': '/ft'}, 'text': {'topic': '/text'}}}
    types = TYPES | {'/text': 'my_msgs/msg/Text'}
    reach = Reach(lambda t: [Offer('/lab', types[t], True)] if t in types else [])
    lines = found(Stage(mapping), reach)
    assert lines['native wrench /ft'].level is Level.WARN
    assert lines['native text /text'].level is Level.ERROR
    types['/ft'] = types['/text'] = 'geometry_msgs/msg/WrenchStamped'
    lines = found(Stage(mapping), reach)
    assert lines['native wrench /ft'].level is lines['native text /text'].level is Level.OK
