from __future__ import annotations

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from synthetic_messages import MS, T0, TYPES, S, image, joint_state, make, raw, write_bag

from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_survey import survey_bag
from lerobot_recorder.messages import decode


def survey(path):
    with BagReader(path) as bag:
        return survey_bag(bag)


def ordered(*streams):
    return sorted((one for some in streams for one in some), key=lambda one: one.received_ns)


def states(topic, names, start_s=0.0, seconds=3.0, hz=50):
    for k in range(round(seconds * hz)):
        stamp = T0 + round(start_s * S) + k * S // hz
        yield raw(topic, joint_state(stamp, names, [k] * len(names)), stamp + 3 * MS)


def pictures(start_s=0.0, seconds=3.0, hz=30):
    pixels = np.zeros((24, 32, 3), np.uint8)
    for k in range(round(seconds * hz)):
        stamp = T0 + round(start_s * S) + k * S // hz
        yield raw('/front/image_raw', image(stamp, pixels), stamp + 5 * MS)


def test_topics_that_begin_late_are_known_as_well(tmp_path):
    late = states('/gripper/joint_states', 'g', 25.0, 3.0, 20)
    bag = write_bag(
        tmp_path / 'bag',
        ordered(states('/joint_states', 'ab', 0, 30.0), late, pictures(9.9, 20)),
    )
    seen = survey(bag)
    assert list(seen) == ['/front/image_raw', '/gripper/joint_states', '/joint_states']
    gripper, camera, arm = (
        seen[t] for t in ('/gripper/joint_states', '/front/image_raw', '/joint_states')
    )
    assert (gripper.joints, gripper.count) == (('g',), 60)
    assert gripper.rate_hz == pytest.approx(20, rel=0.01)
    assert gripper.late_s == pytest.approx(25, abs=0.01)
    assert camera.rate_hz == pytest.approx(30, rel=0.01) and camera.size == (32, 24)
    assert (arm.joints, arm.count, arm.late_s) == (('a', 'b'), 1500, 0)
    assert gripper.told == '60 messages, 20.0 Hz, 1 values, from 25.0 s on, sensor_msgs/JointState'


def test_a_topic_without_a_message_is_not_there(tmp_path):
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection('/quiet', 'std_msgs/msg/Float64', typestore=TYPES)
        used = writer.add_connection(
            '/joint_states', 'sensor_msgs/msg/JointState', typestore=TYPES
        )
        for one in states('/joint_states', 'ab'):
            writer.write(used, one.received_ns, one.data)
    assert list(survey(path)) == ['/joint_states']


def test_rates_are_those_of_the_headers_where_the_bag_was_written_in_one_go(tmp_path):
    messages = ordered(states('/joint_states', 'ab'))
    at_once = [raw('/joint_states', decode(one), T0 + k) for k, one in enumerate(messages)]
    assert survey(write_bag(tmp_path / 'bag', at_once))['/joint_states'].rate_hz == pytest.approx(
        50
    )


def test_an_unusual_definition_is_a_problem_of_its_topic_alone(shared_data):
    seen = survey(shared_data / 'bags/pypi_deepen_grade__fixtures/sample.mcap')
    assert seen['/joint_states'].joints == ('joint_1', 'joint_2', 'joint_3')
    assert seen['/gripper/joint_states'].count == 200


def test_a_simulated_clock(shared_data):
    seen = survey(shared_data / 'bags/abitobot__joint_states_imu')
    assert seen['/joint_states'].rate_hz == pytest.approx(20, rel=0.02)
    assert seen['/imu/data'].count == 4712 and len(seen['/imu/data'].joints) == 10


def test_a_message_type_of_ones_own_does_no_harm(tmp_path):
    bag = write_bag(
        tmp_path / 'bag',
        ordered(
            states('/joint_states', 'ab'),
            [raw('/chatter', make('std_msgs/msg/String', 'hello'), T0)],
        ),
    )
    assert list(survey(bag)) == ['/joint_states']
