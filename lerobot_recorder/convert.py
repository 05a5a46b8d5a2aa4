"""From a bag to episodes of a dataset: another source in front of the recorder's own sink.

::

    with Conversion(job) as conversion:
        conversion.look, conversion.problems, conversion.spans    before anything is written
        converted = conversion.run()

The bag is read twice: once to look, where nothing but marks is decoded, once to write.
"""

from __future__ import annotations

import functools
from contextlib import ExitStack
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import BagError, ConfigError, LerobotRosError, StreamError
from lerobot_recorder.bag_link import own_episodes
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import bag_time
from lerobot_recorder.capture import Capture
from lerobot_recorder.conversion import checks, motion
from lerobot_recorder.conversion.bag_look import BagLook, LookFor, look_into
from lerobot_recorder.conversion.config import By
from lerobot_recorder.conversion.cutter import CutPlan, Cutter
from lerobot_recorder.conversion.job import ConvertJob, Progress
from lerobot_recorder.conversion.keeper import Keeper
from lerobot_recorder.conversion.marks import MarkReader
from lerobot_recorder.conversion.operator_texts import details_of, operator_topics, with_task
from lerobot_recorder.conversion.result import Converted
from lerobot_recorder.conversion.source import (
    clear_interrupted,
    converted_parts,
    fingerprint,
    source_of,
    without_converted,
)
from lerobot_recorder.conversion.span import EpisodeSpan, Spans
from lerobot_recorder.conversion.spans import find_spans, marking_topics
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.disagreements.check import heard_disagreements
from lerobot_recorder.disagreements.ear import Ear
from lerobot_recorder.encoder_choice import told as encoding
from lerobot_recorder.facts import SharedFile
from lerobot_recorder.findings import Finding
from lerobot_recorder.memory_guard import trim
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.session_facts import SessionFacts
from lerobot_recorder.stamps import RECENT
from lerobot_recorder.take import Take
from lerobot_recorder.time_base import SIM_RESET

__all__ = ['Conversion', 'ConvertJob', 'Converted', 'convert_bag']

MEASURED_NS = 10 * NS_PER_S
"""So much of a bag is looked at to know how fast its streams are [ns]."""

TOLD_EVERY = 100
"""Progress is told after so many messages; a screen shows no more."""


def convert_bag(job: ConvertJob, progress: Progress = lambda done: None) -> Converted:
    """Convert a bag; leaves nothing behind if no episode can be made of it.

    Args:
        job: what to make of which bag.
        progress: called with the number of messages done.

    Raises:
        BagError: the bag is damaged, or cannot make what is asked of it.
        StreamError: its streams cannot.
        DatasetExistsError: there is something at the root already.
        DatasetError: the disk refuses, or what is to be added to is another dataset.
    """
    with Conversion(job) as conversion:
        return conversion.run(progress)


class Conversion:
    """A bag that is open, looked into, and not converted yet; a context manager.

    Args:
        job: what to make of which bag.
        only_looks: nothing is written, nor mended.

    Attributes:
        look: what is in it.
        problems: why it cannot be converted as asked.
        spans: what becomes episodes, and what does not.
        notices: what is worth telling before.
        findings: what in the bag does not go together.
    """

    def __init__(self, job: ConvertJob, only_looks: bool = False) -> None:
        self.job, self._only_looks = job, only_looks
        self.problems: list[LerobotRosError] = []
        self.spans, self.notices = Spans(), list[str]()
        self.findings: list[Finding] = []
        self._open = ExitStack()

    def __enter__(self) -> Conversion:
        """Open the bag and look into it.

        Raises:
            BagError: it is damaged.
            StreamError: the mapping asks for what cannot be.
        """
        job = self.job
        try:
            self._bag = self._open.enter_context(BagReader(job.bag, job.reading))
            self._mark = fingerprint(job.bag)
            if job.adds and not self._only_looks:
                self.notices += clear_interrupted(job.root, self._mark)
            self._prepare()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def plan(self) -> RowPlan:
        """How rows are made; features are known if there is no problem."""
        return self._plan

    @property
    def messages(self) -> int:
        """How many messages there are to convert."""
        return self._bag.count(self.job.mapping.topics())

    def document(self) -> dict[str, Any]:
        """Return what would be made, as JSON holds it."""
        return {
            'bag': str(self.job.bag),
            'before': self.look.document(),
            'episodes': [asdict(span) for span in self.spans.spans],
            'skipped': [asdict(one) for one in self.spans.skipped],
            'features': {} if self.problems else self._plan.features(),
            'notices': self.notices,
            'problems': [str(problem) for problem in self.problems],
            'findings': [str(finding) for finding in self.findings],
        }

    def check(self) -> None:
        """Check that the bag can be converted as asked.

        Raises:
            LerobotRosError: names all that is wrong.
        """
        if self.problems:
            raise checks.as_one(self.problems)

    def run(self, progress: Progress = lambda done: None) -> Converted:
        """Write the episodes.

        Args:
            progress: called with the number of messages done.

        Raises:
            LerobotRosError: see `convert_bag`.
        """
        self.check()
        job, plan = self.job, self._plan
        result = Converted(
            job.bag, job.root, self.look, (), self.spans.skipped, notices=tuple(self.notices)
        )
        if not self.spans.spans:
            return self._nothing(result)
        info = job.info(plan)
        trim()  # what trying the encoder took would stay with a thread that encodes no more
        steps = plan.processor.told(info.video.vcodec) if plan.processor else []
        with job.writer(info) as writer:
            keeper = Keeper(writer, job.episodes.min_length_s)
            self._write(writer, keeper, progress)
            episodes = tuple(keeper.episodes())
            notices = (*writer.notices, *result.notices, *steps)
            skipped = (*result.skipped, *keeper.skipped)
        result = replace(
            result, episodes=episodes, skipped=skipped, encoding=encoding(info), notices=notices
        )
        return result if episodes else self._nothing(result, keeper.errors)

    def _prepare(self) -> None:
        job, bag = self.job, self._bag
        learnt = checks.learn(bag, job.mapping, job.row_processor())
        self._plan, self.problems = learnt.plan, list(learnt.problems)
        self._base = bag_time(bag, job.mapping.topics())
        marking: list[str] = []
        try:
            marking = marking_topics(job.episodes, bag.topics)
        except BagError as error:
            self.problems.append(error)
        self.look = self._look(marking)
        self.problems += checks.unseen_joints(self._plan)
        if not self.problems:
            found, told = checks.low_rates(self._plan, job.allow_low_rate)
            self.problems, self.notices = [*self.problems, *found], [*self.notices, *told]
        if not self.problems:
            self._find_spans()

    def _look(self, marking: list[str]) -> BagLook:
        """Look at all messages; the first ones tell what is usual of each stream."""
        job, plan = self.job, self._plan
        recorded = [*job.mapping.topics(), *job.mapping.native_topics()]
        sensors = [c.source.topic for c in plan.all_channels() if not c.may_be_silent]
        silent = job.episodes.topics if job.episodes.way is By.GAPS else []
        wanted = LookFor(
            recorded,
            marking,
            operator_topics(self._bag.topics),
            silent or sensors,
            round(job.episodes.gap_s * NS_PER_S),
        )
        first, ear = _FirstMessages(plan), Ear(plan, self._bag.types)
        reader = MarkReader(job.episodes, self._bag.types)

        def watch(raw: RawMessage) -> None:
            first.add(raw)
            ear.add(raw)

        look = look_into(self._bag, self._base, wanted, reader, watch)
        first.learn()
        self.findings = heard_disagreements(plan, ear)
        self.problems += [first.error] if first.error else []
        return look

    def _find_spans(self) -> None:
        job = self.job
        try:
            own = own_episodes(job.bag)
            if len(own) == 1:
                own = (own[0].between(*job.span_ns),)
            spans = find_spans(job.episodes, self.look, own)
        except LerobotRosError as error:
            self.problems.append(error)
            return
        spans = replace(spans, spans=tuple(with_task(s, self.look.texts) for s in spans.spans))
        if job.episodes.looks_at_motion:
            spans = self._without_rests(spans)
        spans = spans.limited(job.start_ns, job.end_ns, job.episodes.min_length_s)
        if job.adds:
            parts = converted_parts(job.root, self._mark)
            spans = without_converted(spans, parts, job.episodes.way is By.GAPS)
        self.spans = spans
        self.notices += spans.notices
        if not job.task and any(span.task is None for span in spans.spans):
            self.problems.append(
                ConfigError(
                    'dataset.single_task is missing: nothing in the bag tells what the robot '
                    'was told; --dataset.single_task="..."'
                )
            )

    def _without_rests(self, spans: Spans) -> Spans:
        mapping = motion.state_mapping(self.job.mapping)
        if mapping is None:
            self.problems.append(
                BagError('nothing tells how the robot moves: --episodes.trim_idle needs a state')
            )
            return spans
        learnt = checks.learn(self._bag, mapping, None)
        logs: dict[str, motion.MotionLog] = {}
        for raw in self._base.messages(self._bag, mapping.topics()):
            for sample in learnt.plan.samples(raw):
                log = logs.setdefault(sample.stream, motion.MotionLog())
                log.add(sample.stamp_ns, sample.value)
        self._base.restart()
        config = self.job.episodes
        moving = [part for log in logs.values() for part in log.moving(config.idle_speed)]
        return motion.without_rests(spans, moving, config)

    def _write(self, writer: DatasetWriter, keeper: Keeper, progress: Progress) -> None:
        job, bag, base = self.job, self._bag, self._base
        capture = Capture(job.mapping, self._facts(), bag.types, job.sent)
        capture.look(bag.topics)
        make_take = functools.partial(self._make_take, writer, capture)
        goes_on = job.episodes.way is By.GAPS
        cut = CutPlan(self.spans.spans, self._plan, make_take, self._source, goes_on)
        cutter = Cutter(cut, keeper)
        for done, raw in enumerate(base.messages(bag, capture.topics()), start=1):
            if not capture.on_message(raw):
                cutter.add(raw)
            if cutter.is_done:
                break
            if done % TOLD_EVERY == 0:
                progress(done)
        cutter.finish(SIM_RESET if base.has_restarted else None)
        base.restart()

    def _facts(self) -> SessionFacts:
        """Return what is known beside the bag, and what was seen in it."""
        look = SharedFile.of_json('bag', self.look.document())
        return replace(self.job.session, files={**self.job.session.files, 'bag': look})

    def _make_take(self, writer: DatasetWriter, capture: Capture, span: EpisodeSpan) -> Take:
        take = Take(self._plan, writer, span.task or self.job.task, span.start_ns, capture)
        take.until_ns = span.end_ns
        return take

    def _source(self, span: EpisodeSpan, take: Take | None) -> dict[str, Any]:
        inside = span.within(self.look.first_ns, self.look.last_ns)
        told = details_of(span, self.look.texts, take) if take is not None else {}
        return {**told, **source_of(self.job.bag, self._mark, inside, take is not None)}

    def _nothing(
        self, result: Converted, errors: list[LerobotRosError] | None = None
    ) -> Converted:
        """Return a result without episodes, if all there is was converted already.

        Raises:
            LerobotRosError: else: says why there is none.
        """
        if any(one.is_done for one in result.skipped):
            return result
        reasons = dict.fromkeys(one.reason for one in result.skipped)
        told = f'bag {self.job.bag} gives no row: {"; ".join(reasons) or "it has no episode"}'
        raise BagError(told) from (errors[0] if errors else None)


class _FirstMessages:
    """Learns from the first messages what is usual of each stream, and how fast it is."""

    def __init__(self, plan: RowPlan) -> None:
        self.error: StreamError | None = None
        self._plan = plan
        self._is_unsure = plan.has_unseen
        self._first: dict[str, list[RawMessage]] = {}
        self._until_ns: int | None = None

    def add(self, raw: RawMessage) -> None:
        """Take in a message."""
        if self._is_unsure:
            self._see(raw)
        if self._until_ns is None:
            self._until_ns = raw.received_ns + MEASURED_NS
        if raw.received_ns > self._until_ns:
            return
        self._plan.observe(raw)
        kept = self._first.setdefault(raw.topic, [])
        if len(kept) < RECENT:
            kept.append(raw)

    def _see(self, raw: RawMessage) -> None:
        try:
            self._plan.learn(raw)
            self._is_unsure = self._plan.has_unseen
        except StreamError as error:
            self.error, self._is_unsure = error, False

    def learn(self) -> None:
        """Take the very first ones as what is usual of stamps: the bag begins again."""
        self._plan.learn_stamps_anew(raw for some in self._first.values() for raw in some)
