"""What rosbags alone reads in a bag, to hold a dataset against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

SECOND_NS = 1_000_000_000
GAP_NS = 100_000_000
Read = Callable[[Any], Sequence[float]]


@dataclass(frozen=True)
class Truth:
    """A feature, and how rosbags alone gives its numbers.

    Attributes:
        topic: the topic.
        read: the numbers of a message that are compared.
        names: what those are called, separated by spaces; of joints, as the messages say.
        columns: which elements of the feature those are.
        by_log: messages are placed by their log time, since their headers are no use.
        is_next: the next value is taken, as of commands; else the line between two.
    """

    topic: str
    read: Read
    names: str = ''
    columns: slice = slice(None)
    by_log: bool = False
    is_next: bool = False


@dataclass(frozen=True)
class Course:
    """Numbers over time: stamps in order, each once [ns], shape (n,); values, shape (n, k)."""

    stamps: np.ndarray
    values: np.ndarray

    def on_line(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values on the line at some times [ns], and where there is no gap."""
        start = self.stamps[0]
        at = (times - start).astype(np.float64)
        line = [np.interp(at, self.stamps - start, column) for column in self.values.T]
        inside = (times >= start) & (times <= self.stamps[-1])
        if len(self.stamps) == 1:
            return np.column_stack(line), inside
        after = np.clip(np.searchsorted(self.stamps, times), 1, len(self.stamps) - 1)
        steps = np.diff(self.stamps)
        whole = steps[after - 1] <= max(GAP_NS, 3 * np.median(steps))
        return np.column_stack(line), whole & inside

    def around(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the last values before some times [ns] and the first at or after them."""
        after = np.searchsorted(self.stamps, times)
        last = len(self.stamps) - 1
        return self.values[np.clip(after - 1, 0, last)], self.values[np.clip(after, 0, last)]


def messages_of(bag: Path, topic: str) -> list[tuple[int, Any]]:
    """Return log time [ns] and message of every message on a topic."""
    store = Stores.ROS1_NOETIC if bag.suffix == '.bag' else Stores.LATEST
    with AnyReader([bag], default_typestore=get_typestore(store)) as reader:
        wanted = [one for one in reader.connections if one.topic == topic]
        return [
            (log_ns, reader.deserialize(data, connection.msgtype))
            for connection, log_ns, data in reader.messages(wanted)
        ]


def header_ns(message: Any) -> int:
    """Return the header stamp of a message [ns]."""
    return message.header.stamp.sec * SECOND_NS + message.header.stamp.nanosec


def course_of(bag: Path, truth: Truth) -> Course:
    """Return the numbers of a topic; of several with one stamp, the first."""
    found = messages_of(bag, truth.topic)
    stamps = [log if truth.by_log else header_ns(message) for log, message in found]
    order, first = np.unique(np.array(stamps, np.int64), return_index=True)
    values = np.array([truth.read(message) for _, message in found], np.float64)
    return Course(order, values[first])


def names_of(bag: Path, truth: Truth) -> list[str]:
    """Return what the elements must be called."""
    if truth.names:
        return truth.names.split()
    joints = messages_of(bag, truth.topic)[0][1]
    named = getattr(joints, 'name', None) or joints.joint_names
    return [f'{name}.pos' for name in named]
