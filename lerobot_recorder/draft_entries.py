"""What a draft is made of: features with what was heard of their topics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_recorder.fixed_messages import LAYOUTS
from lerobot_recorder.guess import topic_of
from lerobot_recorder.numeric_fields import JOINT_TRAJECTORY, PATHS
from lerobot_recorder.survey import SeenTopic

Seen = Mapping[str, SeenTopic]


@dataclass(frozen=True)
class Entry:
    """One feature, or table, of the draft.

    Attributes:
        key: its name.
        value: what a mapping file holds of it, None if it is not decided.
        comments: what was heard and what was assumed.
        candidates: what else it could be, each with what was heard of it.
    """

    key: str
    value: dict[str, Any] | None
    comments: tuple[str, ...] = ()
    candidates: tuple[tuple[dict[str, Any], str], ...] = ()

    @property
    def told(self) -> str:
        """What was heard and assumed, in one line."""
        return '; '.join(self.comments)

    @property
    def sources(self) -> list[dict[str, Any]]:
        """What it is made of, or could be, topic by topic."""
        values = [self.value] if self.value else []
        values += [value for value, _ in self.candidates]
        return [source for value in values for source in value.get('sources', [value])]

    @property
    def topics(self) -> set[str]:
        """The topics it is made of, or could be."""
        return {str(source['topic']) for source in self.sources}


def make_entry(
    key: str,
    value: dict[str, Any],
    seen: Seen,
    beside: SeenTopic | None = None,
    said: str = '',
) -> Entry:
    """Return a feature with the joints as they were seen, and what was heard of its topic.

    Args:
        key: the feature.
        value: what is known of it.
        seen: topic -> what was heard.
        beside: the robot's state, whose joints an array without names is taken to have.
        said: where its topic comes from.
    """
    one = seen.get(topic_of(value))
    if one is None:
        return Entry(key, value, ('nobody published it',))
    comments = [one.told, *([said] if said else [])]
    names = one.msgtype not in (*LAYOUTS, *PATHS) and not one.is_picture and 'sources' not in value
    if names and one.joints and 'joints' not in value:
        if one.has_names:
            value = {**value, 'joints': list(one.joints)}
        elif beside and beside.joints and len(beside.joints) == len(one.joints):
            value = {**value, 'joints': list(beside.joints)}
            comments.append(
                f'assumed: its values are in the order of {beside.topic}; compare with the '
                "controller's parameter joints"
            )
        else:
            comments.append('its values have no names: give them with joints: [...]')
    if one.msgtype == JOINT_TRAJECTORY:
        comments.append('the first point of each; field: last.position takes its goal')
    if one.fields:
        comments.append(f'there too: {", ".join(one.fields)} (a source each, with field: NAME)')
    return Entry(key, value, tuple(comments))


def types_of(seen: Seen) -> dict[str, str]:
    """Return topic -> type of what was heard."""
    return {topic: one.msgtype for topic, one in seen.items()}


def topics_of(entries: Sequence[Entry]) -> set[str]:
    """Return the topics of entries, those of undecided ones too."""
    return set[str]().union(*(entry.topics for entry in entries))


def table_name(topic: str) -> str:
    """Return a topic's name as one of a table, or of a feature."""
    return re.sub(r'\W+', '_', topic.strip('/'), flags=re.ASCII)
