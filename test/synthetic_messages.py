"""ROS messages for tests, made and serialised without ROS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.rosbag2 import StoragePlugin, Writer

from lerobot_recorder.messages import RawMessage, standard_types

TYPES = standard_types()
S = 1_000_000_000
MS = 1_000_000
T0 = 1_700_000_000 * S

JOINT_STATE = 'sensor_msgs/msg/JointState'
IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'


def make(msgtype: str, *fields: Any) -> Any:
    return TYPES.types[msgtype](*fields)


def header(stamp_ns: int) -> Any:
    stamp = make('builtin_interfaces/msg/Time', stamp_ns // S, stamp_ns % S)
    return make('std_msgs/msg/Header', stamp, 'base')


def joint_state(
    stamp_ns: int,
    names: Sequence[str],
    position: Sequence[float],
    velocity: Sequence[float] = (),
) -> Any:
    return make(
        JOINT_STATE,
        header(stamp_ns),
        list(names),
        np.array(position, dtype=np.float64),
        np.array(velocity, dtype=np.float64),
        np.empty(0),
    )


def image(stamp_ns: int, pixels: np.ndarray, encoding: str = 'rgb8', pad: int = 0) -> Any:
    rows = pixels.reshape(pixels.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, pad)), constant_values=99)
    return make(
        IMAGE,
        header(stamp_ns),
        pixels.shape[0],
        pixels.shape[1],
        encoding,
        0,
        padded.shape[1],
        np.ascontiguousarray(padded).ravel(),
    )


def compressed(stamp_ns: int, rgb: np.ndarray, extension: str = 'jpeg') -> Any:
    _, data = cv2.imencode(f'.{extension}', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return make(COMPRESSED_IMAGE, header(stamp_ns), f'{extension}', data.ravel())


def raw(topic: str, message: Any, received_ns: int, source_ns: int = 0) -> RawMessage:
    msgtype = message.__msgtype__
    data = bytes(TYPES.serialize_cdr(message, msgtype))
    return RawMessage(topic, msgtype, data, source_ns, received_ns)


def write_bag(
    path: Path, messages: Iterable[RawMessage], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    connections: dict[str, Any] = {}
    with Writer(path, version=9, storage_plugin=storage) as writer:
        for entry in messages:
            if entry.topic not in connections:
                connections[entry.topic] = writer.add_connection(
                    entry.topic, entry.msgtype, typestore=TYPES
                )
                assert isinstance(connections[entry.topic].ext, ConnectionExtRosbag2)
            writer.write(connections[entry.topic], entry.received_ns, entry.data)
    return path
