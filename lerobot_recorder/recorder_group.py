"""Several datasets in one session: what one recorder is told, all of them do together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.capture import Capture
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_status import Phase, RecorderStatus
from lerobot_recorder.schedule import BETWEEN
from lerobot_recorder.verbs import Answer

RUNNING = (Phase.WAITING, Phase.RECORDING)
GRACE_NS = NS_PER_S
"""So much later than the first the takes of an episode may end by themselves [ns]."""


class CaptureGroup:
    """What is kept beside the rows of several datasets; see ``Capture``.

    Args:
        captures: by name of the dataset.

    Attributes:
        refused: topic -> why it cannot be heard.
        beside: topics that are heard for what goes along with the session alone.
    """

    def __init__(self, captures: Mapping[str, Capture]) -> None:
        self.captures = dict(captures)
        self.refused: dict[str, str] = {}
        self.beside: set[str] = set()
        for capture in captures.values():
            capture.refused = self.refused

    def look(self, topics: Mapping[str, str]) -> None:
        """Learn which topics there are."""
        for capture in self.captures.values():
            capture.look(topics)

    def topics(self) -> list[str]:
        """Return every topic that is recorded in some way, each once."""
        return _once(capture.topics() for capture in self.captures.values())

    def high_rate_topics(self) -> list[str]:
        """Return the topics that may be faster than the rows."""
        return _once(capture.high_rate_topics() for capture in self.captures.values())

    def fact_topics(self) -> list[str]:
        """Return the topics that tell facts."""
        return _once(capture.fact_topics() for capture in self.captures.values())

    def on_message(self, raw: RawMessage) -> bool:
        """Take in a fact; return whether the message was one."""
        return any([capture.on_message(raw) for capture in self.captures.values()])


class JointAnswer(Answer):
    """What becomes of a word that several recorders obey; good if it is for all of them."""

    def __init__(self, parts: Sequence[Answer]) -> None:
        super().__init__()
        self._parts = tuple(parts)
        self.settle()

    def settle(self) -> bool:
        """Return whether all of it is known by now."""
        if all(part.is_given for part in self._parts):
            told = dict.fromkeys(part.text for part in self._parts)
            self.give(all(part.success for part in self._parts), '; '.join(told))
        return self.is_given


class RecorderGroup:
    """Recorders of one operator: their episodes begin together and end together.

    Args:
        recorders: by name of the dataset.
        capture: which topics each of them wants, by the same names.

    Attributes:
        message: the last thing worth telling; what is set here stands before theirs.
    """

    def __init__(self, recorders: Mapping[str, Recorder], capture: CaptureGroup) -> None:
        self._recorders = dict(recorders)
        self._capture = capture
        self._routes: dict[str, list[Recorder]] = {}
        self._apart_since_ns: int | None = None
        self._answers: list[JointAnswer] = []
        self.message = ''
        for recorder in self._recorders.values():
            recorder.schedule.is_held = True

    @property
    def is_done(self) -> bool:
        """Return whether the session is over."""
        return all(recorder.is_done for recorder in self._recorders.values())

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message: it goes to those that want its topic.

        Raises:
            StreamError: a topic gives nothing that can be recorded.
        """
        if raw.topic not in self._routes:
            self._routes[raw.topic] = [
                recorder
                for name, recorder in self._recorders.items()
                if raw.topic in self._capture.captures[name].topics()
            ]
        for recorder in self._routes[raw.topic]:
            recorder.on_message(raw)

    def poll(self, now_ns: int) -> None:
        """Let time pass: the next takes begin when all can; see ``Recorder``.

        Raises:
            StreamError: topics stay silent for too long.
            DatasetError: a dataset cannot be written, or an episode could not be saved.
        """
        recorders = self._recorders.values()
        for recorder in recorders:
            recorder.poll(now_ns)
        waiting = [recorder for recorder in recorders if not recorder.is_done]
        if waiting and all(_is_due(recorder, now_ns) for recorder in waiting):
            for recorder in waiting:
                recorder.schedule.is_held = False
                recorder.poll(now_ns)
                recorder.schedule.is_held = True
        self._end_together(now_ns)
        self._answers = [answer for answer in self._answers if not answer.settle()]

    def obey(self, verb: str) -> Answer:
        """Do what the operator says, all of them; see ``Recorder``."""
        told = [recorder.obey(verb) for recorder in self._meant(verb)]
        # Who had nothing to do, having ended a moment earlier, has no say.
        refusals = [answer for answer in told if answer.is_given and not answer.success]
        joint = JointAnswer([answer for answer in told if answer not in refusals] or refusals)
        self._answers.append(joint)
        return joint

    def stop(self) -> None:
        """End the session; the running episodes are kept up to now."""
        for recorder in self._recorders.values():
            recorder.stop()

    def set_task(self, task: str) -> Answer:
        """Say what the robots are told to do from the next episode on."""
        return self._first([recorder.set_task(task) for recorder in self._recorders.values()])

    def note(self, text: str) -> Answer:
        """Note something of the running episode, or of the last one."""
        return self._first([recorder.note(text) for recorder in self._recorders.values()])

    def mark(self, kind: str, text: str, stamp_ns: int) -> Answer:
        """Mark a moment [ns] of the running episode; see ``Recorder``."""
        marked = [r.mark(kind, text, stamp_ns) for r in self._recorders.values()]
        return self._first(marked)

    def restart_time(self, now_ns: int, reason: str) -> None:
        """Go on at an earlier time; see ``Recorder``."""
        for recorder in self._recorders.values():
            recorder.restart_time(now_ns, reason)

    def wait(self) -> None:
        """Wait until all that was accepted is durable; see ``Recorder``.

        Raises:
            DatasetError: an episode could not be saved.
        """
        try:
            self._each(Recorder.wait)
        finally:
            self._answers = [answer for answer in self._answers if not answer.settle()]

    def close(self) -> None:
        """Finalise the datasets; see ``Recorder``.

        Raises:
            DatasetError: one could not be finalised; the others are.
        """
        self._each(Recorder.close)

    def status(self) -> RecorderStatus:
        """Return what an operator must know: of counts the lowest, of messages all."""
        by_name = {name: recorder.status() for name, recorder in self._recorders.items()}
        slowest = min(by_name.values(), key=lambda status: (status.saved, status.accepted))
        told = [f'{name}: {status.message}' for name, status in by_name.items() if status.message]
        awaited = _once(status.waiting_for for status in by_name.values())
        return replace(
            slowest,
            phase=self._phase().value,
            frames=min(status.frames for status in by_name.values()),
            waiting_for=tuple(awaited),
            streams=tuple(line for status in by_name.values() for line in status.streams),
            left_s=max(status.left_s for status in by_name.values()),
            message='; '.join([*filter(None, [self.message]), *told]),
        )

    def _meant(self, verb: str) -> list[Recorder]:
        """Return who is to obey: what ends an episode does not end the reset of another."""
        running = self._running() if verb == 'end_episode' else []
        return running or list(self._recorders.values())

    def _first(self, answers: Sequence[Answer]) -> Answer:
        """Return an answer that is good, else any: all of them do the same."""
        return next((answer for answer in answers if answer.success), answers[0])

    def _phase(self) -> Phase:
        """Return what the last of them is doing: those that are done already do not count."""
        phases = [recorder.phase for recorder in self._recorders.values()]
        return min(phases, key=list(Phase).index)

    def _running(self) -> list[Recorder]:
        return [recorder for recorder in self._recorders.values() if recorder.phase in RUNNING]

    def _end_together(self, now_ns: int) -> None:
        """End what still runs a while after another take ended: a sensor of that was lost."""
        running = self._running()
        if not running or len(running) == len(self._recorders):
            self._apart_since_ns = None
        elif self._apart_since_ns is None:
            self._apart_since_ns = now_ns
        elif now_ns - self._apart_since_ns >= GRACE_NS:
            for recorder in running:
                recorder.save()

    def _each(self, work: Callable[[Recorder], None]) -> None:
        failures = []
        for name, recorder in self._recorders.items():
            try:
                work(recorder)
            except DatasetError as error:
                failures.append(f'{name}: {error}')
        if failures:
            raise DatasetError('; '.join(failures))


def _is_due(recorder: Recorder, now_ns: int) -> bool:
    return recorder.phase in BETWEEN and recorder.schedule.is_due(now_ns)


def _once(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items))
