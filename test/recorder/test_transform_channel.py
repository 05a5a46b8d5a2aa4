from __future__ import annotations

import numpy as np
import pytest
from recording_stage import Stage, lengths
from synthetic_messages import MS, T0, S, joint_state, make, raw, write_bag
from transform_messages import matrix, spin, tf

from lerobot_drivers.common.errors import BagError, LerobotRosError
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan

SOURCE = {'topic': '/tf', 'transform': {'parent': 'base', 'child': 'camera'}}
MOUNT = spin(0.4, 'x', (0.0, 0.0, 0.1))
NAMES = [
    *(f'translation.{axis}' for axis in 'xyz'),
    *(f'rotation.{axis}' for axis in 'xyzw'),
]


def features(**more):
    return {
        'observation.state': {'topic': '/joint_states'},
        'observation.camera_pose': {**SOURCE, **more},
    }


def arm(seconds):
    return spin(0.8 * seconds, 'z', (0.2 * seconds, 0, 0))


def wrist(seconds):
    return spin(-0.5 * seconds, 'y', (0.3, 0, 0))


def scene(seconds=2.0, silent=(99.0, 99.0)):
    """An arm at 100 Hz, a wrist at 50 Hz, a camera fixed to it, and somebody else's frames."""
    yield tf(T0, {('/wrist', '/camera'): MOUNT}, '/tf_static', late_ns=MS)
    for k in range(round(100 * seconds)):
        at = k / 100
        stamp = T0 + k * S // 100
        yield raw('/joint_states', joint_state(stamp, 'a', [at]), stamp + MS)
        yield tf(stamp, {('base', 'arm'): arm(at), ('map', 'base'): spin(0, 'z')}, late_ns=MS)
        if k % 2 == 0 and not silent[0] <= at < silent[1]:
            yield tf(stamp, {('arm', 'wrist'): wrist(at)}, late_ns=2 * MS)
        yield tf(stamp, {('other', 'thing'): spin(at, 'x')}, late_ns=3 * MS)


def convert(tmp_path, messages, made):
    bag = write_bag(tmp_path / 'bag', sorted(messages, key=lambda m: m.received_ns))
    mapping = build_mapping({'fps': 30, 'features': made}, 'mapping')
    (episode,) = convert_bag(ConvertJob(bag, tmp_path / 'set', mapping, 'look')).episodes
    return episode, DatasetReader(tmp_path / 'set')


def test_a_camera_on_an_arm_has_its_pose_in_every_row(tmp_path):
    episode, reader = convert(tmp_path, scene(), features())
    assert episode.defects == {} and episode.outcome is None and episode.frames >= 59
    assert reader.features['observation.camera_pose']['names'] == NAMES
    rows = reader.episode(0).rows
    for seconds, pose in zip(rows['timestamp'], rows['observation.camera_pose'], strict=True):
        expected = matrix(arm(seconds)) @ matrix(wrist(seconds)) @ matrix(MOUNT)
        assert np.allclose(matrix(pose), expected, atol=2e-5), seconds
    links = episode.streams['observation.camera_pose']['moving_links']
    assert {frame: link['parent'] for frame, link in links.items()} == {
        'arm': 'base', 'wrist': 'arm'
    }  # fmt: skip


def test_a_silent_link_is_a_gap_and_is_named(tmp_path):
    episode, _ = convert(tmp_path, scene(3, (1.0, 1.6)), features())
    stream = episode.streams['observation.camera_pose']
    assert 15 <= stream['held'] <= 20 and episode.outcome is None
    assert stream['moving_links']['wrist']['longest_gap_ns'] == 620 * MS
    assert stream['moving_links']['arm']['longest_gap_ns'] == 10 * MS


def test_a_link_that_falls_silent_for_good_ends_the_take(tmp_path):
    episode, _ = convert(tmp_path, scene(4, (1.0, 9.0)), features())
    assert episode.outcome == 'incomplete' and 30 <= episode.frames <= 62


def test_some_of_its_numbers_will_do(tmp_path):
    _, reader = convert(tmp_path, scene(1), features(joints=['translation.z', 'translation.x']))
    assert reader.features['observation.camera_pose']['names'] == [NAMES[2], NAMES[0]]
    (x,) = {float(row) for row in reader.episode(0).rows['observation.camera_pose'][:1, 1]}
    assert x == pytest.approx(0.3)


@pytest.mark.parametrize(
    ('more', 'told'),
    [
        ({'transform': {'parent': 'base', 'child': 'tool'}}, 'no transforms lead from base to '
         'tool; frames there: arm, base, camera, map, other, thing, wrist'),
        ({'transform': {'parent': 'wrist', 'child': 'camera'}}, 'never moves: all links between'),
        ({'joints': ['x']}, 'joints x are no elements of a transform'),
        ({'joints': ['rotation.x']}, 'a part of a quaternion'),
    ],
)  # fmt: skip
def test_what_cannot_be_gives_one_line(tmp_path, more, told):
    with pytest.raises(LerobotRosError, match=told) as found:
        convert(tmp_path, scene(1), features(**more))
    assert '\n' not in str(found.value)
    assert not (tmp_path / 'set').exists()


def test_without_any_transforms_the_topic_is_missing(tmp_path):
    with pytest.raises(BagError, match='no messages on /tf'):
        convert(tmp_path, [m for m in scene(1) if m.topic == '/joint_states'], features())


def learned():
    made = RowPlan(build_mapping({'features': {'observation.p': SOURCE}}, 'm'))
    made.learn(tf(T0, {('wrist', 'camera'): MOUNT}, '/tf_static'))
    made.learn(tf(T0, {('base', 'wrist'): spin(0, 'x')}))
    assert made.is_learned
    return made


def test_a_rotation_of_length_zero_is_an_unusable_message():
    made = learned()
    assert list(made.samples(tf(T0, {('base', 'wrist'): (0.0,) * 7}))) == []
    assert 'the transform of wrist is none' in made.last_errors()[0]
    assert len(list(made.samples(tf(T0, {('base', 'wrist'): spin(0, 'x')})))) == 1


def test_messages_of_another_type_are_refused():
    made = learned()
    assert list(made.samples(raw('/tf', make('std_msgs/msg/Float64', 1.0), T0))) == []
    assert 'transforms are tf2_msgs/msg/TFMessage' in made.last_errors()[0]


def test_each_take_has_the_samples_of_its_own_time():
    made = learned()
    again = [tf(T0 + k * MS, {('base', 'wrist'): spin(0, 'x')}) for k in range(3)]
    assert [len(list(made.samples(m))) for m in again] == [1, 1, 1]
    assert [len(list(made.samples(m))) for m in again] == [0, 0, 0]
    made.begin()
    assert [len(list(made.samples(m))) for m in again] == [1, 1, 1]


class Arm(Stage):
    """A graph with an arm whose camera's mount is told once, as the session begins."""

    def __init__(self):
        super().__init__({'features': features()}, num_episodes=2, reset_ns=S)
        self.recorder._capture.look({'/tf_static': 'tf2_msgs/msg/TFMessage'})
        self._due = {'/joint_states': T0, '/tf': T0}
        self._step = {'/joint_states': S // 100, '/tf': S // 50}
        mount = {('wrist', 'camera'): MOUNT}
        self._waiting = [tf(T0, mount, '/tf_static', late_ns=MS)]

    def message(self, topic, stamp):
        seconds = (stamp - T0) / S
        if topic == '/tf':
            return tf(stamp, {('base', 'arm'): arm(seconds), ('arm', 'wrist'): wrist(seconds)})
        return raw(topic, joint_state(stamp, 'a', [seconds]), stamp + 2 * MS)


def test_a_live_session_learns_the_mount_once_and_records_take_after_take():
    stage = Arm()
    stage.run()
    assert stage.recorder.is_done and lengths(stage) == [30, 30]
    for rows, record in stage.kept.episodes:
        assert record.defects == {}
        for values, *_ in rows:
            seconds = float(values['observation.state'][0])
            expected = matrix(arm(seconds)) @ matrix(wrist(seconds)) @ matrix(MOUNT)
            found = matrix(values['observation.camera_pose'])
            assert np.allclose(found, expected, atol=1e-4), seconds


def test_frames_must_be_two():
    with pytest.raises(LerobotRosError, match='needs two frames'):
        build_mapping(
            {'features': {'o': {'topic': '/tf', 'transform': {'parent': 'a', 'child': '/a'}}}}, 'm'
        )


def test_the_old_type_of_ros_1_is_one_too():
    (channel,) = learned().all_channels()
    assert channel.can_use('tf/msg/tfMessage') and not channel.can_use('std_msgs/msg/String')
