"""A first mapping from the topics that are there, live or in a bag.

Names follow the conventions of ROS drivers; what is not clear is asked for, never
picked at random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.naming import (
    ACTION,
    IMAGES_PREFIX,
    JOINT_COMMANDS_SENT,
    OBSERVATION_STATE,
    image_key,
)
from lerobot_recorder.depth_images import says_depth
from lerobot_recorder.images import COMPRESSED_IMAGE, IMAGE_TYPES
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.numeric_fields import JOINT_TRAJECTORY, READERS

NONE = 'none'
COMMAND_NAMES = ('joint_commands', 'joint_command', 'commands', 'joint_trajectory')
_TRANSPORTS = ('compressed', 'compressedDepth', 'theora', 'zstd', 'ffmpeg')
_IMAGE_NAMES = ('image_raw', 'image_rect_raw', 'image_rect', 'image_color', 'image_mono', 'image')
_SOURCES = ('teleop', 'policy')
_LIKE_COMMANDS = re.compile(
    r'(^|_)(cmds?|commands?|targets?|goals?|setpoints?|desired|actions?)(_|$)', re.IGNORECASE
)
"""Less certain names of commands, asked only where there is none of the usual ones."""


@dataclass(frozen=True)
class TopicHints:
    """What the user said about topics; the rest is guessed.

    Attributes:
        state: topic of ``observation.state``.
        action: topic of ``action``, or ``none`` to record without one.
        cameras: camera name -> topic; None takes every image topic.
    """

    state: str | None = None
    action: str | None = None
    cameras: Mapping[str, str] | None = field(default=None)


def guess_features(
    topics: Mapping[str, str],
    hints: TopicHints,
    known: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return features, each with its topic, as a mapping file holds them.

    Args:
        topics: topic -> message type of what is there.
        hints: what the user said.
        known: features that need no guess, of a preset; what the user said comes first.

    Raises:
        StreamError: a topic named is not there, or what to take is not clear.
    """
    known = known or {}
    features = {OBSERVATION_STATE: _state(topics, hints, known)}
    if hints.action != NONE:
        features[ACTION] = _action(topics, hints, known, topic_of(features[OBSERVATION_STATE]))
    pictures = {key: entry for key, entry in known.items() if key.startswith(IMAGES_PREFIX)}
    if hints.cameras is not None or not pictures:
        cameras = guess_cameras(topics) if hints.cameras is None else hints.cameras
        for camera, topic in cameras.items():
            named_topic(topics, topic, f'cameras.{camera}')
        pictures = {image_key(camera): {'topic': topic} for camera, topic in cameras.items()}
    taken = {*features, *pictures, ACTION}
    rest = {k: e for k, e in known.items() if k not in taken and not k.startswith(IMAGES_PREFIX)}
    return {**features, **rest, **pictures}


def topic_of(entry: Mapping[str, Any]) -> str:
    """Return the first topic of a feature as a mapping file holds it."""
    return str(entry['topic'] if 'topic' in entry else entry['sources'][0]['topic'])


def guess_cameras(topics: Mapping[str, str]) -> dict[str, str]:
    """Return camera name -> topic for every camera, raw images before compressed ones."""
    by_camera: dict[str, str] = {}
    images = [topic for topic, msgtype in topics.items() if msgtype in IMAGE_TYPES]
    for topic in sorted(images, key=lambda topic: (topics[topic] == COMPRESSED_IMAGE, topic)):
        if not is_depth(topic):
            by_camera.setdefault('/'.join(_camera_parts(topic)), topic)
    short = {parts: parts.rsplit('/', 1)[-1] for parts in by_camera}
    doubled = len(set(short.values())) < len(short)
    return {
        (parts.replace('/', '_') if doubled else short[parts]): topic
        for parts, topic in by_camera.items()
    }


def camera_of(topic: str) -> str:
    """Return the namespace of the camera that an image topic belongs to."""
    return '/' + '/'.join(_camera_parts(topic))


def namespace_of(topic: str) -> str:
    """Return the namespace of a topic, without a slash at its end."""
    return topic.rpartition('/')[0]


def _state(
    topics: Mapping[str, str], hints: TopicHints, known: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    if hints.state is None and OBSERVATION_STATE in known:
        return known[OBSERVATION_STATE]
    named = named_topic(topics, hints.state, 'state')
    return {'topic': named or _only(state_candidates(topics), 'joint states', 'state', topics)}


def _action(
    topics: Mapping[str, str], hints: TopicHints, known: Mapping[str, dict[str, Any]], state: str
) -> dict[str, Any]:
    if hints.action is None and ACTION in known:
        return known[ACTION]
    named = named_topic(topics, hints.action, 'action')
    return {
        'topic': named or _only(action_candidates(topics, state), 'commands', 'action', topics)
    }


def state_candidates(topics: Mapping[str, str]) -> list[str]:
    """Return the topics that look like the joint states of a robot that is watched."""
    states = [
        t for t, msgtype in topics.items() if msgtype == JOINT_STATE and _last(t) == 'joint_states'
    ]
    followers = [topic for topic in states if 'leader' not in topic]
    return followers or states


def action_candidates(topics: Mapping[str, str], state: str) -> list[str]:
    """Return the topics that look like its commands: those beside its state, if there are any."""
    usable = [topic for topic, msgtype in topics.items() if msgtype in READERS and topic != state]
    commands = [topic for topic in usable if _last(topic) in COMMAND_NAMES]
    merged = [topic for topic in commands if _parts(topic)[-2:-1] not in ([s] for s in _SOURCES)]
    here = [topic for topic in merged if _parts(topic)[:-1] == _parts(state)[:-1]]
    leaders = [topic for topic in usable if _last(topic) == 'joint_states' and 'leader' in topic]
    return here or merged or commands or leaders


def likely_actions(topics: Mapping[str, str], state: str) -> list[str]:
    """Return the topics that could be commands by a name or type less usual for them."""
    return [
        topic
        for topic, msgtype in topics.items()
        if msgtype in READERS
        and topic != state
        and (msgtype == JOINT_TRAJECTORY or is_command(topic))
        and _last(topic) != JOINT_COMMANDS_SENT
    ]


def is_command(topic: str) -> bool:
    """Return whether a topic's name says that it holds commands."""
    return _last(topic) in COMMAND_NAMES or bool(_LIKE_COMMANDS.search(_last(topic)))


def is_command_path(topic: str) -> bool:
    """Return whether a topic's name, or a namespace of it, says that it holds commands."""
    return any(is_command(part) for part in _parts(topic))


def _only(candidates: Sequence[str], what: str, flag: str, topics: Mapping[str, str]) -> str:
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise StreamError(
            f'several topics could be the {what}: {", ".join(candidates)}; '
            f'name one with --topics.{flag}=TOPIC, or let --init=FILE lay them out'
        )
    others = [
        topic for topic, msgtype in topics.items() if msgtype in (JOINT_STATE, JOINT_TRAJECTORY)
    ]
    there = f'joint topics there: {", ".join(others)}' if others else 'there are no joint topics'
    instead = f' or --topics.{flag}=none' if flag == 'action' else ''
    raise StreamError(
        f'no topic looks like {what}; {there}; name one with --topics.{flag}=TOPIC{instead}; '
        '--init=FILE writes down what is there'
    )


def named_topic(topics: Mapping[str, str], topic: str | None, flag: str) -> str | None:
    """Return a topic that the user named, None if he named none.

    Raises:
        StreamError: it is not there.
    """
    if topic is not None and topic not in topics:
        there = ', '.join(sorted(topics)) or 'none at all'
        raise StreamError(f'--topics.{flag}: there is no topic {topic}; topics there: {there}')
    return topic


def is_depth(topic: str) -> bool:
    """Return whether a topic's name says that it holds depth."""
    return says_depth(topic)


def _camera_parts(topic: str) -> list[str]:
    parts = _parts(topic)
    while len(parts) > 1 and parts[-1] in (*_TRANSPORTS, *_IMAGE_NAMES):
        parts = parts[:-1]
    return parts


def _parts(topic: str) -> list[str]:
    return topic.strip('/').split('/')


def _last(topic: str) -> str:
    return _parts(topic)[-1]
