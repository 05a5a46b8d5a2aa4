"""A simulation of strangers, run as a process: plain rclpy, all stamps on ``/clock``.

Arguments: seconds it lasts, its pace against real time, then ``pause:AT:FOR`` (simulated time,
real seconds) and ``reset:AT`` (simulated time) in any number.
"""

from __future__ import annotations

import math
import signal
import sys
import time

import numpy as np
import rclpy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray

STEP_MS = 5
WIDTH, HEIGHT, LATENCY_MS = 64, 48, 30


class Simulation:
    def __init__(self, pace: float, events: list[list[str]]) -> None:
        self.node = rclpy.create_node('simulation', namespace='/sim')
        make = self.node.create_publisher
        self.clock = make(Clock, '/clock', 10)
        self.joints = make(JointState, 'joint_states', 10)
        self.commands = make(Float64MultiArray, 'forward_controller/commands', 10)
        self.camera = make(Image, 'camera/image_raw', 10)
        self.now_ms = 100_000
        self.frame = 0
        self.events = events
        self.node.create_timer(STEP_MS / 1000 / pace, self.step)
        self.sleeping_until = 0.0

    def step(self) -> None:
        if time.monotonic() < self.sleeping_until:
            self.clock.publish(Clock(clock=self.stamp(self.now_ms)))
            return
        self.now_ms += STEP_MS
        self.happen()
        self.clock.publish(Clock(clock=self.stamp(self.now_ms)))
        if self.now_ms % 10 == 0:
            self.publish_joints()
        if self.now_ms % 20 == 0:
            self.commands.publish(Float64MultiArray(data=[self.now_ms / 1000, 0.0]))
        exposed_ms = self.now_ms - LATENCY_MS
        if exposed_ms * 30 // 1000 > self.frame:
            self.frame = exposed_ms * 30 // 1000
            self.publish_picture(exposed_ms)

    def happen(self) -> None:
        if self.events and self.now_ms >= 1000 * float(self.events[0][1]):
            kind, _, *more = self.events.pop(0)
            if kind == 'pause':
                self.sleeping_until = time.monotonic() + float(more[0])
            else:
                self.now_ms, self.frame = 0, -1

    def publish_joints(self) -> None:
        message = JointState(name=['a', 'b'], position=[self.now_ms / 1000, math.pi])
        message.header.stamp = self.stamp(self.now_ms)
        self.joints.publish(message)

    def publish_picture(self, exposed_ms: int) -> None:
        message = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=WIDTH * 3)
        level = self.frame * 5 % 250
        message.data.frombytes(np.full((HEIGHT, WIDTH, 3), level, np.uint8).tobytes())
        message.header.stamp = self.stamp(exposed_ms)
        self.camera.publish(message)

    def stamp(self, milliseconds: int) -> object:
        message = Clock().clock
        message.sec, message.nanosec = divmod(milliseconds, 1000)
        message.nanosec *= 1_000_000
        return message


def main() -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    simulation = Simulation(float(sys.argv[2]), [event.split(':') for event in sys.argv[3:]])
    end = time.monotonic() + float(sys.argv[1])
    while not stopped and time.monotonic() < end:
        rclpy.spin_once(simulation.node, timeout_sec=0.1)
    simulation.node.destroy_node()
    rclpy.shutdown()


main()
