"""How the recorder and the policy node hear topics: raw bytes, QoS by who publishes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.ros import match_publishers
from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.messages import RawMessage

PICTURES_DEPTH = 60
NUMBERS_DEPTH = 500
HIGH_RATE_DEPTH = 4000
"""Messages the middleware keeps while the recorder stalls: two seconds of pictures, of
numbers at 250 Hz, four of what is kept message by message at 1000 Hz."""
FACTS_DEPTH = 100
"""Messages of a topic of facts that late publishers may have for us at once."""


class TopicSubscriber:
    """One topic as raw messages; subscribes when it has publishers, anew when those change.

    Args:
        node: who subscribes.
        topic: absolute topic.
        deliver: where the messages go.
        numbers_depth: messages kept for us, if they are no pictures.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        deliver: Callable[[RawMessage], None],
        numbers_depth: int = NUMBERS_DEPTH,
    ) -> None:
        self.topic = topic
        self._numbers_depth = numbers_depth
        self._node = node
        self._deliver = deliver
        self._subscription: Any = None
        self._reliability: ReliabilityPolicy | None = None
        self._msgtype = ''

    def refresh(self) -> None:
        """Subscribe if there are publishers by now, or if they offer something else by now."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return
        msgtype = publishers[0].topic_type
        depth = PICTURES_DEPTH if msgtype in IMAGE_TYPES else self._numbers_depth
        qos = match_publishers(self._node, self.topic, depth)
        if self._subscription is not None:
            if qos.reliability == self._reliability:
                return
            self._node.destroy_subscription(self._subscription)
        self._msgtype = msgtype
        self._reliability = qos.reliability
        self._subscription = self._node.create_subscription(
            message_class(self._msgtype), self.topic, self._on_raw, qos, raw=True
        )

    def close(self) -> None:
        """Hear the topic no more, until the next refresh."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _on_raw(self, data: bytes, info: Mapping[str, Any]) -> None:
        self._deliver(_raw_message(self.topic, self._msgtype, data, info))


class FactSubscriber:
    """A topic that tells what seldom changes: latched or not, from one publisher or several.

    Latched publishers are heard by a latched subscription only, others by another one only, so
    there is one for each way in which the topic is offered. What comes twice is one fact.

    Args:
        node: who subscribes.
        topic: absolute topic.
        deliver: where the messages go.
    """

    def __init__(self, node: Node, topic: str, deliver: Callable[[RawMessage], None]) -> None:
        self.topic = topic
        self._node = node
        self._deliver = deliver
        self._msgtype = ''
        self._subscriptions: dict[tuple[DurabilityPolicy, ReliabilityPolicy], Any] = {}

    def refresh(self) -> None:
        """Subscribe to what is offered by now.

        Raises:
            StreamError: the package of the message type is not installed.
        """
        for publisher in self._node.get_publishers_info_by_topic(self.topic):
            offered = publisher.qos_profile
            way = (offered.durability, offered.reliability)
            if way in self._subscriptions:
                continue
            self._msgtype = publisher.topic_type
            kind = message_class(self._msgtype)
            qos = QoSProfile(depth=FACTS_DEPTH, durability=way[0], reliability=way[1])
            self._subscriptions[way] = self._node.create_subscription(
                kind, self.topic, self._on_raw, qos, raw=True
            )

    def _on_raw(self, data: bytes, info: Mapping[str, Any]) -> None:
        self._deliver(_raw_message(self.topic, self._msgtype, data, info))


def _raw_message(topic: str, msgtype: str, data: bytes, info: Mapping[str, Any]) -> RawMessage:
    source_ns, received_ns = int(info['source_timestamp']), int(info['received_timestamp'])
    return RawMessage(topic, msgtype, data, source_ns, received_ns)


def message_class(msgtype: str) -> type:
    """Return the class of a message type such as ``sensor_msgs/msg/Image``.

    Raises:
        StreamError: its package is not installed.
    """
    package, _, name = msgtype.partition('/msg/')
    try:
        found = getattr(importlib.import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError) as error:
        raise StreamError(f'message type {msgtype} is not installed: {error}') from error
    assert isinstance(found, type)
    return found


def graph_topics(node: Node) -> dict[str, str]:
    """Return topic -> type of every topic that somebody publishes."""
    return {
        topic: types[0]
        for topic, types in node.get_topic_names_and_types()
        if node.count_publishers(topic) > 0
    }
