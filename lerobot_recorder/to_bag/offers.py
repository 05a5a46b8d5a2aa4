"""How publishers would have offered topics: what a player offers again."""

from __future__ import annotations

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

_FOREVER = QosTime(9223372036, 854775807)


def _offer(depth: int, durability: QosDurability) -> Qos:
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE,
        durability=durability,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )


STREAM = _offer(10, QosDurability.VOLATILE)
"""Of sensors and commands."""
LATCHED = _offer(1, QosDurability.TRANSIENT_LOCAL)
"""Of what a late subscriber has to know."""
