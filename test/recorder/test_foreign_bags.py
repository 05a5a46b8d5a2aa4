"""Every bag of others becomes a dataset with the right numbers, or is refused in one line.

The numbers are held against what ``rosbags`` alone decodes: values at the times of the rows, and
how many rows there must be. A bag that is not in the matrix fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from foreign_truth import SECOND_NS, Course, Truth, course_of, header_ns, messages_of, names_of

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_recorder.commands import convert
from lerobot_recorder.dataset.dataset_reader import DatasetReader

ENDINGS = ('.bag', '.mcap', '.db3', '.zstd')
NOTHING = 'holds no topic that looks like joint states, commands, a camera or another sensor; '

TWIST = 'linear.x linear.y linear.z angular.x angular.y angular.z'
JACKAL = '/jackal_velocity_controller/odom'
PLACE = 'position.x position.y position.z'
VECTOR = 'vector.x vector.y vector.z'
TURTLE = 'x y theta linear_velocity angular_velocity'
MOTION = (
    'angular_velocity.x angular_velocity.y angular_velocity.z '
    'linear_acceleration.x linear_acceleration.y linear_acceleration.z'
)


@dataclass(frozen=True)
class Made:
    """A bag that becomes a dataset.

    Attributes:
        fps: its rows per second.
        rows: how many there are.
        truths: feature -> what its numbers must be.
        flags: how it is converted; without any, by what ``--init`` drafts.
        pictures: image feature -> its topic, of JPEGs.
    """

    fps: int
    rows: int
    truths: dict[str, Truth]
    flags: tuple[str, ...] = ()
    pictures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A bag that is refused.

    Attributes:
        told: what the error says.
        flags: how it is converted; without any, by what ``--init`` drafts.
    """

    told: str
    flags: tuple[str, ...] = ()


def joints(message: Any) -> Sequence[float]:
    return message.position


def xyz(vector: Any) -> list[float]:
    return [vector.x, vector.y, vector.z]


def twist(message: Any) -> Sequence[float]:
    return [*xyz(message.linear), *xyz(message.angular)]


def motion(message: Any) -> Sequence[float]:
    """Return what an Imu measures beside its orientation, which goes along the sphere."""
    return [*xyz(message.angular_velocity), *xyz(message.linear_acceleration)]


def odometry(message: Any) -> Sequence[float]:
    return twist(message.twist.twist)


def turtle(message: Any) -> Sequence[float]:
    return [message.x, message.y, message.theta, message.linear_velocity, message.angular_velocity]


TURTLES = Made(
    30, 607,
    {
        'observation.state': Truth('/turtle1/pose', turtle, TURTLE, by_log=True),
        'action': Truth('/turtle1/cmd_vel', twist, TWIST, by_log=True, is_next=True),
    },
    (
        '--recorder.features={observation.state: {topic: /turtle1/pose, fields: [x, y, theta, '
        'linear_velocity, angular_velocity]}, action: {topic: /turtle1/cmd_vel}}',
        '--dataset.fps=30',
    ),
)  # fmt: skip
DEEPEN = Made(
    20, 200,
    {
        'observation.state': Truth('/joint_states', joints, by_log=True),
        'observation.gripper': Truth('/gripper/joint_states', joints, by_log=True),
        'action': Truth('/joint_command', joints, by_log=True, is_next=True),
    },
    (
        '--recorder.features={observation.state: {topic: /joint_states}, observation.gripper: '
        '{topic: /gripper/joint_states}, action: {topic: /joint_command}}',
        '--dataset.fps=20',
    ),
)  # fmt: skip
ALL_TYPES = Refused(r'no stream holds the 30 rows/s .*joint_state: 0\.1 messages/s')
LOGS = Refused(NOTHING + r'there are: /diagnostics_agg \(diagnostic_msgs/msg/DiagnosticArray\)')
TEXTS = Refused(NOTHING + r'there are: AAA \(std_msgs/msg/String\)')
CHATTER = Refused(NOTHING + r'there are: /chatter \(std_msgs/msg/String\)$')
TALKER = Refused(NOTHING + r'.* /topic \(std_msgs/msg/String\)$')
BASIC = Refused(NOTHING + r'.*(b_basictypes|c_strings|topic1) \(')
APART = Refused(r'gives no row: its streams have no common time')
OFFICIAL = {
    f'ros2_rosbag2__rosbag2_{package}/{storage}/{name}': refused
    for storage, ending in (('mcap', 'mcap'), ('sqlite3', 'db3'))
    for package, name, refused in (
        ('py', 'convert_a', BASIC), ('py', 'convert_b', BASIC), ('py', 'talker', TALKER),
        ('py', 'wbag', TEXTS),
        *(('py', f'reindex_test_bags/multiple_files/multiple_files_{n}.{ending}', CHATTER)
          for n in range(3)),
        ('transport', 'rewriter_a', BASIC), ('transport', 'rewriter_b', BASIC),
        ('transport', 'test_bag_for_seek', BASIC),
    )
}  # fmt: skip

BAGS: dict[str, Made | Refused] = {
    **OFFICIAL,
    'DERIVED__g1_episode_000002_mcap': Made(
        30, 343,
        {
            'observation.state': Truth('/joint_states', joints),
            'action': Truth('/joint_commands', joints, is_next=True),
        },
        pictures={'observation.images.cam_high': '/cam_high/image_raw/compressed'},
    ),
    'abitobot__joint_states_imu': Made(
        20, 1866, {'observation.state': Truth('/joint_states', joints)},
    ),
    'amber__soccer_goal_split_incomplete': Refused(r'12 of the 13 parts .*--allow_missing_parts'),
    'cruise_rosbagjs__fixtures/empty-file.bag': Refused(r'is empty: nothing was written into it'),
    'cruise_rosbagjs__fixtures/example-bz2.bag': TURTLES,
    'cruise_rosbagjs__fixtures/example-lz4.bag': TURTLES,
    'cruise_rosbagjs__fixtures/example-unsorted-chunks.bag': Refused(NOTHING + r'.*: foo \(std_'),
    'cruise_rosbagjs__fixtures/no-messages.bag': Refused(NOTHING + 'there are: none at all'),
    'fiducials__aruco_images/aruco_images.bag': Made(
        30, 1, {},
        pictures={'observation.images.raspicam_node': '/raspicam_node/image/compressed'},
    ),
    'geocamxyz__all_types_mcap': ALL_TYPES,
    'geocamxyz__all_types_sqlite3': ALL_TYPES,
    'imu_tools__sparkfun_razor/sparkfun_razor.bag': Made(
        30, 932,
        {'observation.imu_data_raw': Truth('/imu/data_raw', motion, MOTION, slice(4, 10))},
    ),
    'interbotix__duck_dunk/duck_dunk.bag': Refused(
        'nothing that is observed: no policy can learn from that',
        ('--recorder.features={action: {topic: /wx250/commands/joint_group, fields: [cmd]}}',),
    ),
    'lichtblick__custom_camera_json/custom-camera-model.mcap': Refused('holds no ROS messages'),
    'plotjuggler__fake_joint_state/fake_joint_state.bag': Made(
        30, 82, {'observation.state': Truth('/fake_joints_state', joints)},
    ),
    'plotjuggler__rosbag2_test': Made(
        25, 1565,
        {'observation.state': Truth('/pose', lambda m: xyz(m.pose.position), PLACE, slice(0, 3))},
    ),
    'plotjuggler__tilt_laser/tilt_laser.bag': Made(
        20, 355,
        {
            'observation.imu_data': Truth('/imu_data', motion, MOTION, slice(4, 10)),
            'observation.velocity': Truth('/velocity', lambda m: twist(m.twist), TWIST),
            'observation.gravity': Truth('/gravity_vector', lambda m: xyz(m.vector), VECTOR),
        },
        (
            '--recorder.features={observation.imu_data: {topic: /imu_data}, observation.velocity: '
            '{topic: /velocity}, observation.gravity: {topic: /gravity_vector}}',
            '--dataset.fps=20',
        ),
    ),
    'pypi_deepen_grade__fixtures/sample.mcap': DEEPEN,
    'pypi_deepen_grade__fixtures/sample_ros1.bag': DEEPEN,
    'pypi_deepen_grade__fixtures/sample_ros2': DEEPEN,
    'robot_localization__test2/test2.bag': Made(
        30, 1836,
        {'observation.state': Truth(JACKAL, odometry, TWIST, slice(7, 13))},
    ),
    'ros2_rosbag2__ros2bag/empty_bag': Refused(NOTHING + r'.*/parameter_events .*, /rosout '),
    'ros_numpy__test/test.bag': APART,
    'rosbag2parquet__testdata/array_msgs': Made(
        30, 1, {'observation.state': Truth('/one_shot/joint_state', joints, by_log=True)},
    ),
    'rosbag2parquet__testdata/base_msgs': APART,
    'tiryoh__fixtures_truncated/Dockerfile.mcap': Refused('is no bag: it begins neither as mcap'),
    'tiryoh__fixtures_truncated/test_sample.bag': LOGS,
    'tiryoh__fixtures_truncated/test_sample.mcap': LOGS,
    'tiryoh__fixtures_truncated/test_sample.mcap.zstd': LOGS,
    'tiryoh__fixtures_truncated/test_sample_no_rosout.bag': Refused(NOTHING + r'.*LaserScan\)$'),
    'tiryoh__fixtures_truncated/test_sample_no_rosout.mcap': Refused(NOTHING + r'.*Cloud2\)$'),
    'tiryoh__fixtures_truncated/test_sample_truncated.mcap': LOGS,
    'tiryoh__fixtures_truncated/test_truncated.bag': Refused(NOTHING + r'.*/rosout_agg \('),
    'tiryoh__fixtures_truncated/test_unindexed.bag': LOGS,
}  # fmt: skip
ALSO = {
    'amber__soccer_goal_split_incomplete': Made(
        30,
        2,
        {},
        (
            '--recorder.features={observation.images.camera: {topic: /camera/image_raw}}',
            '--allow_missing_parts=true',
        ),
    ),
}
"""Bags of the matrix, converted otherwise."""
MADE = {name: expected for name, expected in BAGS.items() if isinstance(expected, Made)}
REFUSED = {name: expected for name, expected in BAGS.items() if isinstance(expected, Refused)}


def converted(bag: Path, folder: Path, flags: Sequence[str]) -> Path:
    """Convert a bag as it is drafted, or as it is said, and return the dataset's folder."""
    if not flags:
        assert convert.run([str(bag), f'--init={folder}/first.yaml']) == 0
        flags = [f'--config_path={folder}/first.yaml']
    there = [f'--dataset.root={folder}/set', '--dataset.repo_id=me/set', '--dataset.single_task=x']
    assert convert.run([str(bag), *flags, *there]) == 0
    return folder / 'set'


def bags_in(folder: Path) -> Iterator[str]:
    """Yield every bag: folders with metadata, and files that have none beside them."""
    yield from (str(path.parent.relative_to(folder)) for path in folder.rglob('metadata.yaml'))
    for path in folder.rglob('*'):
        if path.suffix in ENDINGS and not (path.parent / 'metadata.yaml').exists():
            yield str(path.relative_to(folder))


def test_no_bag_is_forgotten(shared_data):
    assert sorted(bags_in(shared_data / 'bags')) == sorted(BAGS)


@pytest.mark.parametrize('name', REFUSED)
def test_what_cannot_be_converted_is_refused_in_one_line(name, shared_data, tmp_path):
    expected = REFUSED[name]
    with pytest.raises(LerobotRosError, match=expected.told) as error:
        converted(shared_data / 'bags' / name, tmp_path, expected.flags)
    assert '\n' not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] in ([], ['first.yaml'])


@pytest.mark.parametrize(('name', 'expected'), [*MADE.items(), *ALSO.items()])
def test_what_can_be_converted_has_the_numbers_of_the_bag(name, expected, shared_data, tmp_path):
    bag = shared_data / 'bags' / name
    root = converted(bag, tmp_path, expected.flags)
    reader = DatasetReader(root)
    (table,) = root.rglob('*.frames.parquet')
    frames = pq.read_table(table)
    ticks, times = frames['tick_ns'].to_numpy(), frames['target_ns'].to_numpy()
    view = reader.episode(0)
    assert (reader.num_episodes, view.length, len(times)) == (1, expected.rows, expected.rows)
    assert np.abs(np.diff(ticks) - SECOND_NS / expected.fps).max(initial=0) <= 1
    assert np.abs(times - ticks).max() <= SECOND_NS / expected.fps / 2
    courses = {key: course_of(bag, truth) for key, truth in expected.truths.items()}
    check_span(courses, expected, times)
    for key, truth in expected.truths.items():
        rows = view.rows[key].reshape(len(times), -1)[:, truth.columns]
        assert reader.features[key]['names'][truth.columns] == names_of(bag, truth)
        check_numbers(rows, courses[key], truth, times)
    for key, topic in expected.pictures.items():
        check_pictures(list(view.frames(key)), messages_of(bag, topic), times)


def check_span(courses: dict[str, Course], expected: Made, times: np.ndarray) -> None:
    """Check that the rows cover what the streams have in common; commands may end early."""
    period = SECOND_NS / expected.fps
    is_next = {key: expected.truths[key].is_next for key in courses}
    if not courses:
        return
    # A row may show the command that comes within its period.
    begin = max(one.stamps[0] - is_next[key] * period for key, one in courses.items())
    end = min(one.stamps[-1] for key, one in courses.items() if not is_next[key])
    assert 0 <= times[0] - begin <= period
    assert -period / 2 <= end - times[-1] <= period


def check_numbers(rows: np.ndarray, course: Course, truth: Truth, times: np.ndarray) -> None:
    tolerance = 1e-6 + 2e-6 * np.abs(course.values).max()
    if truth.is_next:
        before, after = course.around(times)
        is_after = np.isclose(rows, after, 1e-6, tolerance).all(axis=1)
        is_before = np.isclose(rows, before, 1e-6, tolerance).all(axis=1)
        assert (is_after | is_before).all() and is_after.mean() > 0.5
        return
    line, is_whole = course.on_line(times)
    assert is_whole.mean() > 0.9
    assert np.abs(rows - line)[is_whole].max() <= tolerance


def check_pictures(
    frames: list[np.ndarray], messages: list[tuple[int, Any]], times: np.ndarray
) -> None:
    """Check some frames against the JPEGs nearest to their rows."""
    stamps = np.array([header_ns(message) for _, message in messages])
    assert len(frames) == len(times)
    for number in range(0, len(times), 40):
        nearest = int(np.abs(stamps - times[number]).argmin())
        sent = cv2.imdecode(np.asarray(messages[nearest][1].data), cv2.IMREAD_COLOR)
        sent = cv2.cvtColor(sent, cv2.COLOR_BGR2RGB).astype(int)
        assert np.abs(frames[number].astype(int) - sent).mean() < 4
