"""A first mapping from what was heard: what is clear is taken, the rest is laid out.

Nothing is picked where the choice is not clear: such a feature stays undecided, with all its
candidates beside it.
"""

from __future__ import annotations

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
from lerobot_recorder.draft_arms import joined
from lerobot_recorder.draft_entries import (
    Entry,
    Seen,
    make_entry,
    table_name,
    topics_of,
    types_of,
)
from lerobot_recorder.draft_extras import (
    controller_actions,
    extras,
    next_state,
    usual_state,
    worth_alone,
)
from lerobot_recorder.draft_others import KEPT, Others, decided_of
from lerobot_recorder.fixed_messages import LAYOUTS
from lerobot_recorder.guess import (
    COMMAND_NAMES,
    NONE,
    TopicHints,
    action_candidates,
    guess_cameras,
    is_depth,
    likely_actions,
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
NO_JOINTS = 'assumed: the state, since no topic holds joint states'
NO_COMMANDS = 'assumed: what its controller was asked for, since no topic holds commands'


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
        optional: features that it could have too.
        tables: tables that could be beside it too.
    """

    fps: int
    why_fps: str
    features: tuple[Entry, ...]
    native: tuple[Entry, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    robot_type: str | None = None
    optional: tuple[Entry, ...] = ()
    tables: tuple[Entry, ...] = ()

    @property
    def undecided(self) -> list[str]:
        """The features that the user must decide."""
        return [entry.key for entry in self.features if entry.value is None]


def make_draft(
    seen: Seen, hints: TopicHints, chosen: Chosen, others: Others | None = None
) -> Draft:
    """Return the draft of a graph or a bag.

    Args:
        seen: topic -> what was heard.
        hints: what the user said.
        chosen: what presets make of it.
        others: what is there and makes no feature.

    Raises:
        StreamError: a topic that the user named is not there.
    """
    others = others or Others()
    state = _state(seen, hints, chosen)
    action = _action(seen, hints, chosen, state)
    if action is None and hints.action != NONE:
        action = decided_of(others.actions)
    cameras = _cameras(seen, hints, chosen)
    features = [entry for entry in (state, action) if entry is not None]
    features += [
        make_entry(key, entry, seen)
        for key, entry in chosen.features.items()
        if key not in (OBSERVATION_STATE, ACTION) and not key.startswith(IMAGES_PREFIX)
    ]
    features += cameras
    native = _native(seen, chosen, topics_of(features)) if features else []
    optional = [*extras(seen, topics_of([*features, *native])), *others.features]
    if not features:
        features = [entry for entry in optional if worth_alone(entry, seen)]
        optional = [entry for entry in optional if entry not in features]
    leading = [seen[t] for entry in features[:1] for t in sorted(entry.topics) if t in seen]
    fps, why = suggest_fps(
        [seen[t] for t in topics_of(cameras) if t in seen], leading[0] if leading else None
    )
    if action is None and hints.action != NONE and state is not None:
        optional = [entry for entry in (next_state(state, fps),) if entry is not None] + optional
    left = _left_out(seen, topics_of([*features, *native, *optional]), others.left_out)
    return Draft(fps, why, tuple(features), tuple(native), left, chosen.robot_type,
                 tuple(optional), others.tables)  # fmt: skip


def _native(seen: Seen, chosen: Chosen, used: set[str]) -> list[Entry]:
    native = [make_entry(name, entry, seen) for name, entry in chosen.native.items()]
    used = used | topics_of(native)
    fast = [one for topic, one in seen.items() if topic not in used and _is_fast(one)]
    return native + [
        Entry(table_name(one.topic), {'topic': one.topic}, (one.told,)) for one in fast
    ]


def _left_out(seen: Seen, used: set[str], others: Mapping[str, str]) -> dict[str, str]:
    left = {topic: _why_left(one) for topic, one in seen.items() if topic not in used}
    return {**left, **others}


def _state(seen: Seen, hints: TopicHints, chosen: Chosen) -> Entry | None:
    topics = types_of(seen)
    named = named_topic(topics, hints.state, 'state')
    if named is not None:
        return make_entry(OBSERVATION_STATE, {'topic': named}, seen, said='as you said')
    if OBSERVATION_STATE in chosen.features:
        return make_entry(OBSERVATION_STATE, chosen.features[OBSERVATION_STATE], seen)
    of_joints = [
        topic
        for topic, msgtype in topics.items()
        if msgtype == JOINT_STATE and not topic.endswith(COMMAND_NAMES)
    ]
    found = state_candidates(topics) or of_joints
    clear = _clear(OBSERVATION_STATE, _as_values(found), seen)
    return clear or _clear(OBSERVATION_STATE, usual_state(seen), seen, said=NO_JOINTS)


def _action(seen: Seen, hints: TopicHints, chosen: Chosen, state: Entry | None) -> Entry | None:
    if hints.action == NONE:
        return None
    topics, beside = types_of(seen), _first(state, seen)
    named = named_topic(topics, hints.action, 'action')
    if named is not None:
        return make_entry(ACTION, {'topic': named}, seen, beside, 'as you said')
    if ACTION in chosen.features:
        return make_entry(ACTION, chosen.features[ACTION], seen, beside)
    of_state = beside.topic if beside else ''
    found = action_candidates(topics, of_state) or likely_actions(topics, of_state)
    clear = _clear(ACTION, _as_values(found), seen, beside)
    return clear or _clear(ACTION, controller_actions(seen), seen, beside, NO_COMMANDS)


def _as_values(topics: Sequence[str]) -> list[dict[str, Any]]:
    return [{'topic': topic} for topic in topics]


def _clear(
    key: str,
    found: Sequence[dict[str, Any]],
    seen: Seen,
    beside: SeenTopic | None = None,
    said: str = '',
) -> Entry | None:
    """Return the only candidate, an undecided entry of several, None of none."""
    heard = [value for value in found if seen[value['topic']].problem is None]
    if len(heard or found) == 1:
        return make_entry(key, (heard or found)[0], seen, beside, said)
    if not found:
        return None
    shortest_first = sorted(found, key=lambda one: (one['topic'].count('/'), one['topic']))
    made = [
        make_entry(key, value, seen, beside or _near(value['topic'], seen), said)
        for value in shortest_first
    ]
    candidates = [(entry.value or {}, entry.told) for entry in made]
    usable = {value['topic'] for value in heard}
    together = joined([entry for entry in made if entry.topics <= usable], seen)
    candidates += [(together, 'all of these together, as of one robot')] if together else []
    return Entry(key, None, (), tuple(candidates))


def _cameras(seen: Seen, hints: TopicHints, chosen: Chosen) -> list[Entry]:
    topics = types_of(seen)
    known = {key: e for key, e in chosen.features.items() if key.startswith(IMAGES_PREFIX)}
    if hints.cameras is not None:
        for camera, topic in hints.cameras.items():
            named_topic(topics, topic, f'cameras.{camera}')
        known = {image_key(camera): {'topic': topic} for camera, topic in hints.cameras.items()}
    if known:
        return [make_entry(key, entry, seen) for key, entry in known.items()]
    return [
        make_entry(image_key(camera), {'topic': topic}, seen)
        for camera, topic in guess_cameras(topics).items()
        if seen[topic].problem is None
    ]


def _near(topic: str, seen: Seen) -> SeenTopic | None:
    """Return the joint states in the namespace that a topic of commands is in, or below."""
    states = [
        state
        for state in state_candidates(types_of(seen))
        if topic.startswith(f'{namespace_of(state)}/')
    ]
    return seen[max(states, key=len)] if states else None


def _first(entry: Entry | None, seen: Seen) -> SeenTopic | None:
    return seen.get(topic_of(entry.value)) if entry and entry.value else None


def _is_fast(one: SeenTopic) -> bool:
    return one.msgtype in LAYOUTS and one.rate_hz is not None and one.rate_hz > FAST_HZ


def _why_left(one: SeenTopic) -> str:
    if one.problem is not None:
        return one.problem
    if one.is_picture:
        depth = one.is_depth or is_depth(one.topic)
        return 'depth' if depth else 'another transport of a camera, or one you left out'
    is_sent = one.topic.rpartition('/')[2] == JOINT_COMMANDS_SENT
    return KEPT if is_sent else 'neither state nor action'
