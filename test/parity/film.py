"""A film on topics, run as a process: pictures that tell which they are, joints, commands."""

from __future__ import annotations

import math
import random
import signal
import sys
import time

import numpy as np
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

WIDTH, HEIGHT = 160, 120
DEPTH = 200


class Film:
    """Each camera runs at its own phase and delivers late, now and then not at all."""

    def __init__(self) -> None:
        self.node = rclpy.create_node('film')
        self.chance = random.Random(7)
        self.states = self.node.create_publisher(JointState, '/arm/joint_states', DEPTH)
        self.commands = self.node.create_publisher(JointState, '/arm/joint_commands', DEPTH)
        self.pending: list[tuple[float, object, Image]] = []
        self.count = 0
        for camera, period, latency in (('one', 1 / 30, 0.03), ('two', 1 / 29.7, 0.055)):
            publisher = self.node.create_publisher(Image, f'/arm/{camera}/image_raw', DEPTH)
            self.node.create_timer(period, self.exposing(publisher, latency))
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.once = [
            self.node.create_publisher(String, topic, latched)
            for topic in ('/robot_description', '/lab/map')
        ]
        for publisher in self.once:
            publisher.publish(String(data=f'on {publisher.topic_name}'))
        self.node.create_timer(0.01, lambda: self.joints(self.states, 0.0))
        self.node.create_timer(0.02, lambda: self.joints(self.commands, 0.2))
        self.node.create_timer(0.002, self.deliver)

    def exposing(self, publisher: object, latency: float) -> object:
        def expose() -> None:
            self.count += 1
            if self.chance.random() < 0.03:
                return
            message = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=WIDTH * 3)
            level = self.count * 37 % 256
            message.data.frombytes(np.full((HEIGHT, WIDTH, 3), level, np.uint8).tobytes())
            stamp(message, time.time())
            due = time.monotonic() + latency + self.chance.uniform(0.0, 0.01)
            self.pending.append((due, publisher, message))

        return expose

    def deliver(self) -> None:
        now = time.monotonic()
        due = [entry for entry in self.pending if entry[0] <= now]
        self.pending = [entry for entry in self.pending if entry[0] > now]
        for _, publisher, message in sorted(due, key=lambda entry: entry[0]):
            publisher.publish(message)

    def joints(self, publisher: object, ahead: float) -> None:
        now = time.time()
        message = JointState(name=['a', 'b'], position=[math.sin(now + ahead), math.cos(now)])
        stamp(message, now)
        publisher.publish(message)


def stamp(message: JointState | Image, at: float) -> None:
    message.header.stamp.sec = int(at)
    message.header.stamp.nanosec = int(at % 1 * 1e9)


def main() -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    film = Film()
    end = time.monotonic() + float(sys.argv[1])
    while not stopped and time.monotonic() < end:
        rclpy.spin_once(film.node, timeout_sec=0.1)
    film.node.destroy_node()
    rclpy.shutdown()


main()
