"""From a bag to a dataset: another source in front of the recorder's own sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.errors import BagError
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import BagTime, bag_time
from lerobot_recorder.capture import Capture
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.robot_facts import RobotFacts
from lerobot_recorder.encoder_choice import told
from lerobot_recorder.mapping import MappingConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.row_processor import RowProcessor, make_row_processor
from lerobot_recorder.session_facts import SessionFacts, without_secrets
from lerobot_recorder.stamps import RECENT
from lerobot_recorder.take import Take
from lerobot_recorder.time_base import SIM_RESET

Progress = Callable[[int], None]
MEASURED_NS = 10 * NS_PER_S
"""So much of a bag is looked at to know how fast its streams are [ns]."""
WAITING = 8
"""Pictures of each camera that wait for its encoder: here reading waits, not the robot."""
TOLD_EVERY = 100
"""Progress is told after so many messages; a screen shows no more."""


@dataclass(frozen=True)
class ConvertJob:
    """What to make of a bag.

    Attributes:
        bag: the bag.
        root: folder of the dataset to be made.
        mapping: which topic becomes which feature.
        task: what the robot was told to do.
        dataset: how to encode pictures; None encodes by the defaults of the dataset writer.
        session: what is known beside the bag: configuration, calibration.
        sent: topic of the commands really sent, where it cannot be told by its name.
        start_ns: nothing before this acquisition time becomes a row [ns].
        end_ns: nothing after this acquisition time becomes a row [ns].
        allow_low_rate: convert even if no camera is as fast as the dataset says.
        processor: steps on the rows.
    """

    bag: Path
    root: Path
    mapping: MappingConfig
    task: str
    dataset: DatasetConfig | None = None
    session: SessionFacts = field(default_factory=SessionFacts)
    sent: str | None = None
    start_ns: int = 0
    end_ns: int = FOREVER_NS
    allow_low_rate: bool = False
    processor: ProcessorConfig = field(default_factory=ProcessorConfig)


@dataclass(frozen=True)
class Converted:
    """What became of a bag.

    Attributes:
        frames: rows in the episode.
        duration_s: time they cover [s].
        outcome: ``incomplete`` if a sensor was lost, else None.
        defects: kind -> how often, none of it zero.
        streams: stream -> its figures.
        encoding: how pictures are encoded and why, empty without video.
        notices: what else is worth telling, one line each.
    """

    frames: int
    duration_s: float
    outcome: str | None
    defects: dict[str, int]
    streams: dict[str, dict[str, Any]]
    encoding: str = ''
    notices: tuple[str, ...] = ()


def convert_bag(job: ConvertJob, progress: Progress = lambda done: None) -> Converted:
    """Convert a bag into a dataset of one episode; leaves nothing behind if it cannot.

    Args:
        job: what to make of which bag.
        progress: called with the number of messages done.

    Raises:
        BagError: the bag is damaged, or gives no row with this mapping.
        DatasetExistsError: there is something at the root already.
    """
    with BagReader(job.bag) as bag:
        check_topics(bag, job.mapping)
        plan = learn_plan(bag, job.mapping, _row_processor(job))
        base = bag_time(bag, job.mapping.topics())
        notices = _measure(bag, base, plan, job)
        info = _info(job, plan)
        steps = plan.processor.told(info.video.vcodec) if plan.processor else []
        with DatasetWriter.create(job.root, info) as writer:
            capture = Capture(job.mapping, job.session, bag.types, job.sent)
            capture.look(bag.topics)
            take = Take(plan, writer, job.task, job.start_ns, capture)
            take.until_ns = job.end_ns
            _replay(_Replay(bag, base, take, capture), progress)
            if take.num_frames == 0:
                raise BagError(_why_empty(job, take))
            outcome = 'incomplete' if take.lost or take.ended else None
            take.save(outcome)
            return Converted(
                frames=take.num_frames,
                duration_s=take.num_frames / job.mapping.fps,
                outcome=outcome,
                defects=take.defects(),
                streams=take.report(),
                encoding=told(info),
                notices=(*bag.notices, *notices, *steps, *((take.ended,) if take.ended else ())),
            )


def _info(job: ConvertJob, plan: RowPlan) -> DatasetInfo:
    features, robot_type = plan.features(), job.mapping.robot_type
    facts = RobotFacts(processors=without_secrets(job.processor.document()))
    info = (
        DatasetInfo(job.mapping.fps, features, robot_type)
        if job.dataset is None
        else job.dataset.info(features, robot_type)
    )
    video = replace(info.video, queue=info.video.queue or WAITING)
    return replace(info, facts=facts, video=video)


def _row_processor(job: ConvertJob) -> RowProcessor:
    augmentation = None if job.dataset is None else job.dataset.augmentation
    return make_row_processor(job.processor, augmentation)


def check_topics(bag: BagReader, mapping: MappingConfig) -> None:
    """Check that the bag has what the mapping asks for.

    Raises:
        BagError: names every topic that is missing or empty, and those that are there.
    """
    wanted = dict.fromkeys([*mapping.topics(), *mapping.native_topics()])
    missing = [topic for topic in wanted if bag.count([topic]) == 0]
    if missing:
        there = ', '.join(sorted(bag.topics)) or 'none at all'
        raise BagError(
            f'bag {bag.path} holds no messages on {", ".join(missing)}; topics there: {there}'
        )


def learn_plan(
    bag: BagReader, mapping: MappingConfig, processor: RowProcessor | None = None
) -> RowPlan:
    """Return the plan of the rows, what the mapping leaves open learnt from the bag.

    Raises:
        BagError: no message of a topic can be used.
        StreamError: the messages cannot be what the mapping says they are.
    """
    plan = RowPlan(mapping, bag.types, processor)
    topics = plan.unlearned_topics()
    for raw in bag.messages(topics):
        plan.learn(raw)
        if plan.is_learned:
            break
    plan.settle()
    if not plan.is_learned:
        told = plan.last_errors() or [', '.join(plan.unlearned_topics())]
        raise BagError(f'bag {bag.path} gives no row: no usable message: {"; ".join(told)}')
    return plan


def _measure(bag: BagReader, base: BagTime, plan: RowPlan, job: ConvertJob) -> list[str]:
    """Learn from the first messages what is usual of each stream, and how fast it is.

    Raises:
        StreamError: no camera is as fast as the dataset would say.
    """
    first: dict[str, list[RawMessage]] = {topic: [] for topic in job.mapping.topics()}
    first_ns: int | None = None
    for raw in base.messages(bag, job.mapping.topics()):
        first_ns = raw.received_ns if first_ns is None else first_ns
        plan.observe(raw)
        if len(first[raw.topic]) < RECENT:
            first[raw.topic].append(raw)
        if raw.received_ns - first_ns > MEASURED_NS:
            break
    base.restart()
    plan.learn_stamps_anew(raw for some in first.values() for raw in some)
    return plan.check_rates(job.allow_low_rate)


@dataclass(frozen=True)
class _Replay:
    bag: BagReader
    base: BagTime
    take: Take
    capture: Capture


def _replay(replay: _Replay, progress: Progress) -> None:
    take = replay.take
    messages = replay.base.messages(replay.bag, replay.capture.topics())
    for done, raw in enumerate(messages, start=1):
        if not replay.capture.on_message(raw):
            take.add(raw)
            take.poll(raw.received_ns)
        if take.lost or take.ended:
            break
        if done % TOLD_EVERY == 0:
            progress(done)
    take.finish()
    is_whole = not take.lost and not take.ended and take.until_ns == FOREVER_NS
    if replay.base.has_restarted and is_whole:
        take.ended = SIM_RESET


def _why_empty(job: ConvertJob, take: Take) -> str:
    waiting = take.waiting_for()
    if waiting:
        return f'bag {job.bag} gives no row: no usable message on {", ".join(waiting)}'
    return f'bag {job.bag} gives no row: its streams have no common time'
