"""What changes seldom or never while a robot is recorded: its model, its frames, its lenses.

Facts come on topics (URDF, static transforms, camera_info) and are kept beside the dataset as
files named by their content, so that a thousand episodes hold one copy. An episode's record
says which file was in force since when.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.naming import CAMERA_INFO
from lerobot_recorder.guess import camera_of
from lerobot_recorder.mapping import MappingConfig, is_image_feature
from lerobot_recorder.messages import RawMessage, decode

MAX_VERSIONS = 20
"""Versions of one fact that an episode keeps; of more, the first ones and the last."""
_STAMP_ENDS = 12
"""CDR bytes of a camera_info up to the end of its stamp, in which all of them differ."""


class FactKind(str, Enum):
    """What a fact is about."""

    ROBOT_DESCRIPTION = 'robot_description'
    STATIC_TRANSFORMS = 'static_transforms'
    CAMERA_INFO = 'camera_info'


_LATCHED = {
    ('robot_description', 'std_msgs/msg/String'): FactKind.ROBOT_DESCRIPTION,
    ('tf_static', 'tf2_msgs/msg/TFMessage'): FactKind.STATIC_TRANSFORMS,
}
_CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'


def fact_topics(topics: Mapping[str, str], mapping: MappingConfig) -> dict[str, FactKind]:
    """Return the topics that tell facts about a recording.

    Args:
        topics: topic -> type of what is there.
        mapping: what is recorded; of its cameras the lenses are wanted.
    """
    found = {
        topic: kind
        for topic, msgtype in topics.items()
        if (kind := _LATCHED.get((topic.rpartition('/')[2], msgtype))) is not None
    }
    for topic in camera_info_topics(mapping).values():
        if topics.get(topic) == _CAMERA_INFO_TYPE:
            found[topic] = FactKind.CAMERA_INFO
    return found


def tells_fact(topic: str, msgtype: str) -> bool:
    """Return whether a topic tells facts, be it of whichever camera."""
    return (topic.rpartition('/')[2], msgtype) in _LATCHED or msgtype == _CAMERA_INFO_TYPE


def camera_info_topics(mapping: MappingConfig) -> dict[str, str]:
    """Return image feature -> the topic on which its camera tells of its lens."""
    return {
        key: f'{camera_of(feature.sources[0].topic)}/{CAMERA_INFO}'
        for key, feature in mapping.features.items()
        if is_image_feature(key)
    }


@dataclass(frozen=True)
class SharedFile:
    """A file that many episodes may name.

    Attributes:
        name: what it is, and a hash of its content.
        content: its bytes.
    """

    name: str
    content: bytes

    @classmethod
    def of(cls, kind: str, ending: str, content: bytes) -> SharedFile:
        """Return the file of some content."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(f'{kind}-{digest[:32]}.{ending}', content)

    @classmethod
    def of_json(cls, kind: str, document: Any) -> SharedFile:
        """Return the file of something JSON can hold."""
        text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
        return cls.of(kind, 'json', text.encode())


class Facts:
    """The facts of a session, version by version.

    Args:
        types: definitions to read messages with; the standard ones by default.

    Attributes:
        errors: topic -> what was wrong with its last unusable message.
    """

    def __init__(self, types: Typestore | None = None) -> None:
        self.errors: dict[str, str] = {}
        self._types = types
        self._kinds: dict[str, FactKind] = {}
        self._versions: dict[str, list[tuple[int, SharedFile]]] = {}
        self._changes: dict[str, int] = {}
        self._heard: dict[str, bytes] = {}
        self._frames: dict[str, dict[str, Any]] = {}

    def watch(self, topics: Mapping[str, FactKind]) -> None:
        """Expect facts on topics."""
        self._kinds.update(topics)

    def topics(self, kind: FactKind | None = None) -> list[str]:
        """Return the topics that tell facts, of one kind or of all."""
        return [topic for topic, found in self._kinds.items() if kind in (None, found)]

    def is_fact(self, topic: str) -> bool:
        """Return whether a topic tells facts."""
        return topic in self._kinds

    def add(self, raw: RawMessage) -> None:
        """Take in a message; one that cannot be read is noted, never fatal."""
        kind = self._kinds[raw.topic]
        lasting = raw.data[_STAMP_ENDS if kind is FactKind.CAMERA_INFO else 0 :]
        if self._heard.get(raw.topic) == lasting:
            return
        self._heard[raw.topic] = lasting
        try:
            file = self._file(kind, decode(raw, self._types), raw.topic)
        except StreamError as error:
            self.errors[raw.topic] = str(error)
            return
        versions = self._versions.setdefault(raw.topic, [])
        if versions and versions[-1][1].name == file.name:
            return
        self._changes[raw.topic] = self._changes.get(raw.topic, 0) + 1
        if len(versions) >= MAX_VERSIONS:
            versions.pop()
        versions.append((raw.received_ns, file))

    def begin_episode(self) -> None:
        """Forget the versions that are not in force any more."""
        for versions in self._versions.values():
            del versions[:-1]
        self._changes.clear()

    def report(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Return kind -> topic -> its versions in order: file, and in force since when [ns]."""
        told: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for topic, versions in sorted(self._versions.items()):
            told.setdefault(self._kinds[topic].value, {})[topic] = [
                {'file': file.name, 'since_ns': since_ns} for since_ns, file in versions
            ]
        return told

    def changes(self) -> dict[str, int]:
        """Return topic -> how often it changed in this episode, more often than is kept."""
        return {topic: n for topic, n in self._changes.items() if n > MAX_VERSIONS}

    def files(self) -> dict[str, bytes]:
        """Return the files that the report names."""
        return {f.name: f.content for versions in self._versions.values() for _, f in versions}

    def _file(self, kind: FactKind, message: Any, topic: str) -> SharedFile:
        if kind is FactKind.ROBOT_DESCRIPTION:
            return SharedFile.of(kind.value, 'urdf', str(message.data).encode())
        if kind is FactKind.CAMERA_INFO:
            return SharedFile.of_json(kind.value, lasting_part(message))
        frames = self._frames.setdefault(topic, {})
        for transform in message.transforms:
            frames[transform.child_frame_id] = {
                'parent': transform.header.frame_id,
                **_plain(transform.transform),
            }
        return SharedFile.of_json(kind.value, frames)


def lasting_part(message: Any) -> dict[str, Any]:
    """Return a message as JSON holds it, its stamp left out."""
    document = _plain(message)
    assert isinstance(document, dict)
    header = document.pop('header', {})
    return {'frame_id': header.get('frame_id', ''), **document}


def _plain(value: Any) -> Any:
    """Return a message as JSON holds it; what is no finite number is told in words."""
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {n: _plain(getattr(value, n)) for n in names if not n.startswith('_')}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
