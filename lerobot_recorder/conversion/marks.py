"""Messages that say where episodes begin and end, as words.

===================  ==========================================================
type                 means
===================  ==========================================================
std_msgs/Bool        start as it becomes true, stop as it becomes false
std_msgs/Int*, UInt* start as it becomes another number than 0, stop as it becomes 0
std_msgs/String      a word; a task may follow: ``start: fold the towel``
std_msgs/Empty       toggle
sensor_msgs/Joy      toggle as button 0 goes down; others by ``--episodes.words``
X/_service_event     the word that the service is named for, once it was done
===================  ==========================================================

``--episodes.words`` names other texts, numbers, buttons and services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rosbags.typesys.store import Typestore

from lerobot_recorder.conversion.config import By, EpisodesConfig, Word
from lerobot_recorder.conversion.service_events import EVENTS, ServiceCalls, service_of
from lerobot_recorder.messages import RawMessage, decode

BOOL, STRING, EMPTY = 'std_msgs/msg/Bool', 'std_msgs/msg/String', 'std_msgs/msg/Empty'
JOY = 'sensor_msgs/msg/Joy'
_NUMBER = re.compile(r'std_msgs/msg/U?Int(?:8|16|32|64)')
WORDS: Mapping[str, Word] = {
    **{word.value: word for word in Word},
    **dict.fromkeys(('begin', 'record', 'recording', 'start_episode'), Word.START),
    **dict.fromkeys(('start_recording', 'begin_episode', 'resume'), Word.START),
    **dict.fromkeys(('end', 'save', 'end_episode', 'stop_episode', 'finish'), Word.STOP),
    **dict.fromkeys(('stop_recording', 'save_episode', 'pause', 'done'), Word.STOP),
    **dict.fromkeys(('succeeded', 'succeed'), Word.SUCCESS),
    **dict.fromkeys(('fail', 'failed'), Word.FAILURE),
    **dict.fromkeys(('rerecord', 'cancel', 'abort', 'discard_episode', 'delete'), Word.DISCARD),
}
"""The words that are understood anyway, those of our own recorder among them."""


@dataclass(frozen=True)
class Mark:
    """A moment at which somebody said something of an episode.

    Attributes:
        at_ns: when [ns].
        word: what, None if it only names the task.
        task: the task that begins; '' if the one before ends.
        topic: where.
    """

    at_ns: int
    word: Word | None
    task: str | None
    topic: str


class MarkReader:
    """Reads the marks in a bag's messages.

    Args:
        config: how episodes are told apart.
        types: definitions to read messages with.

    Attributes:
        unknown: text that no word is -> how often.
    """

    def __init__(self, config: EpisodesConfig, types: Typestore | None = None) -> None:
        self.unknown: dict[str, int] = {}
        self._is_task = config.way is By.TASK
        self._words = {**WORDS, **{key.strip().lower(): w for key, w in config.words.items()}}
        self._named = {key.strip().lower() for key in config.words}
        self._types = types
        self._last: dict[str, Any] = {}
        self._calls: dict[str, ServiceCalls] = {}

    def read(self, raw: RawMessage) -> Iterator[Mark]:
        """Yield what a message says.

        Raises:
            StreamError: it cannot be read.
        """
        if raw.topic.endswith(EVENTS):
            yield from self._called(raw)
        elif self._is_task:
            yield from self._task(raw)
        else:
            message = decode(raw, self._types)
            for word, task in self._said(raw, message):
                yield Mark(raw.received_ns, word, task, raw.topic)

    def marks(self) -> Iterator[Mark]:
        """Yield what is only known when the bag is read: the services that were called."""
        for topic, calls in self._calls.items():
            word = self._words.get(service_of(topic))
            for call in calls.done():
                said = word
                if call.flag is not None and (
                    word is None or service_of(topic) not in self._named
                ):
                    said = Word.START if call.flag else Word.STOP
                if said is None:
                    self._note_unknown(service_of(topic))
                else:
                    yield Mark(call.at_ns, said, None, topic)

    def _called(self, raw: RawMessage) -> Iterator[Mark]:
        self._calls.setdefault(raw.topic, ServiceCalls(raw.msgtype)).add(raw)
        yield from ()

    def _task(self, raw: RawMessage) -> Iterator[Mark]:
        text = str(decode(raw, self._types).data).strip()
        if text != self._last.get(raw.topic, ''):
            self._last[raw.topic] = text
            yield Mark(raw.received_ns, None, text, raw.topic)

    def _said(self, raw: RawMessage, message: Any) -> Iterator[tuple[Word, str | None]]:
        if raw.msgtype == EMPTY:
            yield Word.TOGGLE, None
        elif raw.msgtype == STRING:
            yield from self._text(str(message.data))
        elif raw.msgtype == JOY:
            yield from self._buttons(raw.topic, message.buttons)
        else:
            yield from self._value(raw.topic, message.data)

    def _text(self, text: str) -> Iterator[tuple[Word, str | None]]:
        said, _, task = text.partition(':')
        word = self._words.get(said.strip().lower())
        if word is None:
            self._note_unknown(text.strip())
        else:
            yield word, task.strip() or None

    def _buttons(self, topic: str, buttons: Any) -> Iterator[tuple[Word, None]]:
        down = {number for number, state in enumerate(buttons) if state}
        words = {int(key): self._words[key] for key in self._named if key.isdecimal()}
        words = words or {0: Word.TOGGLE}
        went_down = down - self._last.get(topic, down)
        self._last[topic] = down
        yield from ((words[number], None) for number in sorted(went_down & set(words)))

    def _value(self, topic: str, value: Any) -> Iterator[tuple[Word, None]]:
        value = int(value)
        if value == self._last.get(topic, 0):
            return
        self._last[topic] = value
        named = self._words.get(str(value))
        yield named or (Word.START if value else Word.STOP), None

    def _note_unknown(self, text: str) -> None:
        self.unknown[text] = self.unknown.get(text, 0) + 1


def can_mark(msgtype: str) -> bool:
    """Return whether messages of a type can be markers."""
    return msgtype in (BOOL, STRING, EMPTY, JOY) or _NUMBER.fullmatch(msgtype) is not None
