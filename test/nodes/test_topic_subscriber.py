"""Topics drained outside the executor: everything, in order, with both stamps; losses counted."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState

from lerobot_recorder import ros
from lerobot_recorder.messages import RawMessage, decode

pytestmark = pytest.mark.ros


def subscriber(graph: Any, topic: str) -> tuple[ros.TopicSubscriber, list[RawMessage]]:
    heard: list[RawMessage] = []
    made = ros.TopicSubscriber(graph.peer, topic, heard.append)
    return made, heard


def publisher(graph: Any, kind: Any, topic: str, made: ros.TopicSubscriber, qos: Any) -> Any:
    """A publisher that the subscriber hears."""
    found = graph.peer.create_publisher(kind, topic, qos)

    def matched() -> bool:
        made.refresh()
        return found.get_subscription_count() > 0

    graph.until(matched)
    return found


def drained(graph: Any, made: ros.TopicSubscriber, enough: Any) -> None:
    def done() -> bool:
        made.drain()
        return enough()

    graph.until(done)


@pytest.mark.parametrize('policy', ['RELIABLE', 'BEST_EFFORT'])
def test_everything_comes_in_order_with_its_stamps(graph: Any, policy: str) -> None:
    made, heard = subscriber(graph, '/joints')
    qos = QoSProfile(depth=50, reliability=ReliabilityPolicy[policy])
    joints = publisher(graph, JointState, '/joints', made, qos)
    before = time.time_ns()
    for number in range(40):
        joints.publish(JointState(name=[str(number)], position=[0.5]))
    drained(graph, made, lambda: len(heard) == 40)
    assert [decode(raw).name for raw in heard] == [[str(number)] for number in range(40)]
    assert {(raw.topic, raw.msgtype) for raw in heard} == {
        ('/joints', 'sensor_msgs/msg/JointState')
    }
    for raw in heard:
        assert before <= raw.source_ns <= raw.received_ns <= time.time_ns()
        assert raw.lost_before == 0
    assert [raw.received_ns for raw in heard] == sorted(raw.received_ns for raw in heard)


def test_an_executor_spends_no_turn_on_it(graph: Any) -> None:
    made, heard = subscriber(graph, '/joints')
    joints = publisher(graph, JointState, '/joints', made, 10)
    joints.publish(JointState())
    graph.spin(0.1)
    assert heard == []
    drained(graph, made, lambda: heard)


def test_what_waits_is_delivered_before_the_topic_is_left(graph: Any) -> None:
    made, heard = subscriber(graph, '/joints')
    joints = publisher(graph, JointState, '/joints', made, 10)
    joints.publish(JointState(name=['a']))
    drained(graph, made, lambda: heard)
    joints.publish(JointState(name=['b']))
    joints.wait_for_all_acked()
    made.close()
    assert len(heard) == 2
    made.drain()
    assert len(heard) == 2


def test_messages_displaced_while_nobody_drained_are_counted(graph: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(ros, 'PICTURES_DEPTH', 5)
    made, heard = subscriber(graph, '/camera')
    qos = QoSProfile(depth=60, reliability=ReliabilityPolicy.RELIABLE)
    camera = publisher(graph, Image, '/camera', made, qos)
    camera.publish(Image(height=1))
    drained(graph, made, lambda: heard)
    for number in range(20):
        camera.publish(Image(height=number + 2))
    camera.wait_for_all_acked()
    drained(graph, made, lambda: len(heard) > 1)
    camera.publish(Image(height=99))
    drained(graph, made, lambda: decode(heard[-1]).height == 99)
    assert sum(raw.lost_before for raw in heard) + len(heard) == 22
    assert sum(raw.lost_before for raw in heard) >= 10


def test_a_new_publisher_has_lost_nothing(graph: Any) -> None:
    made, heard = subscriber(graph, '/joints')
    for number in range(2):
        joints = publisher(graph, JointState, '/joints', made, 10)
        for _ in range(3):
            joints.publish(JointState())
        drained(graph, made, lambda wanted=3 * (number + 1): len(heard) == wanted)
        graph.peer.destroy_publisher(joints)
        graph.until(lambda: graph.peer.count_publishers('/joints') == 0)
    assert [raw.lost_before for raw in heard] == [0] * 6


def test_a_loss_is_told_with_its_topic(graph: Any) -> None:
    made, heard = subscriber(graph, '/camera')
    publisher(graph, Image, '/camera', made, 10)
    assert made.warning(0) is None
    info = {'source_timestamp': 1, 'received_timestamp': 2, 'publisher_gid': {'data': b'gid'}}
    for number in range(1, 40, 2):
        made._take(b'', {**info, 'publication_sequence_number': number})
    assert [raw.lost_before for raw in heard] == [0] + [1] * 19
    line = made.warning(4 * 10**9)
    assert line is not None
    assert line.startswith('/camera: ')
    assert made.warning(9 * 10**9) is None
