"""What a bag of unknown content holds: each topic's first seconds, however late they are."""

from __future__ import annotations

from dataclasses import replace

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import BagTime, bag_time
from lerobot_recorder.survey import SeenTopic, Survey

HEAD_NS = 10 * NS_PER_S
"""So much of a bag is looked at, whatever is in it [ns]."""
OWN_NS = 2 * NS_PER_S
"""A topic that begins later is looked at for this long [ns]."""


def survey_bag(bag: BagReader) -> dict[str, SeenTopic]:
    """Return what is in a bag that can be recorded, by topic.

    The beginning is read in whole, beyond it only the topics that had not begun by then.

    Args:
        bag: the bag, open.

    Raises:
        BagError: it is damaged.
    """
    survey = Survey(lambda topic: (), bag.types)
    survey.look(bag.topics)
    base = bag_time(bag, survey.topics)
    begun_ns = _hear_head(bag, base, survey)
    _hear_late(bag, base, survey, begun_ns + HEAD_NS)
    seen = {}
    for topic, one in survey.seen().items():
        late_ns = (survey.first_ns(topic) or begun_ns) - begun_ns
        seen[topic] = replace(one, count=bag.count([topic]), late_s=late_ns / NS_PER_S)
    return seen


def _hear_head(bag: BagReader, base: BagTime, survey: Survey) -> int:
    """Hear everything at the beginning and return when that was [ns]."""
    begun_ns: int | None = None
    for raw in base.messages(bag, survey.topics):
        begun_ns = raw.received_ns if begun_ns is None else begun_ns
        if raw.received_ns - begun_ns >= HEAD_NS:
            break
        survey.add(raw)
    base.restart()
    return begun_ns or 0


def _hear_late(bag: BagReader, base: BagTime, survey: Survey, from_ns: int) -> None:
    """Hear those that had no time to be known by the end of the beginning."""
    until = {
        topic: (survey.first_ns(topic) or FOREVER_NS) + OWN_NS
        for topic in survey.topics
        if bag.count([topic])
    }
    late = {topic for topic, until_ns in until.items() if until_ns > from_ns}
    for raw in base.messages(bag, set(late)) if late else ():
        if raw.received_ns >= from_ns:
            survey.add(raw)
            first_ns = survey.first_ns(raw.topic) or raw.received_ns
            if raw.received_ns - first_ns >= OWN_NS:
                late.discard(raw.topic)
        if not late:
            break
    base.restart()
