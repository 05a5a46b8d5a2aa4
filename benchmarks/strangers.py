"""Cameras and joints of strangers, as a process: plain rclpy, nothing of ours is imported.

Publishes a film as serialised ``sensor_msgs/Image`` (or ``CompressedImage``), stamped at the
moment of publishing, and prints when each picture was published as one line of JSON at the end::

    python benchmarks/strangers.py FILM.npy --cameras cam0,cam1 --reliability best_effort
"""

from __future__ import annotations

import argparse
import json
import signal
import struct
import sys
import time

import cv2
import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image, JointState

JOINTS = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')
LITTLE_ENDIAN = b'\x00\x01\x00\x00'


def padded(data: bytes) -> bytes:
    """Return CDR so far, aligned for a number of four bytes."""
    return data + b'\0' * (-len(data) % 4)


def text(value: str) -> bytes:
    """Return a CDR string."""
    data = value.encode() + b'\0'
    return struct.pack('<I', len(data)) + data


class Film:
    """Serialised messages without their stamps, and what is to be done with them."""

    def __init__(self, path: str, quality: int) -> None:
        self.pixels = np.load(path, mmap_mode='r')
        self.kind = CompressedImage if quality else Image
        self.quality = quality
        self._jpegs: dict[int, bytes] = {}

    def message(self, number: int, stamp_ns: int) -> bytes:
        """Return the n-th picture of the endless film as a message."""
        count = len(self.pixels)
        place = number % max(2 * count - 2, 1)
        at = place if place < count else 2 * count - 2 - place
        stamp = struct.pack('<iI', stamp_ns // 10**9, stamp_ns % 10**9)
        head = padded(LITTLE_ENDIAN + stamp + text('camera'))
        if self.quality:
            data = self._jpeg(at)
            return b''.join((padded(head + text('jpeg')), struct.pack('<I', len(data)), data))
        height, width = self.pixels.shape[1:3]
        head += struct.pack('<II', height, width) + text('rgb8') + b'\0'
        step = struct.pack('<II', width * 3, width * 3 * height)
        return b''.join((padded(head), step, self.pixels[at].data))

    def _jpeg(self, at: int) -> bytes:
        if at not in self._jpegs:
            bgr = cv2.cvtColor(np.asarray(self.pixels[at]), cv2.COLOR_RGB2BGR)
            found, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            assert found
            self._jpegs[at] = data.tobytes()
        return self._jpegs[at]


class Strangers:
    """All cameras (and the joints) of one process."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.node = rclpy.create_node(f'strangers_{options.name}', namespace=options.namespace)
        self.film = Film(options.film, options.jpeg)
        reliability = ReliabilityPolicy[options.reliability.upper()]
        qos = QoSProfile(depth=options.depth, reliability=reliability)
        topic = 'image_raw/compressed' if options.jpeg else 'image_raw'
        self.names = [name for name in options.cameras.split(',') if name]
        self.cameras = [
            self.node.create_publisher(self.film.kind, f'{name}/{topic}', qos)
            for name in self.names
        ]
        self.sent: dict[str, list[int]] = {name: [] for name in self.names}
        self.late = 0
        self.period_ns = round(1e9 / options.fps)
        if options.joints:
            self.states = self.node.create_publisher(JointState, 'joint_states', 10)
            self.commands = self.node.create_publisher(JointState, 'joint_commands', 10)
            self.node.create_timer(1 / options.joints, self.publish_joints)

    def publish_joints(self) -> None:
        """Publish what the joints are and what they shall be."""
        now = time.time()
        for number, publisher in enumerate((self.states, self.commands)):
            message = JointState(name=JOINTS)
            message.position = [float(np.sin(now - 0.1 * number + at)) for at in range(6)]
            message.header.stamp.sec = int(now)
            message.header.stamp.nanosec = int(now % 1 * 1e9)
            publisher.publish(message)

    def publish_pictures(self, number: int) -> None:
        """Publish the n-th picture of every camera."""
        for name, camera in zip(self.names, self.cameras, strict=True):
            stamp_ns = time.time_ns()
            camera.publish(self.film.message(number, stamp_ns))
            self.sent[name].append(stamp_ns)

    def run(self, stopped: list[int]) -> None:
        """Publish until told to stop; timers of the node are served in between."""
        number, start_ns = 0, time.monotonic_ns()
        while not stopped:
            left_ns = start_ns + number * self.period_ns - time.monotonic_ns()
            if left_ns > 0 and self.names:
                rclpy.spin_once(self.node, timeout_sec=left_ns / 1e9)
            elif self.names:
                self.late += left_ns < -self.period_ns
                self.publish_pictures(number)
                number += 1
            else:
                rclpy.spin_once(self.node, timeout_sec=0.1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('film')
    parser.add_argument('--name', default='0')
    parser.add_argument('--namespace', default='/lab')
    parser.add_argument('--cameras', default='', help='names, comma between')
    parser.add_argument('--reliability', choices=('best_effort', 'reliable'), default='reliable')
    parser.add_argument('--depth', type=int, default=5, help='of the cameras')
    parser.add_argument('--fps', type=float, default=30.0)
    parser.add_argument('--joints', type=float, default=0.0, help='rate of joint topics [Hz]')
    parser.add_argument('--jpeg', type=int, default=0, help='quality; 0 publishes raw pictures')
    return parser.parse_args()


def main() -> None:
    options = arguments()
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stopped.append(number))
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    strangers = Strangers(options)
    sys.stdout.write('ready\n')
    sys.stdout.flush()
    strangers.run(stopped)
    strangers.node.destroy_node()
    rclpy.shutdown()
    sys.stdout.write(json.dumps({'sent': strangers.sent, 'late': strangers.late}) + '\n')


if __name__ == '__main__':
    main()
