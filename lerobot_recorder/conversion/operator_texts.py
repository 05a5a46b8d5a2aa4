"""What was said to a recorder of ours while somebody recorded a bag: task, notes, moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lerobot_drivers.common.naming import RECORDER
from lerobot_recorder.conversion.marks import STRING
from lerobot_recorder.conversion.span import EpisodeSpan
from lerobot_recorder.marks import Marks
from lerobot_recorder.take import Take

TASK, NOTE, OUTCOME = 'task', 'note', 'outcome'
MOMENTS = ('event', 'subtask')


@dataclass(frozen=True)
class OperatorText:
    """A text that an operator sent.

    Attributes:
        at_ns: when [ns].
        kind: ``task``, ``note``, ``event`` or ``subtask``.
        text: what.
    """

    at_ns: int
    kind: str
    text: str


def kind_of(topic: str, msgtype: str) -> str | None:
    """Return what texts on a topic are, None if they are none of an operator's."""
    place, _, kind = topic.rpartition('/')
    is_known = kind in (TASK, NOTE, OUTCOME, *MOMENTS) and place.rpartition('/')[2] == RECORDER
    return kind if is_known and msgtype == STRING else None


def operator_topics(topics: Mapping[str, str]) -> dict[str, str]:
    """Return topic -> kind of those on which a recorder of ours hears texts."""
    found = {topic: kind_of(topic, msgtype) for topic, msgtype in topics.items()}
    return {topic: kind for topic, kind in found.items() if kind is not None}


def with_task(span: EpisodeSpan, texts: Sequence[OperatorText]) -> EpisodeSpan:
    """Return a span with the task that was told before it began, unless it has one."""
    told = [one.text for one in texts if one.kind == TASK and one.at_ns <= span.start_ns]
    return replace(span, task=span.task or (told[-1].strip() if told else None) or None)


def details_of(span: EpisodeSpan, texts: Sequence[OperatorText], take: Take) -> dict[str, Any]:
    """Return what an episode's record tells of what was said during it, as a live one does.

    Args:
        span: the part of the bag.
        texts: all that was said.
        take: the episode, which is over.
    """
    marks = Marks()
    for one in texts:
        if span.start_ns <= one.at_ns <= span.end_ns and one.kind == NOTE:
            marks.note(one.text)
        elif span.start_ns <= one.at_ns <= span.end_ns and one.kind in MOMENTS:
            marks.mark(one.kind, one.text, one.at_ns)
    return marks.details(take.origin_ns, round(1 / take.seconds(1)), take.num_frames)
