"""A stranger that publishes many types, run as a process: plain rclpy, nothing of ours."""

from __future__ import annotations

import contextlib
import sys
import time

import numpy as np
import rclpy
from geometry_msgs.msg import Transform, TwistStamped
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import (
    BatteryState,
    Image,
    JointState,
    MultiDOFJointState,
    PointCloud2,
    PointField,
    Temperature,
)
from std_msgs.msg import Bool, Float32MultiArray, Int32MultiArray, String


def stamped(message, at):
    message.header.stamp.sec = int(at)
    message.header.stamp.nanosec = int(at % 1 * 1e9)
    message.header.frame_id = 'lab'
    return message


def messages(at):
    """Topic -> message of a time [s]."""
    swing = float(np.sin(at))
    base = Transform()
    base.translation.x = swing
    field = PointField(name='x', offset=0, datatype=PointField.FLOAT32, count=1)
    cloud = np.array([swing, 1.0], np.float32).tobytes()
    speed = TwistStamped()
    speed.twist.linear.x = swing
    grey = np.full((32, 32), 200 * 256, '<u2').tobytes()
    return {
        'nameless': stamped(JointState(position=[swing, -swing]), at),
        'wishes': Float32MultiArray(data=[swing]),
        'base': stamped(MultiDOFJointState(joint_names=['base'], transforms=[base]), at),
        'battery': stamped(BatteryState(voltage=12.5, percentage=0.5), at),
        'temperature': stamped(Temperature(temperature=21.5), at),
        'speed': stamped(speed, at),
        'thermal': stamped(Image(height=32, width=32, encoding='mono16', step=64, data=grey), at),
        'points': stamped(
            PointCloud2(height=1, width=2, fields=[field], point_step=4, row_step=8, data=cloud),
            at,
        ),
        'phase': String(data='reach' if int(at) % 2 else 'grasp'),
        'door': Bool(data=True),
        'codes': Int32MultiArray(data=[3, 4]),
    }


def main():
    rclpy.init()
    node = rclpy.create_node('stranger', namespace='/lab')
    publishers = {
        topic: node.create_publisher(type(message), topic, 10)
        for topic, message in messages(time.time()).items()
    }

    def publish():
        for topic, message in messages(time.time()).items():
            publishers[topic].publish(message)

    node.create_timer(1 / 30, publish)
    end = time.time() + float(sys.argv[1])
    with contextlib.suppress(ExternalShutdownException):
        while time.time() < end:
            rclpy.spin_once(node, timeout_sec=0.1)


main()
