"""What publishers offer, as a bag keeps it."""

from __future__ import annotations

from rclpy.duration import Duration
from rclpy.node import Node
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from lerobot_drivers.common.clock import NS_PER_S


def offered_qos(node: Node, topic: str) -> list[Qos]:
    """Return the qualities of service that the publishers of a topic offer, each once."""
    found = [
        Qos(
            history=QosHistory(int(qos.history)),
            depth=qos.depth,
            reliability=QosReliability(int(qos.reliability)),
            durability=QosDurability(int(qos.durability)),
            deadline=_time(qos.deadline),
            lifespan=_time(qos.lifespan),
            liveliness=QosLiveliness(int(qos.liveliness)),
            liveliness_lease_duration=_time(qos.liveliness_lease_duration),
            avoid_ros_namespace_conventions=qos.avoid_ros_namespace_conventions,
        )
        for qos in (info.qos_profile for info in node.get_publishers_info_by_topic(topic))
    ]
    return list(dict.fromkeys(found))


def _time(duration: Duration) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, NS_PER_S))
