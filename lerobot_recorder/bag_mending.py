"""Bags that were not written to their end: their process was killed, or their disk was full.

What is whole of them stays: an mcap up to its last whole chunk, of sqlite what was committed.
``metadata.yaml`` is made of what is then there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rosbags.highlevel import AnyReader
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.rosbag2.metadata import dump_qos_v9

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.dataset import durable
from lerobot_recorder.mcap_sealing import seal
from lerobot_recorder.messages import standard_types

METADATA = 'metadata.yaml'
_ZSTD = b'\x28\xb5\x2f\xfd'
_STORAGES = {'.mcap': 'mcap', '.db3': 'sqlite3'}


def mend(folder: Path, notes: Mapping[str, str]) -> None:
    """Make a bag of what there is of one; one that is whole stays as it is.

    Args:
        folder: the bag's.
        notes: what it is to tell of its episode.

    Raises:
        OSError: the disk refuses.
        BagError: there is nothing in it that can be read.
    """
    if (folder / METADATA).exists():
        return
    found = [path for path in folder.iterdir() if path.suffix in _STORAGES]
    if not found:
        raise BagError(f'bag {folder} holds neither an mcap nor a db3 file')
    (path,) = found
    is_compressed = False
    if path.suffix == '.mcap':
        seal(path)
    else:
        is_compressed = roll_back(path)
    document = {'rosbag2_bagfile_information': _metadata(path, notes, is_compressed)}
    text = yaml.safe_dump(document, sort_keys=False)
    durable.write_bytes(folder / METADATA, text.encode())


def roll_back(path: Path) -> bool:
    """Let sqlite take back what was not committed.

    Returns:
        Whether its messages are compressed one by one.

    Raises:
        BagError: it is no database of messages.
    """
    try:
        connection = sqlite3.connect(path)
        try:
            first = connection.execute('SELECT data FROM messages LIMIT 1').fetchone()
            return first is not None and first[0][: len(_ZSTD)] == _ZSTD
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise BagError(f'{path} cannot be read: {error}') from error


def _metadata(path: Path, notes: Mapping[str, str], compressed: bool) -> dict[str, Any]:
    """Return what ``metadata.yaml`` tells, as rosbag2 has it since version 9."""
    try:
        with AnyReader([path], default_typestore=standard_types()) as reader:
            topics = [
                {
                    'topic_metadata': {
                        'name': connection.topic,
                        'type': connection.msgtype,
                        'serialization_format': connection.ext.serialization_format,
                        'offered_qos_profiles': dump_qos_v9(connection.ext.offered_qos_profiles),
                        'type_description_hash': connection.digest,
                    },
                    'message_count': connection.msgcount,
                }
                for connection in reader.connections
                if isinstance(connection.ext, ConnectionExtRosbag2)
            ]
            count = reader.message_count
            start_ns = reader.start_time if count else 0
            duration_ns = reader.duration if count else 0
    except Exception as error:
        raise BagError(f'{path} cannot be read: {error}') from error
    span = {
        'starting_time': {'nanoseconds_since_epoch': start_ns},
        'duration': {'nanoseconds': duration_ns},
        'message_count': count,
    }
    return {
        'version': 9,
        'storage_identifier': _STORAGES[path.suffix],
        'relative_file_paths': [path.name],
        **span,
        'topics_with_message_count': topics,
        'compression_format': 'zstd' if compressed else '',
        'compression_mode': 'message' if compressed else '',
        'files': [{'path': path.name, **span}],
        'custom_data': dict(notes),
        'ros_distro': 'rosbags',
    }
