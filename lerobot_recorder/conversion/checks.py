"""Whether a bag can make what is asked of it: all that is wrong, told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lerobot_drivers.common.errors import BagError, LerobotRosError, StreamError
from lerobot_drivers.common.naming import ACTION
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.channels import NumericChannel, PictureChannel
from lerobot_recorder.mapping import MappingConfig, is_action
from lerobot_recorder.rates import LOW
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.row_processor import RowProcessor


@dataclass(frozen=True)
class Learnt:
    """How rows are made of a bag, as far as it can make them.

    Attributes:
        plan: how; what the mapping leaves open was learnt, unless there are problems.
        problems: why the bag cannot make what is asked of it.
    """

    plan: RowPlan
    problems: tuple[LerobotRosError, ...] = ()


def learn(bag: BagReader, mapping: MappingConfig, processor: RowProcessor | None) -> Learnt:
    """Return how rows are made, what the mapping leaves open learnt from the bag.

    Raises:
        BagError: the bag is damaged.
        StreamError: an image feature has more than one topic.
    """
    plan = RowPlan(mapping, bag.types, processor)
    faults: dict[str, LerobotRosError] = {}
    silent = _silent(bag, mapping)
    for raw in bag.messages(plan.unlearned_topics()):
        try:
            if raw.topic not in faults:
                plan.learn(raw)
        except StreamError as error:
            faults[raw.topic] = error
        if {*plan.unlearned_topics()} <= {*faults, *silent}:
            break
    problems = [*missing_topics(bag, mapping), *faults.values()]
    try:
        plan.settle()
    except StreamError as error:
        problems.append(error)
    problems += _unusable(bag, plan, {*faults, *silent})
    return Learnt(plan, tuple([*problems, *_no_state(mapping)]))


def missing_topics(bag: BagReader, mapping: MappingConfig) -> list[LerobotRosError]:
    """Return what is wrong if the bag has not all topics that the mapping asks for."""
    missing = _silent(bag, mapping)
    if not missing:
        return []
    there = ', '.join(sorted(bag.topics)) or 'none at all'
    return [
        BagError(
            f'bag {bag.path} holds no messages on {", ".join(missing)}; topics there: {there}'
        )
    ]


def unseen_joints(plan: RowPlan) -> Iterator[LerobotRosError]:
    """Yield what is wrong if joints that the mapping names are in no message."""
    for channel in plan.all_channels():
        if isinstance(channel, NumericChannel) and channel.unseen and channel.seen:
            yield BagError(
                f'no message of {channel.source.topic} holds {", ".join(channel.unseen)}; '
                f'there are {", ".join(channel.seen)}'
            )


def low_rates(plan: RowPlan, may_be_low: bool) -> tuple[list[LerobotRosError], list[str]]:
    """Return what is wrong with the rates of a bag, and what is worth telling of them.

    Args:
        plan: has seen the first messages.
        may_be_low: convert even if nothing is as fast as the dataset says.
    """
    try:
        told = plan.check_rates(may_be_low)
    except StreamError as error:
        return [error], []
    fps = plan.mapping.fps
    sensors = [c for c in plan.all_channels() if not c.may_be_silent]
    rates = {c.source.topic: hz for c in sensors if (hz := c.usual_rate.own_hz) is not None}
    has_camera = any(isinstance(channel, PictureChannel) for channel in sensors)
    if has_camera or not rates or max(rates.values()) >= LOW * fps:
        return [], told
    measured = ', '.join(f'{topic}: {hz:.1f}' for topic, hz in rates.items())
    line = (
        f'no stream holds the {fps} rows/s the dataset would say ({measured} messages/s): '
        f'convert with --dataset.fps={max(1, round(max(rates.values())))}, or with '
        '--recorder.allow_low_rate=true and values in between'
    )
    return ([], [*told, line]) if may_be_low else ([StreamError(line)], told)


def as_one(problems: Sequence[LerobotRosError]) -> LerobotRosError:
    """Return several problems as one error; one alone is what it is."""
    if len(problems) == 1:
        return problems[0]
    return BagError('; '.join(dict.fromkeys(str(problem) for problem in problems)))


def _silent(bag: BagReader, mapping: MappingConfig) -> list[str]:
    wanted = dict.fromkeys([*mapping.topics(), *mapping.native_topics()])
    return [topic for topic in wanted if bag.count([topic]) == 0]


def _unusable(bag: BagReader, plan: RowPlan, told: set[str]) -> list[LerobotRosError]:
    """Return what is wrong if no message of a topic is of use, and nobody told why."""
    silent = [topic for topic in plan.unlearned_topics() if topic not in told]
    if not silent:
        return []
    why = [error for error in plan.last_errors() if any(topic in error for topic in silent)]
    return [
        BagError(f'bag {bag.path} gives no row: no usable message: {"; ".join(why or silent)}')
    ]


def _no_state(mapping: MappingConfig) -> list[LerobotRosError]:
    if all(is_action(key) for key in mapping.features):
        return [
            BagError(
                f'there is {ACTION} and nothing that is observed: no policy can learn from that; '
                'name a state with --topics.state or a camera with --topics.cameras'
            )
        ]
    return []
