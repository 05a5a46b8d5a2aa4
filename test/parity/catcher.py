"""Writes a bag of some topics, run as a process; nothing of the recorder is in it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image, JointState

TOPICS = {
    '/arm/joint_states': JointState,
    '/arm/joint_commands': JointState,
    '/arm/one/image_raw': Image,
    '/arm/two/image_raw': Image,
}


def main() -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('catcher')
    types = get_typestore(Stores.LATEST)
    with Writer(Path(sys.argv[1]), version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        for topic, kind in TOPICS.items():
            name = f'sensor_msgs/msg/{kind.__name__}'
            connection = bag.add_connection(topic, name, typestore=types)
            node.create_subscription(kind, topic, caught(bag, connection), 200, raw=True)
        while not stopped:
            rclpy.spin_once(node, timeout_sec=0.1)
    node.destroy_node()
    rclpy.shutdown()


def caught(bag: Writer, connection: object) -> object:
    def write(data: bytes, info: dict) -> None:
        bag.write(connection, int(info['received_timestamp']), data)

    return write


main()
