"""Publishers of a lab that knows nothing of us, run as a process: plain rclpy, as they are told.

The only argument is YAML: a list of publishers, each with its ``topic`` and what is odd about it.
"""

from __future__ import annotations

import math
import signal
import time
from array import array
from typing import Any

import rclpy
import yaml
from geometry_msgs.msg import WrenchStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, String

KINDS = {
    'joints': JointState,
    'image': Image,
    'array': Float64MultiArray,
    'wrench': WrenchStamped,
    'text': String,
}
LATENCY_S = {'image': 0.03}


class Publisher:
    """One publisher.

    Args:
        node: whose it is.
        topic: where.
        kind: key of ``KINDS``.
        hz: messages per second; 0 never publishes.
        best_effort: whether it offers no more.
        ahead_s: how far its clock is ahead; ``zero`` leaves its stamps empty.
        names: its joints.
        size: of its pictures.
    """

    def __init__(
        self, node: Any, topic: str, kind: str = 'joints', hz: float = 50.0,
        best_effort: bool = False, ahead_s: float | str = 0.0, names: tuple[str, ...] = ('a', 'b'),
        size: tuple[int, int] = (64, 48),
    ) -> None:  # fmt: skip
        way = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
        self.publisher = node.create_publisher(
            KINDS[kind], topic, QoSProfile(depth=5, reliability=way)
        )
        self.kind, self.ahead_s, self.names, self.size = kind, ahead_s, list(names), size
        if hz:
            node.create_timer(1 / hz, self.publish)

    def publish(self) -> None:
        now = time.time()
        message = KINDS[self.kind]()
        if hasattr(message, 'header') and self.ahead_s != 'zero':
            at = now + float(self.ahead_s) - LATENCY_S.get(self.kind, 0.001)
            message.header.stamp.sec, message.header.stamp.nanosec = int(at), int(at % 1 * 1e9)
        values = [math.sin(now + number) for number in range(len(self.names))]
        if self.kind == 'joints':
            message.name, message.position = self.names, array('d', values)
        elif self.kind == 'array':
            message.data = array('d', values)
        elif self.kind == 'image':
            message.width, message.height = self.size
            message.encoding, message.step = 'rgb8', 3 * self.size[0]
            message.data.frombytes(bytes([int(now * 50) % 120]) * (message.step * message.height))
        self.publisher.publish(message)


def main(spec: str) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    nodes: dict[str, Any] = {}
    for entry in yaml.safe_load(spec):
        name = entry.pop('node', 'lab')
        if name not in nodes:
            nodes[name] = rclpy.create_node(name)
        Publisher(nodes[name], **entry)
    executor = rclpy.executors.SingleThreadedExecutor()
    for node in nodes.values():
        executor.add_node(node)
    end = time.monotonic() + 120
    while not stopped and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    rclpy.shutdown()


if __name__ == '__main__':
    import sys

    main(sys.argv[1])
