"""What can be done with topics that are not read by their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rosbags.typesys.store import Typestore

from lerobot_drivers.common.naming import ACTION
from lerobot_recorder.draft_entries import Entry, table_name
from lerobot_recorder.facts import tells_fact
from lerobot_recorder.guess import is_command_path
from lerobot_recorder.native_columns import is_kept
from lerobot_recorder.survey import counted

KEPT = 'kept beside the dataset anyway'
BY_PATH = 'numbers of a type of its own, by the paths of its fields'


@dataclass(frozen=True)
class OtherTopic:
    """A topic that is not read by its type.

    Attributes:
        topic: its name.
        msgtype: its type.
        count: its messages.
        paths: where numbers are in them, empty of a standard type.
    """

    topic: str
    msgtype: str
    count: int
    paths: Sequence[str] = ()

    @property
    def told(self) -> str:
        """What is known of it."""
        return f'{counted(self.count)}, {self.msgtype.replace("/msg/", "/")}'

    def entry(self, key: str) -> Entry:
        """Return a feature of its numbers."""
        value = {'topic': self.topic, 'fields': list(self.paths)}
        return Entry(key, value, (self.told, BY_PATH))


@dataclass(frozen=True)
class Others:
    """All of them.

    Attributes:
        actions: what could be an action.
        features: what could be another feature.
        tables: what can be kept beside the dataset, message by message.
        left_out: topic -> why it is in neither.
    """

    actions: tuple[Entry, ...] = ()
    features: tuple[Entry, ...] = ()
    tables: tuple[Entry, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, topics: Sequence[OtherTopic], types: Typestore) -> Others:
        """Return what can be done with them.

        Args:
            topics: the topics.
            types: message definitions that are known.
        """
        by_path = [one for one in topics if one.paths]
        return cls(
            tuple(one.entry(ACTION) for one in by_path if is_command_path(one.topic)),
            tuple(
                one.entry(f'observation.{table_name(one.topic)}')
                for one in by_path
                if not is_command_path(one.topic)
            ),
            tuple(
                Entry(table_name(one.topic), {'topic': one.topic}, (one.told,))
                for one in topics
                if _is_table(one, types)
            ),
            {one.topic: _why_left(one) for one in topics if not _is_table(one, types)},
        )


def decided_of(entries: Sequence[Entry]) -> Entry | None:
    """Return the only one of some entries, an undecided one of several, None of none."""
    if len(entries) < 2:
        return entries[0] if entries else None
    return Entry(entries[0].key, None, (), tuple((e.value or {}, e.told) for e in entries))


def _is_table(one: OtherTopic, types: Typestore) -> bool:
    is_fact = tells_fact(one.topic, one.msgtype)
    return one.count > 0 and not is_fact and is_kept(one.msgtype, types)


def _why_left(one: OtherTopic) -> str:
    if tells_fact(one.topic, one.msgtype):
        return KEPT
    return f'{one.told}: cannot be recorded' if one.count else f'{one.told}: empty'
