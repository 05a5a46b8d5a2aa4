"""How the dashboard hears a camera: now and then its newest picture, at nobody's cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from lerobot_recorder.images import COMPRESSED_IMAGE
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.ros import NoTurns, message_class, raw_message, waiting_messages


class CameraTap:
    """One camera; best effort, so that its publisher never waits for us, and one message deep.

    Args:
        node: who subscribes.
        topic: absolute topic.
        msgtype: its type.

    Raises:
        StreamError: the package of the message type is not installed.
    """

    def __init__(self, node: Node, topic: str, msgtype: str) -> None:
        self.topic = topic
        self._msgtype = msgtype
        self._node = node
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription: Any = node.create_subscription(
            message_class(msgtype), topic, lambda _: None, qos, callback_group=NoTurns(), raw=True
        )

    def take(self) -> RawMessage | None:
        """Return the newest picture, None if none came since."""
        newest = None
        for data, info in waiting_messages(self._subscription):
            newest = raw_message(self.topic, self._msgtype, data, info)
        return newest

    def close(self) -> None:
        """Hear it no more."""
        self._node.destroy_subscription(self._subscription)


def cheapest_topic(node: Node, topic: str, topics: Mapping[str, str]) -> str:
    """Return from which topic a camera is to be heard: itself, or its compressed pictures.

    Compressed ones are less to carry, but a camera may make them only while somebody hears them:
    where it is the raw ones that are heard already, those are taken.

    Args:
        node: knows the graph.
        topic: of the camera.
        topics: topic -> type of the graph.
    """
    compressed = f'{topic}/compressed'
    if topics.get(compressed) != COMPRESSED_IMAGE:
        return topic
    raw_only = node.count_subscribers(topic) and not node.count_subscribers(compressed)
    return topic if raw_only else compressed
