"""Joint states that come at a high rate."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from rclpy.node import Node
from sensor_msgs.msg import JointState

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.ros import qos_states


class JointStream:
    """Publishes states or commands of the same joints; one message is filled again and again.

    To make one costs as much as to publish it.

    Args:
        node: who publishes.
        topic: relative name.
        names: of the joints, in the order of all values.
    """

    def __init__(self, node: Node, topic: str, names: Sequence[str]) -> None:
        self._node = node
        self._publisher = node.create_publisher(JointState, topic, qos_states())
        self._message = JointState(name=list(names))

    def publish(self, stamp_ns: int, position: Sequence[float], **rest: Sequence[float]) -> None:
        """Publish values.

        Args:
            stamp_ns: when they were measured or commanded [ns].
            position: [rad or m].
            **rest: ``velocity`` [rad/s or m/s] and ``effort``, or never.
        """
        stamp = self._message.header.stamp
        stamp.sec, stamp.nanosec = divmod(stamp_ns, NS_PER_S)
        for key, values in {'position': position, **rest}.items():
            # As an array, whose numbers rclpy need not look at one by one.
            setattr(self._message, key, array('d', values))
        self._publisher.publish(self._message)

    def destroy(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)
