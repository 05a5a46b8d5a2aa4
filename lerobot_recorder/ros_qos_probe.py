"""Joins the graph for some seconds, and tells who offers and asks for what on each topic.

Run as a process of its own, so that a middleware that hangs hangs nobody else; see
``lerobot_recorder.doctor.qos``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

LOOK_S, STEADY_S = 6.0, 1.5
"""How long the graph is waited for at most, and how long nothing new must have come [s]."""
_POLL_S = 0.1
_FOREVER_NS = 2**62


def main() -> int:
    """Look, and print one line of JSON: topic -> [publishers, subscribers]."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(
        f'lerobot_doctor_{os.getpid()}', enable_rosout=False, start_parameter_services=False
    )
    try:
        print(json.dumps(settled(node)))  # noqa: T201
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


def settled(node: Node) -> dict[str, Any]:
    """Return what the graph tells once nothing new has come for a while."""
    end = time.monotonic() + LOOK_S
    found, since = look(node), time.monotonic()
    while time.monotonic() < min(end, since + STEADY_S):
        time.sleep(_POLL_S)
        now = look(node)
        if now != found:
            found, since = now, time.monotonic()
    return found


def look(node: Node) -> dict[str, Any]:
    """Return the topics of others: topic -> [publishers, subscribers], see ``doctor.qos``."""
    topics = {}
    for name, _ in node.get_topic_names_and_types():
        both = [
            _ends(node, node.get_publishers_info_by_topic(name)),
            _ends(node, node.get_subscriptions_info_by_topic(name)),
        ]
        if any(both):
            topics[name] = both
    return topics


def _ends(node: Node, infos: list[Any]) -> list[dict[str, Any]]:
    return sorted(
        (
            _end(f'{info.node_namespace.rstrip("/")}/{info.node_name}', info.qos_profile)
            for info in infos
            if info.node_name != node.get_name()
        ),
        key=lambda end: str(end['node']),
    )


def _end(name: str, qos: QoSProfile) -> dict[str, Any]:
    return {
        'node': name,
        'reliable': qos.reliability == ReliabilityPolicy.RELIABLE,
        'latched': qos.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        'deadline_ns': _finite(qos.deadline.nanoseconds),
        'manual': qos.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC,
        'lease_ns': _finite(qos.liveliness_lease_duration.nanoseconds),
    }


def _finite(duration_ns: int) -> int:
    return 0 if duration_ns >= _FOREVER_NS else duration_ns


if __name__ == '__main__':
    sys.exit(main())
