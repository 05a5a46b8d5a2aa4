"""A mobile base on topics (REP 103, REP 105): ``cmd_vel`` in, ``odom`` and ``cmd_vel_sent`` out.

Messages of navigation are imported only where there is a base.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from geometry_msgs.msg import Quaternion, Twist, TwistStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node

from lerobot_drivers.base_driver import OPERATOR, SOURCES, BaseDriver
from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import CMD_VEL, CMD_VEL_SENT, ODOM, velocity_topic
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.mobile_base import AXES, BaseReading
from lerobot_drivers.ros import now_ns, qos_commands, qos_states, stamp_message, stamp_ns

Vector = NDArray[np.float64]

TF = '/tf'
SPEED_VARIANCE = 1e-4
"""Of a measured velocity, for want of a better figure [m^2/s^2, rad^2/s^2]."""
UNSEEN_VARIANCE = 1e6
"""Of what a base in the plane does not measure."""
_IN_PLANE = (0, 1, 5)
"""Where x, y and the turn about z are among the six of a covariance."""


class BaseTopics:
    """The topics of one base, in its node's namespace.

    Args:
        node: whose topics they are.
        driver: what drives the base.
        config: frames and types.
        warn: gets one line per command that is refused.

    Raises:
        ConfigError: nav_msgs is not installed.
    """

    def __init__(
        self, node: Node, driver: BaseDriver, config: BaseConfig, warn: Callable[[str], None]
    ) -> None:
        self._node = node
        self._driver = driver
        self._config = config
        self._warn = warn
        self._last_stamp_ns = -1
        self._odometry = _odometry_type()
        self._odom = node.create_publisher(self._odometry, ODOM, qos_states())
        self._sent = node.create_publisher(TwistStamped, CMD_VEL_SENT, qos_states())
        self._tf = _TransformPublisher.make(node) if config.enable_odom_tf else None
        kinds = {OPERATOR: TwistStamped if config.use_stamped_vel else Twist}
        topics = {name: CMD_VEL if name == OPERATOR else velocity_topic(name) for name in SOURCES}
        self._commands = [
            node.create_subscription(
                kinds.get(name, TwistStamped),
                topic,
                partial(self._on_command, name),
                qos_commands(1),
            )
            for name, topic in topics.items()
        ]

    def publish(self, was_read: bool, sent: Vector | None) -> None:
        """Publish what was measured just now, and what was sent, as far as there is such.

        Args:
            was_read: whether the robot could be read.
            sent: by ``AXES`` [m/s, m/s, rad/s].
        """
        reading = self._driver.base.reading
        if was_read and reading is not None and reading.stamp_ns != self._last_stamp_ns:
            self._last_stamp_ns = reading.stamp_ns
            self._odom.publish(self._odometry_message(reading))
            if self._tf is not None:
                self._tf.publish(reading, self._config)
        if sent is not None:
            self._sent.publish(twist_stamped(sent, now_ns(self._node), self._config.base_frame_id))

    def destroy(self) -> None:
        """Leave the topics."""
        for subscription in self._commands:
            self._node.destroy_subscription(subscription)
        for publisher in (self._odom, self._sent):
            self._node.destroy_publisher(publisher)
        if self._tf is not None:
            self._tf.destroy()

    def _on_command(self, source: str, message: Twist | TwistStamped) -> None:
        if not getattr(self._node, 'active', True):
            return
        twist = message
        if isinstance(message, TwistStamped):
            twist = message.twist
            stamp = stamp_ns(message.header.stamp)
            age_s = (now_ns(self._node) - stamp) / NS_PER_S
            if stamp and age_s > self._config.cmd_vel_timeout:
                self._warn(f'velocity command refused: stamped {age_s:.3f} s ago')
                return
        if not self._driver.on_command(_vector(twist), source):
            self._warn('velocity command refused: it holds a number that is not finite')

    def _odometry_message(self, reading: BaseReading) -> Any:
        message = self._odometry(child_frame_id=self._config.base_frame_id)
        message.header.frame_id = self._config.odom_frame_id
        message.header.stamp = stamp_message(reading.stamp_ns)
        x, y, heading = map(float, reading.pose)
        message.pose.pose.position.x, message.pose.pose.position.y = x, y
        message.pose.pose.orientation = _about_z(heading)
        message.pose.covariance = _covariance(reading.covariance)
        message.twist.twist = _twist(reading.velocity)
        message.twist.covariance = _SPEED_COVARIANCE
        return message


def make_base_topics(
    node: Node, driver: ArmDriver, config: BaseConfig, warn: Callable[[str], None]
) -> BaseTopics | None:
    """Return the topics of a robot's base; None if it has none."""
    return None if driver.base is None else BaseTopics(node, driver.base, config, warn)


class VelocityPublisher:
    """Asks a base to drive, and once to stand when nothing is asked for any more.

    Args:
        node: who asks.
        topic: where, relative.
    """

    def __init__(self, node: Node, topic: str) -> None:
        self._node = node
        self._publisher = node.create_publisher(TwistStamped, topic, qos_commands(1))
        self._drives = False

    def publish(self, velocity: Vector | None) -> None:
        """Ask for a velocity by ``AXES`` [m/s, m/s, rad/s]; None lets go."""
        if velocity is not None or self._drives:
            asked = np.zeros(len(AXES)) if velocity is None else velocity
            self._publisher.publish(twist_stamped(asked, now_ns(self._node)))
        self._drives = velocity is not None

    def destroy(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)


def twist_stamped(velocity: Vector, stamp: int, frame: str = '') -> TwistStamped:
    """Return a velocity by ``AXES`` [m/s, m/s, rad/s] as a message with a stamp [ns]."""
    message = TwistStamped(twist=_twist(velocity))
    message.header.stamp = stamp_message(stamp)
    message.header.frame_id = frame
    return message


class _TransformPublisher:
    """Publishes the pose on ``/tf``."""

    def __init__(self, node: Node, message_type: type, transform_type: type) -> None:
        self._node = node
        self._message_type = message_type
        self._transform_type = transform_type
        self._publisher = node.create_publisher(message_type, TF, qos_states(100))

    @classmethod
    def make(cls, node: Node) -> _TransformPublisher | None:
        """Return one, None where tf2_msgs is not installed."""
        try:
            message_type = import_module('tf2_msgs.msg').TFMessage
        except ImportError:
            return None
        return cls(node, message_type, import_module('geometry_msgs.msg').TransformStamped)

    def publish(self, reading: BaseReading, config: BaseConfig) -> None:
        """Publish one pose."""
        link = self._transform_type(child_frame_id=config.base_frame_id)
        link.header.frame_id = config.odom_frame_id
        link.header.stamp = stamp_message(reading.stamp_ns)
        x, y, heading = map(float, reading.pose)
        link.transform.translation = Vector3(x=x, y=y)
        link.transform.rotation = _about_z(heading)
        self._publisher.publish(self._message_type(transforms=[link]))

    def destroy(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)


def _odometry_type() -> type:
    try:
        odometry: type = import_module('nav_msgs.msg').Odometry
    except ImportError as error:
        raise ConfigError(
            'a mobile base needs nav_msgs: pip install "lerobot_ros[ros-jazzy]" (or [ros]), or '
            f'apt install ros-$ROS_DISTRO-nav-msgs ({error})'
        ) from error
    return odometry


def _vector(twist: Twist) -> Vector:
    return np.array([twist.linear.x, twist.linear.y, twist.angular.z])


def _twist(velocity: Vector) -> Twist:
    x, y, turn = map(float, velocity)
    return Twist(linear=Vector3(x=x, y=y), angular=Vector3(z=turn))


def _about_z(heading: float) -> Quaternion:
    return Quaternion(z=math.sin(heading / 2.0), w=math.cos(heading / 2.0))


def _covariance(plane: Vector) -> Vector:
    whole = UNSEEN_VARIANCE * np.eye(6)
    whole[np.ix_(_IN_PLANE, _IN_PLANE)] = plane
    return whole.ravel()


_SPEED_COVARIANCE = _covariance(SPEED_VARIANCE * np.eye(3))
