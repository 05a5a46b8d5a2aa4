"""A first mapping from what was heard in a graph: what is clear is taken, the rest is laid out.

Nothing is picked where the choice is not clear: such a feature stays undecided, with all its
candidates beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.naming import (
    ACTION,
    IMAGES_PREFIX,
    JOINT_COMMANDS_SENT,
    OBSERVATION_STATE,
    image_key,
)
from lerobot_recorder.fixed_messages import LAYOUTS
from lerobot_recorder.guess import (
    COMMAND_NAMES,
    NONE,
    TopicHints,
    action_candidates,
    guess_cameras,
    is_depth,
    named_topic,
    namespace_of,
    state_candidates,
    topic_of,
)
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.presets import Chosen
from lerobot_recorder.suggested_rate import suggest_fps
from lerobot_recorder.survey import SeenTopic

FAST_HZ = 100.0
"""Stamped numbers faster than this that no feature needs are kept at their native rate [1/s]."""
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


@dataclass(frozen=True)
class Draft:
    """A first mapping.

    Attributes:
        fps: rows per second that fit.
        why_fps: why they fit.
        features: the features.
        native: the tables beside the dataset.
        left_out: topic -> why it is in neither.
        robot_type: LeRobot's name of the robot, if a preset knows it.
    """

    fps: int
    why_fps: str
    features: tuple[Entry, ...]
    native: tuple[Entry, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    robot_type: str | None = None

    @property
    def undecided(self) -> list[str]:
        """The features that the user must decide."""
        return [entry.key for entry in self.features if entry.value is None]


def make_draft(seen: Seen, hints: TopicHints, chosen: Chosen) -> Draft:
    """Return the draft of a graph.

    Args:
        seen: topic -> what was heard.
        hints: what the user said.
        chosen: what presets make of it.

    Raises:
        StreamError: a topic that the user named is not there.
    """
    state = _state(seen, hints, chosen)
    action = _action(seen, hints, chosen, state)
    cameras = _cameras(seen, hints, chosen)
    others = [
        _entry(key, entry, seen)
        for key, entry in chosen.features.items()
        if key not in (OBSERVATION_STATE, ACTION) and not key.startswith(IMAGES_PREFIX)
    ]
    features = [entry for entry in (state, action) if entry is not None] + others + cameras
    native = [_entry(name, entry, seen) for name, entry in chosen.native.items()]
    used = _topics([*features, *native])
    fast = [one for topic, one in seen.items() if topic not in used and _is_fast(one)]
    native += [Entry(_table(one.topic), {'topic': one.topic}, (one.told,)) for one in fast]
    used |= _topics(native)
    left = {topic: _why_left(one) for topic, one in seen.items() if topic not in used}
    fps, why = suggest_fps([seen[t] for t in _topics(cameras) if t in seen], _first(state, seen))
    return Draft(fps, why, tuple(features), tuple(native), left, chosen.robot_type)


def _state(seen: Seen, hints: TopicHints, chosen: Chosen) -> Entry | None:
    topics = _types(seen)
    named = named_topic(topics, hints.state, 'state')
    if named is not None:
        return _entry(OBSERVATION_STATE, {'topic': named}, seen, said='as you said')
    if OBSERVATION_STATE in chosen.features:
        return _entry(OBSERVATION_STATE, chosen.features[OBSERVATION_STATE], seen)
    of_joints = [
        topic
        for topic, msgtype in topics.items()
        if msgtype == JOINT_STATE and not topic.endswith(COMMAND_NAMES)
    ]
    return _clear(OBSERVATION_STATE, state_candidates(topics) or of_joints, seen)


def _action(seen: Seen, hints: TopicHints, chosen: Chosen, state: Entry | None) -> Entry | None:
    if hints.action == NONE:
        return None
    topics, beside = _types(seen), _first(state, seen)
    named = named_topic(topics, hints.action, 'action')
    if named is not None:
        return _entry(ACTION, {'topic': named}, seen, beside, 'as you said')
    if ACTION in chosen.features:
        return _entry(ACTION, chosen.features[ACTION], seen, beside)
    found = action_candidates(topics, beside.topic if beside else '')
    return _clear(ACTION, found, seen, beside)


def _clear(
    key: str, found: Sequence[str], seen: Seen, beside: SeenTopic | None = None
) -> Entry | None:
    """Return the only candidate, an undecided entry of several, None of none."""
    heard = [topic for topic in found if seen[topic].problem is None]
    if len(heard or found) == 1:
        return _entry(key, {'topic': (heard or found)[0]}, seen, beside)
    if not found:
        return None
    made = [_entry(key, {'topic': topic}, seen, beside or _near(topic, seen)) for topic in found]
    candidates = tuple((entry.value or {}, '; '.join(entry.comments)) for entry in made)
    return Entry(key, None, (), candidates)


def _cameras(seen: Seen, hints: TopicHints, chosen: Chosen) -> list[Entry]:
    topics = _types(seen)
    known = {key: e for key, e in chosen.features.items() if key.startswith(IMAGES_PREFIX)}
    if hints.cameras is not None:
        for camera, topic in hints.cameras.items():
            named_topic(topics, topic, f'cameras.{camera}')
        known = {image_key(camera): {'topic': topic} for camera, topic in hints.cameras.items()}
    if known:
        return [_entry(key, entry, seen) for key, entry in known.items()]
    return [
        _entry(image_key(camera), {'topic': topic}, seen)
        for camera, topic in guess_cameras(topics).items()
        if seen[topic].problem is None
    ]


def _entry(
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
    names = one.msgtype not in LAYOUTS and not one.is_picture and 'sources' not in value
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
    if one.fields:
        comments.append(f'there too: {", ".join(one.fields)} (a source each, with field: NAME)')
    return Entry(key, value, tuple(comments))


def _near(topic: str, seen: Seen) -> SeenTopic | None:
    """Return the joint states in the namespace that a topic of commands is in, or below."""
    states = [
        state
        for state in state_candidates(_types(seen))
        if topic.startswith(f'{namespace_of(state)}/')
    ]
    return seen[max(states, key=len)] if states else None


def _types(seen: Seen) -> dict[str, str]:
    return {topic: one.msgtype for topic, one in seen.items()}


def _first(entry: Entry | None, seen: Seen) -> SeenTopic | None:
    return seen.get(topic_of(entry.value)) if entry and entry.value else None


def _topics(entries: Sequence[Entry]) -> set[str]:
    """Return the topics of entries, those of undecided ones too."""
    values = [entry.value for entry in entries if entry.value]
    values += [value for entry in entries for value, _ in entry.candidates]
    sources = [source for value in values for source in value.get('sources', [value])]
    return {str(source['topic']) for source in sources}


def _is_fast(one: SeenTopic) -> bool:
    return one.msgtype in LAYOUTS and one.rate_hz is not None and one.rate_hz > FAST_HZ


def _why_left(one: SeenTopic) -> str:
    if one.problem is not None:
        return one.problem
    if one.is_picture:
        depth = one.is_depth or is_depth(one.topic)
        return 'depth' if depth else 'another transport of a camera, or one you left out'
    is_sent = one.topic.rpartition('/')[2] == JOINT_COMMANDS_SENT
    return 'kept beside the dataset anyway' if is_sent else 'neither state nor action'


def _table(topic: str) -> str:
    return re.sub(r'\W+', '_', topic.strip('/'), flags=re.ASCII)
