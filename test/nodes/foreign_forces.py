"""Strangers that tell more than rows hold, run as a process: plain rclpy, nothing of ours.

A 1 kHz wrench (best effort), commands asked and sent, a camera with its camera_info, a model that
is latched by one publisher and sent again and again, unlatched, by another.
"""

from __future__ import annotations

import signal
import sys
import time

import numpy as np
import rclpy
from geometry_msgs.msg import WrenchStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String

JOINTS = ['a', 'b']
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Forces:
    def __init__(self) -> None:
        self.node = rclpy.create_node('forces', namespace='/lab')
        make = self.node.create_publisher
        self.states = make(JointState, 'joint_states', 10)
        self.commands = make(JointState, 'joint_commands', 10)
        self.sent = make(JointState, 'joint_commands_sent', 10)
        self.wrench = make(WrenchStamped, 'wrench', qos_profile_sensor_data)
        self.image = make(Image, 'cam/image_raw', qos_profile_sensor_data)
        self.info = make(CameraInfo, 'cam/camera_info', qos_profile_sensor_data)
        self.model = make(String, 'robot_description', LATCHED)
        self.model.publish(String(data='<robot name="latched"/>'))
        self.other = make(String, 'gripper/robot_description', 10)
        self.begun = time.time()
        self.published = 0
        self.node.create_timer(0.005, self.publish_wrenches)
        self.node.create_timer(0.02, self.publish_joints)
        self.node.create_timer(1 / 30, self.publish_picture)

    def publish_wrenches(self) -> None:
        """As many as are due, each with the stamp of its own millisecond."""
        while self.begun + self.published / 1000 <= time.time():
            message = WrenchStamped()
            message.header.frame_id = 'tool'
            stamp(message, self.begun + self.published / 1000)
            message.wrench.force.x = float(self.published)
            self.wrench.publish(message)
            self.published += 1

    def publish_joints(self) -> None:
        now = time.time()
        for publisher, value in ((self.states, 0.0), (self.commands, 1.0), (self.sent, 2.0)):
            message = JointState(name=JOINTS, position=[value, now % 10])
            stamp(message, now)
            publisher.publish(message)

    def publish_picture(self) -> None:
        exposed = time.time() - 0.02
        pixels = np.full((48, 64, 3), int(exposed * 30) % 200, np.uint8)
        message = Image(height=48, width=64, encoding='rgb8', step=64 * 3)
        message.data.frombytes(pixels.tobytes())
        stamp(message, exposed)
        self.image.publish(message)
        info = CameraInfo(height=48, width=64, distortion_model='plumb_bob', d=[0.1] * 5)
        stamp(info, exposed)
        self.info.publish(info)
        self.other.publish(String(data='<robot name="unlatched"/>'))


def stamp(message: object, at: float) -> None:
    message.header.stamp.sec = int(at)
    message.header.stamp.nanosec = round(at % 1 * 1e9) % 1_000_000_000


def main() -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    forces = Forces()
    end = time.monotonic() + float(sys.argv[1])
    while not stopped and time.monotonic() < end:
        rclpy.spin_once(forces.node, timeout_sec=0.1)
    forces.node.destroy_node()
    rclpy.shutdown()


main()
