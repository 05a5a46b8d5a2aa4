"""A graph of strangers, run as a process: plain rclpy, no node or setting of ours.

Best-effort cameras whose stamps are 30 ms old, joints in an odd order and not all of them in
every message, commands without names or stamps, all in a namespace.
"""

from __future__ import annotations

import math
import signal
import sys
import time

import numpy as np
import rclpy
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray

WIDTH, HEIGHT, LATENCY_S = 320, 240, 0.03
JOINTS = ('gripper', 'elbow', 'shoulder')


def angle(joint: str, at: float) -> float:
    return math.sin(at + JOINTS.index(joint))


class Strangers:
    def __init__(self) -> None:
        self.node = rclpy.create_node('strangers', namespace='/lab')
        make = self.node.create_publisher
        self.joints = make(JointState, 'joint_states', 10)
        self.commands = make(Float64MultiArray, 'forward_controller/commands', 10)
        self.cameras = [
            make(Image, f'{camera}/image_raw', qos_profile_sensor_data)
            for camera in ('left_camera', 'right_camera')
        ]
        self.count = 0
        self.node.create_timer(0.01, self.publish_joints)
        self.node.create_timer(0.02, self.publish_commands)
        self.node.create_timer(1 / 30, self.publish_pictures)

    def publish_joints(self) -> None:
        self.count += 1
        now = time.time()
        names = JOINTS if self.count % 3 else JOINTS[1:]
        message = JointState(name=names, position=[angle(name, now) for name in names])
        stamp(message, now)
        self.joints.publish(message)

    def publish_commands(self) -> None:
        now = time.time()
        self.commands.publish(Float64MultiArray(data=[angle(name, now) for name in JOINTS]))

    def publish_pictures(self) -> None:
        exposed = time.time() - LATENCY_S
        pixels = np.full((HEIGHT, WIDTH, 3), int(exposed * 50) % 120, np.uint8)
        pixels[..., 0] = 255  # blue in bgr8
        for camera in self.cameras:
            message = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=WIDTH * 3)
            message.data.frombytes(pixels.tobytes())
            stamp(message, exposed)
            camera.publish(message)


def stamp(message: JointState | Image, at: float) -> None:
    message.header.stamp.sec = int(at)
    message.header.stamp.nanosec = int(at % 1 * 1e9)


def main() -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    strangers = Strangers()
    end = time.monotonic() + float(sys.argv[1])
    while not stopped and time.monotonic() < end:
        rclpy.spin_once(strangers.node, timeout_sec=0.1)
    strangers.node.destroy_node()
    rclpy.shutdown()


main()
