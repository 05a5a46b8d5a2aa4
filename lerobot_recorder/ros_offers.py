"""What publishers offer, as a bag keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from lerobot_drivers.common.clock import NS_PER_S

PLAYED_DEPTH = 10
LATCHED_DEPTH = 100
"""Several latched messages of one topic may come one after the other, such as transforms."""


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


def publisher_qos(offers: Sequence[Qos]) -> QoSProfile:
    """Return how to offer what several publishers offered: so that whoever heard them hears it."""
    latched = bool(offers) and all(o.durability is QosDurability.TRANSIENT_LOCAL for o in offers)
    best_effort = bool(offers) and all(o.reliability is QosReliability.BEST_EFFORT for o in offers)
    depth = max((offer.depth for offer in offers), default=0) or PLAYED_DEPTH
    return QoSProfile(
        depth=max(depth, LATCHED_DEPTH) if latched else depth,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE,
    )


def _time(duration: Duration) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, NS_PER_S))
