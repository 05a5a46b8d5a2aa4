"""One episode as a rosbag2: messages as they came, written while recording.

::

    <dataset>_bags/.recording/<uuid>/    being written, or left by somebody who was killed
    <dataset>_bags/<uuid>/               of an episode that is durable: metadata.yaml, <uuid>.mcap

The bag lies beside the dataset, never in it: LeRobot globs the dataset's folders, and the hub
gets all of it. Its name is the episode's uuid, which stays when episodes are renumbered.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder import bag_leftovers, bag_mending
from lerobot_recorder.bag_config import BagConfig, Compression, Storage
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.dataset import durable
from lerobot_recorder.messages import RawMessage

FLUSH_NS = NS_PER_S
"""So often what came is handed to the operating system: a kill takes no more than that [ns]."""
SYNC_BYTES = 64 << 20
"""After so much the disk has to have it: what a power cut can take stays bounded."""
BAG_FAULTS = (OSError, sqlite3.Error, WriterError)
_PLUGINS = {Storage.MCAP: StoragePlugin.MCAP, Storage.SQLITE3: StoragePlugin.SQLITE3}
_COMPRESSED = {Storage.MCAP: CompressionMode.STORAGE, Storage.SQLITE3: CompressionMode.MESSAGE}
"""How ``zstd`` is done: chunk by chunk where the storage can, else message by message."""


class EpisodeBag:
    """Writes a bag; everything of it is called in one thread.

    Args:
        folder: of all bags of the dataset.
        uuid: of the episode.
        config: how the bag is to be.
        types: definitions of messages.

    Raises:
        OSError, sqlite3.Error, WriterError: the disk refuses; so do the other methods.
    """

    def __init__(self, folder: Path, uuid: str, config: BagConfig, types: MessageTypes) -> None:
        self._running, self._final = folder / bag_leftovers.RUNNING / uuid, folder / uuid
        self._types = types
        self._connections: dict[tuple[str, str], Connection] = {}
        self._unsynced, self._flushed_ns = 0, 0
        durable.make_folders(self._running.parent)
        self._writer = Writer(
            self._running, version=Writer.VERSION_LATEST, storage_plugin=_PLUGINS[config.storage]
        )
        if config.compression is not Compression.NONE:
            self._writer.set_compression(_COMPRESSED[config.storage], CompressionFormat.ZSTD)
        self._writer.open()
        self._lock = bag_leftovers.lock(self._running)

    def write(self, raw: RawMessage, offered: Sequence[Qos]) -> None:
        """Add a message at the time of its arrival.

        Args:
            raw: the message.
            offered: what its publishers offer, for the first message of a topic.
        """
        key = (raw.topic, raw.msgtype)
        if key not in self._connections:
            known = self._types.definition(raw.msgtype)
            self._connections[key] = self._writer.add_connection(
                raw.topic,
                raw.msgtype,
                msgdef=known.text,
                rihs01=known.digest,
                offered_qos_profiles=offered,
            )
        self._writer.write(self._connections[key], raw.received_ns, raw.data)
        self._unsynced += len(raw.data)
        is_much = self._unsynced >= SYNC_BYTES
        if is_much or raw.received_ns >= self._flushed_ns + FLUSH_NS:
            self._flushed_ns = raw.received_ns
            self._flush(is_much)

    def finish(self, notes: Mapping[str, str]) -> None:
        """Close the bag of an episode that is durable, and give it its name.

        Args:
            notes: what it tells of its episode.
        """
        for key, value in notes.items():
            self._writer.set_custom_data(key, value)
        self._writer.close()
        self._place()

    def salvage(self, notes: Mapping[str, str]) -> None:
        """Do the same with what there is of a bag that could not be written to its end.

        Raises:
            BagError: nothing of it can be read.
        """
        self._abort()
        bag_mending.mend(self._running, notes)
        self._place()

    def leave(self) -> None:
        """Write no more; what there is stays where it is, for a mending."""
        self._abort()
        os.close(self._lock)

    def discard(self) -> None:
        """Remove the bag."""
        self.leave()
        durable.remove_tree(self._running)

    def _abort(self) -> None:
        with contextlib.suppress(*BAG_FAULTS):
            self._writer.abort()

    def _place(self) -> None:
        bag_leftovers.put_in_place(self._running, self._final)
        os.close(self._lock)

    def _flush(self, to_disk: bool) -> None:
        storage = self._writer.storage
        if isinstance(storage, Sqlite3Writer):
            storage.conn.commit()
        elif isinstance(storage, McapWriter):
            if storage.chunk.msgs:
                storage.close_chunk()
            storage.bio.flush()
            if to_disk:
                durable.sync_file(storage.path)
        if to_disk:
            self._unsynced = 0
