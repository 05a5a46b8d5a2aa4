"""Several topics that are one feature together: two arms, an arm and its gripper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lerobot_recorder.draft_entries import Entry, Seen
from lerobot_recorder.guess import topic_of
from lerobot_recorder.numeric_fields import element_name
from lerobot_recorder.source_config import POSITION


def joined(candidates: Sequence[Entry], seen: Seen) -> dict[str, Any] | None:
    """Return one feature of several candidates, None where they cannot be one.

    Elements of one name on two topics get the word in front by which the topics differ, such
    as ``left``.

    Args:
        candidates: of one topic each.
        seen: topic -> what was heard.
    """
    values = [entry.value for entry in candidates if entry.value]
    joints = [_joints(value, seen) for value in values]
    if len(values) < 2 or not all(joints):
        return None
    words = _words([topic_of(value) for value in values])
    listed = [joint for some in joints for joint in some]
    if len(set(listed)) == len(listed) and not any(joint.isdigit() for joint in listed):
        return {'sources': values}
    named = [
        {**value, 'names': [_name(word, joint, value) for joint in some]}
        for word, some, value in zip(words, joints, values, strict=True)
    ]
    names = [name for value in named for name in value['names']]
    return {'sources': named} if len(set(names)) == len(names) else None


def _joints(value: dict[str, Any], seen: Seen) -> list[str]:
    return list(value.get('joints') or seen[topic_of(value)].joints or ())


def _name(word: str, joint: str, value: dict[str, Any]) -> str:
    name = f'{word}_{joint}' if word and not joint.startswith(f'{word}_') else joint
    return element_name(name, value.get('field', POSITION))


def _words(topics: Sequence[str]) -> list[str]:
    """Return of each topic what it does not share with all others, as one word.

    That is a word of its namespace, unless those are alike.
    """
    parts = [topic.strip('/').split('/') for topic in topics]
    spaces = _own([some[:-1] for some in parts])
    return spaces if len(set(spaces)) == len(spaces) else _own(parts)


def _own(parts: Sequence[Sequence[str]]) -> list[str]:
    shared = set(parts[0]).intersection(*parts)
    return ['_'.join(part for part in some if part not in shared) for some in parts]
