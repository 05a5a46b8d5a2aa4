"""The doctor's look at a running graph: a camera that a viewer does not hear."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from lerobot_drivers.common.health import Level
from lerobot_recorder.doctor.qos import check_graph

pytestmark = pytest.mark.ros


def test_mismatches_of_a_running_graph_are_found(graph: Any) -> None:
    camera = graph.add(_node('camera'))
    viewer = graph.add(_node('viewer', '/lab'))
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    timely = QoSProfile(depth=1, deadline=Duration(seconds=0.5))
    for topic, offered, asked in (
        ('/image', best_effort, QoSProfile(depth=5)),
        ('/info', QoSProfile(depth=5), latched),
        ('/pulse', QoSProfile(depth=5), timely),
        ('/well', latched, best_effort),
    ):
        camera.create_publisher(String, topic, offered)
        viewer.create_subscription(String, topic, print, asked)
    found = {finding.subject: finding for finding in check_graph()}
    assert found.keys() == {'/image', '/info', '/pulse', 'graph'}
    said = '/lab/viewer hears nothing of /camera: '
    assert found['/image'].text.startswith(f'{said}reliability: it asks for reliable')
    assert found['/info'].text.startswith(f'{said}durability: ')
    assert found['/pulse'].text == f'{said}deadline: it asks for 0.5 s, none is offered'
    assert found['graph'].level is Level.OK
    assert found['graph'].text.startswith('looked at ')


def _node(name: str, namespace: str = '/') -> Any:
    import rclpy

    return rclpy.create_node(name, namespace=namespace)
