"""Bags in every format that is read, small, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from synthetic_messages import MS, T0, TYPES, joint_state, make, raw, write_bag

from lerobot_recorder.messages import RawMessage

Packing = Ros1Writer.CompressionFormat
ROS1 = get_typestore(Stores.ROS1_NOETIC)
Maker = Callable[[Path, Sequence[RawMessage]], Path]


def some_messages(count: int = 60) -> list[RawMessage]:
    """Return messages of three topics in the order of their times, some of them equal."""
    layout = make('std_msgs/msg/MultiArrayLayout', [], 0)
    pixels = make('std_msgs/msg/UInt8MultiArray', layout, np.arange(4000, dtype=np.uint8))
    found = []
    for number in range(count):
        at = T0 + number * 10 * MS
        found.append(raw('/joints', joint_state(at, ['a', 'b'], [number, -number]), at))
        if number % 3 == 0:
            text = make('std_msgs/msg/String', f'message {number}')
            found.append(raw('/text', text, at))
        if number % 5 == 0:
            found.append(raw('/pixels', pixels, at))
    return found


def mcap(
    path: Path,
    messages: Iterable[RawMessage],
    compression: CompressionType = CompressionType.NONE,
    chunk_size: int = 8000,
    **options: Any,
) -> Path:
    """Write an mcap file as rosbag2 does, by the library of its inventors."""
    writer = McapWriter(
        str(path), compression=compression, chunk_size=chunk_size, enable_crcs=True, **options
    )
    writer.start(profile='ros2', library='test')
    channels: dict[str, int] = {}
    for message in messages:
        if message.topic not in channels:
            text, _ = TYPES.generate_msgdef(message.msgtype, ros_version=2)
            schema = writer.register_schema(message.msgtype, 'ros2msg', text.encode())
            channels[message.topic] = writer.register_channel(message.topic, 'cdr', schema)
        writer.add_message(
            channels[message.topic], message.received_ns, message.data, message.received_ns
        )
    writer.finish()
    return path


def sqlite(path: Path, messages: Sequence[RawMessage]) -> Path:
    """Write a sqlite3 file of a rosbag2."""
    folder = write_bag(path.with_suffix('.folder'), messages, StoragePlugin.SQLITE3)
    next(folder.glob('*.db3')).rename(path)
    return path


def packed(
    path: Path, messages: Iterable[RawMessage], storage: StoragePlugin, mode: CompressionMode
) -> Path:
    """Write a rosbag2 folder that is compressed."""
    with_compression = Writer(path, version=9, storage_plugin=storage)
    with_compression.set_compression(mode, CompressionFormat.ZSTD)
    connections = {}
    with with_compression as writer:
        for one in messages:
            if one.topic not in connections:
                connections[one.topic] = writer.add_connection(
                    one.topic, one.msgtype, typestore=TYPES
                )
            writer.write(connections[one.topic], one.received_ns, one.data)
    return path


def ros1(
    path: Path,
    messages: Iterable[RawMessage],
    compression: Packing | None = None,
) -> Path:
    """Write a ROS 1 bag of several chunks."""
    bag = Ros1Writer(path)
    bag.chunk_threshold = 8000
    if compression is not None:
        bag.set_compression(compression)
    connections = {}
    with bag as writer:
        for one in messages:
            if one.topic not in connections:
                connections[one.topic] = writer.add_connection(
                    one.topic, one.msgtype, typestore=ROS1
                )
            data = TYPES.cdr_to_ros1(one.data, one.msgtype)
            writer.write(connections[one.topic], one.received_ns, data)
    return path


MAKERS: dict[str, Maker] = {
    'mcap none': lambda folder, some: mcap(folder / 'a.mcap', some),
    'mcap zstd': lambda folder, some: mcap(folder / 'a.mcap', some, CompressionType.ZSTD),
    'mcap lz4': lambda folder, some: mcap(folder / 'a.mcap', some, CompressionType.LZ4),
    'mcap unchunked': lambda folder, some: mcap(folder / 'a.mcap', some, use_chunking=False),
    'mcap unindexed': lambda folder, some: mcap(
        folder / 'a.mcap', some, CompressionType.ZSTD, index_types=IndexType.NONE
    ),
    'mcap bare summary': lambda folder, some: mcap(
        folder / 'a.mcap', some, repeat_channels=False, repeat_schemas=False, use_statistics=False
    ),
    'mcap of rosbags': lambda folder, some: write_bag(folder / 'a', some),
    'mcap file zstd': lambda folder, some: packed(
        folder / 'a', some, StoragePlugin.MCAP, CompressionMode.FILE
    ),
    'mcap message zstd': lambda folder, some: packed(
        folder / 'a', some, StoragePlugin.MCAP, CompressionMode.MESSAGE
    ),
    'sqlite3': lambda folder, some: write_bag(folder / 'a', some, StoragePlugin.SQLITE3),
    'sqlite3 file zstd': lambda folder, some: packed(
        folder / 'a', some, StoragePlugin.SQLITE3, CompressionMode.FILE
    ),
    'sqlite3 message zstd': lambda folder, some: packed(
        folder / 'a', some, StoragePlugin.SQLITE3, CompressionMode.MESSAGE
    ),
    'ros1': lambda folder, some: ros1(folder / 'a.bag', some),
    'ros1 bz2': lambda folder, some: ros1(folder / 'a.bag', some, Packing.BZ2),
    'ros1 lz4': lambda folder, some: ros1(folder / 'a.bag', some, Packing.LZ4),
}
