"""What seldom changes, from the files beside a dataset, as messages again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.facts import FactKind
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.to_bag.blank_messages import blank, serialized, set_header
from lerobot_recorder.to_bag.outline import FactVersion

STRING = 'std_msgs/msg/String'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
TRANSFORMS, TRANSFORM = 'tf2_msgs/msg/TFMessage', 'geometry_msgs/msg/TransformStamped'
FACT_TYPES = {
    FactKind.ROBOT_DESCRIPTION: STRING,
    FactKind.STATIC_TRANSFORMS: TRANSFORMS,
    FactKind.CAMERA_INFO: CAMERA_INFO,
}
_NOT_FINITE = ('nan', 'inf', '-inf')


def lasting_messages(facts: Sequence[FactVersion], begin_ns: int) -> list[RawMessage]:
    """Return robot descriptions and static transforms; what is older comes at the beginning.

    Args:
        facts: of an episode.
        begin_ns: when its first message is logged [ns].

    Raises:
        DatasetFormatError: a file cannot be read.
    """
    found = []
    for fact in facts:
        at_ns = max(fact.since_ns, begin_ns)
        if fact.kind == FactKind.ROBOT_DESCRIPTION.value:
            found.append(text_message(fact.topic, _text(fact), at_ns))
        elif fact.kind == FactKind.STATIC_TRANSFORMS.value:
            data = serialized(_transforms(_document(fact), at_ns))
            found.append(RawMessage(fact.topic, TRANSFORMS, data, 0, at_ns))
    return sorted(found, key=lambda raw: raw.received_ns)


def text_message(topic: str, text: str, at_ns: int) -> RawMessage:
    """Return a String."""
    message = blank(STRING)
    message.data = text
    return RawMessage(topic, STRING, serialized(message), 0, at_ns)


class Lens:
    """What a camera tells of its lens, beside each of its pictures.

    Args:
        versions: of its ``camera_info``, oldest first.

    Raises:
        DatasetFormatError: a file cannot be read.
    """

    def __init__(self, versions: Sequence[FactVersion]) -> None:
        self._versions = [(fact, _document(fact)) for fact in versions]
        self._messages = [_lens(document) for _, document in self._versions]

    @property
    def frame_id(self) -> str:
        """The frame of the camera, empty if nobody knows."""
        return str(self._versions[0][1].get('frame_id', '')) if self._versions else ''

    def message(self, stamp_ns: int, log_ns: int) -> RawMessage | None:
        """Return what it tells beside a picture, None if it tells nothing."""
        if not self._versions:
            return None
        due = [n for n, (fact, _) in enumerate(self._versions) if fact.since_ns <= log_ns]
        number = due[-1] if due else 0
        message = self._messages[number]
        set_header(message, stamp_ns, message.header.frame_id)
        topic = self._versions[number][0].topic
        return RawMessage(topic, CAMERA_INFO, serialized(message), 0, log_ns)


def _lens(document: Mapping[str, Any]) -> Any:
    message = blank(CAMERA_INFO)
    _fill(message, {key: value for key, value in document.items() if key != 'frame_id'})
    message.header.frame_id = str(document.get('frame_id', ''))
    return message


def _transforms(frames: Mapping[str, Any], at_ns: int) -> Any:
    message = blank(TRANSFORMS)
    message.transforms = []
    for child, told in frames.items():
        one = blank(TRANSFORM)
        set_header(one, at_ns, str(told['parent']))
        one.child_frame_id = child
        _fill(one.transform, {key: told[key] for key in ('translation', 'rotation')})
        message.transforms.append(one)
    return message


def _fill(message: Any, document: Mapping[str, Any]) -> None:
    """Set the fields of a message from what JSON holds of it."""
    for key, value in document.items():
        there = getattr(message, key, None)
        if dataclasses.is_dataclass(there):
            _fill(there, value)
        elif isinstance(there, np.ndarray):
            setattr(message, key, np.array([_number(v) for v in value], dtype=there.dtype))
        elif there is not None:
            setattr(message, key, type(there)(value))


def _number(value: Any) -> Any:
    return float(value) if value in _NOT_FINITE else value


def _text(fact: FactVersion) -> str:
    try:
        return fact.path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetFormatError(f'{fact.path} cannot be read: {error}') from None


def _document(fact: FactVersion) -> dict[str, Any]:
    try:
        document = json.loads(_text(fact))
    except ValueError as error:
        raise DatasetFormatError(f'{fact.path} is not JSON: {error}') from None
    if not isinstance(document, dict):
        found = type(document).__name__
        raise DatasetFormatError(f'{fact.path} holds {found}, expected a mapping')
    return document
