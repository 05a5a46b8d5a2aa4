"""What a bag of unknown content holds: each topic's first seconds, however late they are."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import BagTime, bag_time
from lerobot_recorder.field_paths import MAX_LISTED, numbers_in
from lerobot_recorder.messages import decode, standard_types
from lerobot_recorder.survey import SeenTopic, Survey

HEAD_NS = 10 * NS_PER_S
"""So much of a bag is looked at, whatever is in it [ns]."""
OWN_NS = 2 * NS_PER_S
"""A topic that begins later is looked at for this long [ns]."""

WORKINGS = ('rosgraph_msgs/', 'rcl_interfaces/', 'diagnostic_msgs/', 'actionlib_msgs/', 'bond/')
"""Packages whose messages tell of nodes, not of a robot."""


def survey_bag(bag: BagReader) -> dict[str, SeenTopic]:
    """Return what is in a bag that can be recorded, by topic.

    The beginning is read in whole, beyond it only the topics that had not begun by then.

    Args:
        bag: the bag, open.

    Raises:
        BagError: it is damaged.
    """
    survey = Survey(lambda topic: (), bag.types)
    survey.look({t: kind for t, kind in bag.topics.items() if bag.count([t])})
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


def number_paths(bag: BagReader, topics: Collection[str]) -> dict[str, list[str]]:
    """Return topic -> where in its messages numbers are, of types that are not in the standard.

    Args:
        bag: the bag, open.
        topics: topics of types that are not read by name.
    """
    known = standard_types().fielddefs
    left = {
        topic
        for topic in topics
        if not (bag.topics[topic] in known or bag.topics[topic].startswith(WORKINGS))
        and bag.count([topic])
    }
    found: dict[str, list[str]] = {}
    for raw in bag.messages(set(left)) if left else ():
        if raw.topic in left:
            left.discard(raw.topic)
            with contextlib.suppress(StreamError):
                constants = {name for name, *_ in bag.types.fielddefs[raw.msgtype][0]}
                paths = numbers_in(decode(raw, bag.types))
                found[raw.topic] = [path for path in paths if path not in constants]
        if not left:
            break
    return {topic: paths for topic, paths in found.items() if 0 < len(paths) <= MAX_LISTED}
