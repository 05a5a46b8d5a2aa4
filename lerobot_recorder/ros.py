"""How the recorder and the policy node hear topics: raw bytes, QoS by who publishes.

Messages wait in the middleware until they are drained. An executor's turn costs several times
what taking a message does, so none is spent on them: their subscriptions are kept out of it.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import QoSSubscriptionEventType, SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.processes import (
    SHARED_MEMORY_PROFILE,
    has_large_sockets,
    profile_variable,
)
from lerobot_drivers.ros import match_publishers
from lerobot_recorder.images import IMAGE_TYPES
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.offers import Offer
from lerobot_recorder.reception import Reception, Transport, loss_line
from lerobot_recorder.sequence_gaps import SequenceGaps

PICTURES_DEPTH = 60
NUMBERS_DEPTH = 500
HIGH_RATE_DEPTH = 4000
"""Messages the middleware keeps while the recorder stalls: two seconds of pictures, of
numbers at 250 Hz, four of what is kept message by message at 1000 Hz."""
FACTS_DEPTH = 100
"""Messages of a topic of facts that may wait for us at once."""
_LOST = QoSSubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST
_NO_EVENTS = SubscriptionEventCallbacks(use_default_callbacks=False)


class NoTurns(CallbackGroup):
    """A group whose members no executor looks at."""

    def can_execute(self, entity: Any) -> bool:
        """Return that nothing may be executed."""
        return False


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
        self._lost_event: Any = None
        self._reliability: ReliabilityPolicy | None = None
        self._msgtype = ''
        self._publishers: set[bytes] = set()
        self._gaps = SequenceGaps()
        self._reception = Reception()

    def refresh(self) -> None:
        """Subscribe if there are publishers by now, or if they offer something else by now."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return
        found = {bytes(info.endpoint_gid) for info in publishers}
        if found != self._publishers:
            self._publishers = found
            self._gaps.forget()
        msgtype = publishers[0].topic_type
        depth = PICTURES_DEPTH if msgtype in IMAGE_TYPES else self._numbers_depth
        qos = match_publishers(self._node, self.topic, depth)
        if self._subscription is not None:
            if qos.reliability == self._reliability:
                return
            self.close()
        self._msgtype = msgtype
        self._reliability = qos.reliability
        self._subscription = self._node.create_subscription(
            message_class(self._msgtype),
            self.topic,
            lambda _message: None,
            qos,
            callback_group=NoTurns(),
            event_callbacks=_NO_EVENTS,
            raw=True,
        )
        self._lost_event = _event(self._subscription.handle)

    def close(self) -> None:
        """Hear the topic no more, until the next refresh; what waits is delivered."""
        if self._subscription is not None:
            self.drain()
            self._node.destroy_subscription(self._subscription)
            self._subscription = self._lost_event = None
            self._gaps.forget()

    def drain(self) -> None:
        """Deliver every message that waits."""
        if self._subscription is None:
            return
        for data, info in waiting_messages(self._subscription):
            self._take(data, info)

    def warning(self, now_ns: int) -> str | None:
        """Return the line for the operator if messages of the topic began to get lost.

        Args:
            now_ns: a time that only goes on [ns].
        """
        loss = self._reception.look(now_ns)
        if loss is None:
            return None
        best_effort = self._reliability == ReliabilityPolicy.BEST_EFFORT
        profile = str(SHARED_MEMORY_PROFILE)
        transport = Transport(best_effort, has_large_sockets(), profile_variable(), profile)
        return loss_line(self.topic, loss, transport)

    def _take(self, data: bytes, info: Any) -> None:
        lost = self._lost_before(info)
        self._reception.add(lost)
        self._deliver(raw_message(self.topic, self._msgtype, data, info, lost))

    def _lost_before(self, info: Any) -> int:
        """Return what was lost before a message: by its number, else as the middleware says."""
        number, gid = info.get('publication_sequence_number'), info.get('publisher_gid')
        publisher = bytes(gid['data']) if gid else None
        if number and (publisher or len(self._publishers) == 1):
            return self._gaps.missed(publisher, int(number))
        event = self._lost_event.take_event() if self._lost_event is not None else None
        return int(event.total_count_change) if event is not None else 0


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
                kind, self.topic, lambda _message: None, qos, callback_group=NoTurns(), raw=True
            )

    def drain(self) -> None:
        """Deliver every message that waits."""
        for subscription in self._subscriptions.values():
            for data, info in waiting_messages(subscription):
                self._deliver(raw_message(self.topic, self._msgtype, data, info))


def waiting_messages(subscription: Any) -> Iterator[tuple[bytes, Any]]:
    """Take the serialised messages that wait, each with what the middleware tells of it."""
    kind, handle = subscription.msg_type, subscription.handle
    with handle:
        while (taken := handle.take_message(kind, True)) is not None:
            yield taken


def raw_message(topic: str, msgtype: str, data: bytes, info: Any, lost: int = 0) -> RawMessage:
    """Return what was taken from the middleware, with its times."""
    source_ns, received_ns = int(info['source_timestamp']), int(info['received_timestamp'])
    return RawMessage(topic, msgtype, data, source_ns, received_ns, lost)


def _event(subscription: Any) -> Any:
    """Return the middleware's own count of lost messages, None where there is none."""
    kinds = [getattr(rclpy_implementation, name, None) for name in ('EventHandle', 'QoSEvent')]
    kind = next((found for found in kinds if found is not None), None)
    with contextlib.suppress(rclpy_implementation.UnsupportedEventTypeError):
        return kind(subscription, _LOST) if kind is not None else None


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


def offers(node: Node, topic: str) -> list[Offer]:
    """Return what the publishers of a topic offer."""
    return [
        Offer(
            node=f'{info.node_namespace.rstrip("/")}/{info.node_name}',
            msgtype=info.topic_type,
            reliable=info.qos_profile.reliability == ReliabilityPolicy.RELIABLE,
        )
        for info in node.get_publishers_info_by_topic(topic)
    ]


def graph_topics(node: Node) -> dict[str, str]:
    """Return topic -> type of every topic that somebody publishes."""
    return {
        topic: types[0]
        for topic, types in node.get_topic_names_and_types()
        if node.count_publishers(topic) > 0
    }
