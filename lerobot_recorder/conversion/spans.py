"""Which parts of a bag become episodes, by what its look, a file or its own notes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lerobot_drivers.common.clock import FOREVER_NS
from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_link import OwnEpisode
from lerobot_recorder.conversion.bag_look import BagLook
from lerobot_recorder.conversion.config import By, EpisodesConfig
from lerobot_recorder.conversion.marked_spans import marked_spans
from lerobot_recorder.conversion.marks import STRING, WORDS, can_mark
from lerobot_recorder.conversion.operator_texts import OUTCOME, kind_of, operator_topics
from lerobot_recorder.conversion.service_events import EVENTS, service_of
from lerobot_recorder.conversion.span import EpisodeSpan, Spans
from lerobot_recorder.conversion.span_file import on_clock, placed, read_spans

_TASK = 'task'
_WHOLE = EpisodeSpan(0, FOREVER_NS, where='the whole bag')


def marking_topics(config: EpisodesConfig, topics: Mapping[str, str]) -> list[str]:
    """Return the topics that tell episodes.

    Args:
        config: how episodes are told apart.
        topics: topic -> type of the bag.

    Raises:
        BagError: the bag has not what is named, or it is not clear which topic is meant.
    """
    if config.way not in (By.MARKER, By.SERVICE, By.TASK):
        return []
    fitting = _fitting(config, topics)
    said = [t for t, kind in operator_topics(topics).items() if kind == OUTCOME]
    outcomes = [] if config.way is By.TASK else said
    if not config.topics:
        return [*_only(config, [t for t in fitting if not kind_of(t, topics[t])]), *outcomes]
    asked = [_events_of(topic) if config.way is By.SERVICE else topic for topic in config.topics]
    wrong = [
        f'{topic} ({topics.get(topic, "not there")})' for topic in asked if topic not in fitting
    ]
    if wrong:
        raise BagError(
            f'--episodes.topic: {", ".join(wrong)} cannot tell episodes by {config.way.value}; '
            + _those(fitting)
        )
    return list(dict.fromkeys([*asked, *outcomes]))


def find_spans(config: EpisodesConfig, look: BagLook, own: Sequence[OwnEpisode]) -> Spans:
    """Return the parts of a bag that become episodes.

    Args:
        config: how episodes are told apart.
        look: what the bag holds.
        own: the episodes that the bag is of, if it is one of ours.

    Raises:
        BagError: nothing in the bag tells episodes, or a file tells other times.
        ConfigError: the file cannot be read.
    """
    if config.way is By.BAG:
        return Spans(tuple(map(_of_own, own)) or (_WHOLE,))
    if config.way is By.GAPS:
        return _between(look)
    if config.file is not None:
        return _of_file(config, look)
    spans = marked_spans(look.marks, look.last_ns)
    if not spans.spans and not spans.skipped:
        told = '; '.join(look.notices)
        raise BagError(
            f'bag {look.bag}: no {config.way.value} begins an episode'
            + (f': {told}' if told else '')
        )
    return spans


def _of_own(own: OwnEpisode) -> EpisodeSpan:
    return EpisodeSpan(own.start_ns, own.end_ns, own.task, own.outcome, 'what the bag says of it')


def _between(look: BagLook) -> Spans:
    """Return what lies between silences."""
    starts = [look.first_ns, *(end_ns for _, end_ns in look.silences)]
    ends = [*(start_ns for start_ns, _ in look.silences), look.last_ns]
    parts = zip(starts, ends, strict=True)
    return Spans(tuple(EpisodeSpan(s, e, where=f'part {n}') for n, (s, e) in enumerate(parts, 1)))


def _of_file(config: EpisodesConfig, look: BagLook) -> Spans:
    assert config.file is not None
    spans = on_clock(read_spans(config.file.expanduser()), config.times, look.first_ns)
    problems = placed(spans, config.times, look.first_ns, look.last_ns)
    if problems:
        raise BagError(f'{config.file}: {"; ".join(problems)}')
    return Spans(tuple(spans))


def _fitting(config: EpisodesConfig, topics: Mapping[str, str]) -> list[str]:
    if config.way is By.SERVICE:
        return [topic for topic in topics if topic.endswith(EVENTS)]
    if config.way is By.TASK:
        return [topic for topic, kind in topics.items() if kind == STRING]
    return [topic for topic, kind in topics.items() if can_mark(kind)]


def _only(config: EpisodesConfig, fitting: list[str]) -> list[str]:
    """Return the topics that must be meant where none is named."""
    known = {*WORDS, *(word.lower() for word in config.words), 'set_recording', 'set_episode'}
    if config.way is By.SERVICE:
        likely = [topic for topic in fitting if service_of(topic) in known]
    elif config.way is By.TASK:
        likely = [topic for topic in fitting if topic.rpartition('/')[2] == _TASK]
    else:
        likely = fitting
    if likely and (config.way is By.SERVICE or len(likely) == 1):
        return likely
    raise BagError(
        f'--episodes.by={config.way.value} needs --episodes.topic=TOPIC; ' + _those(fitting)
    )


def _events_of(service: str) -> str:
    return service if service.endswith(EVENTS) else service + EVENTS


def _those(fitting: list[str]) -> str:
    return f'those that could: {", ".join(sorted(fitting))}' if fitting else 'the bag has none'
