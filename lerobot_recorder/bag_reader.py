"""Bags as raw messages in the order in which they were logged.

Files are read with ``rosbags``; whatever goes wrong in there becomes one BagError.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.messages import RawMessage, standard_types


class BagReader:
    """One bag; a context manager.

    Args:
        path: a rosbag2 folder, one of its files, or a ROS 1 ``.bag``.

    Raises:
        BagError: it is not there, not a bag, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise BagError(f'bag {path} does not exist')
        try:
            self._reader = AnyReader([path], default_typestore=standard_types())
        except Exception as error:
            raise self._damaged(error) from error

    def __enter__(self) -> BagReader:
        """Open the bag.

        Raises:
            BagError: it is damaged.
        """
        try:
            self._reader.open()
        except Exception as error:
            raise self._damaged(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self._reader.close()

    @property
    def types(self) -> Typestore:
        """The message definitions that the bag brings along."""
        return self._reader.typestore

    @property
    def topics(self) -> dict[str, str]:
        """Topic -> message type."""
        return {
            topic: info.msgtype
            for topic, info in self._reader.topics.items()
            if info.msgtype is not None
        }

    @property
    def message_count(self) -> int:
        """Number of messages of all topics."""
        return int(self._reader.message_count)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last message [s]."""
        return float(self._reader.duration) * 1e-9 if self.message_count else 0.0

    def count(self, topics: Collection[str]) -> int:
        """Return the number of messages on some topics."""
        return sum(connection.msgcount for connection in self._connections(topics))

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics in the order in which they were logged.

        Raises:
            BagError: the bag is damaged.
        """
        connections = self._connections(topics)
        if not connections:
            return
        try:
            for connection, stamp_ns, data in self._reader.messages(connections):
                cdr = data if self._reader.is2 else self._to_cdr(data, connection.msgtype)
                yield RawMessage(connection.topic, connection.msgtype, cdr, 0, stamp_ns)
        except Exception as error:
            raise self._damaged(error) from error

    def _connections(self, topics: Collection[str]) -> list[Connection]:
        return [c for c in self._reader.connections if c.topic in topics]

    def _to_cdr(self, data: bytes, msgtype: str) -> bytes:
        return bytes(self._reader.typestore.ros1_to_cdr(data, msgtype))

    def _damaged(self, error: Exception) -> BagError:
        told = ' '.join(str(error).split()) or type(error).__name__
        return BagError(f'bag {self.path} cannot be read: {told}')
