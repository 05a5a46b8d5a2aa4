"""Several datasets in one session: what one recorder is told, all of them do together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import DatasetError, LerobotRosError
from lerobot_recorder.capture import Capture
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_status import Phase, RecorderStatus
from lerobot_recorder.verbs import Answer, JointAnswer, done, refused

GRACE_NS = NS_PER_S
"""So much later than the first the takes of an episode may end by themselves [ns]."""


class CaptureGroup:
    """What is kept beside the rows of several datasets; see ``Capture``.

    Args:
        captures: by name of the dataset.

    Attributes:
        refused: topic -> why it cannot be heard.
    """

    def __init__(self, captures: Mapping[str, Capture]) -> None:
        self.captures = dict(captures)
        self.refused: dict[str, str] = {}
        for capture in captures.values():
            capture.refused = self.refused

    def look(self, topics: Mapping[str, str]) -> None:
        """Learn which topics there are."""
        for capture in self.captures.values():
            capture.look(topics)

    @property
    def beside(self) -> set[str]:
        """The topics that are heard for companions only."""
        return {topic for capture in self.captures.values() for topic in capture.beside}

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


def captures_of(capture: Capture | CaptureGroup) -> dict[str, Capture]:
    """Return what is kept beside the rows of each dataset, by its name."""
    return capture.captures if isinstance(capture, CaptureGroup) else {'': capture}


class RecorderGroup:
    """Recorders of one operator: their episodes begin together and end together.

    Args:
        recorders: by name of the dataset.
        capture: which topics each of them wants, by the same names.

    Attributes:
        recorders: by name of the dataset.
        message: the last thing worth telling; what is set here stands before theirs.
    """

    def __init__(self, recorders: Mapping[str, Recorder], capture: CaptureGroup) -> None:
        self.recorders = dict(recorders)
        self._capture = capture
        self._routes: dict[str, list[Recorder]] = {}
        self._apart_since_ns: int | None = None
        self._message: tuple[str, list[str]] = ('', [])
        for recorder in self.recorders.values():
            recorder.is_held = True

    @property
    def message(self) -> str:
        """What was set here, until a recorder has something newer to tell."""
        text, told = self._message
        return text if told == self._told() else ''

    @message.setter
    def message(self, text: str) -> None:
        self._message = (text, self._told())

    def _told(self) -> list[str]:
        return [f'{name}: {one.message}' for name, one in self.recorders.items() if one.message]

    def obey(self, verb: str) -> Answer:
        """Do what the operator says, one of `VERBS`; the answer comes when all have done it."""
        told = self.recorders
        if verb == 'stop':
            return self.stop()
        if verb == 'end_episode' and (running := self._running()):
            told = running
        elif verb in ('start', 'end_episode') and not self._is_between():
            return refused('an episode cannot begin before all robots have ended theirs')
        return self._all(lambda recorder: recorder.obey(verb), told)

    def set_task(self, task: str) -> Answer:
        """Say what the robots are told to do from the next episode on."""
        return self._all(lambda recorder: recorder.set_task(task))

    def note(self, text: str) -> Answer:
        """Note something of the running episodes, or of the last ones."""
        return self._all(lambda recorder: recorder.note(text))

    def mark(self, kind: str, text: str, stamp_ns: int) -> Answer:
        """Mark a moment [ns] of the running episodes."""
        return self._all(lambda recorder: recorder.mark(kind, text, stamp_ns))

    def stop(self) -> Answer:
        """End the session; the running episodes are kept up to now.

        Raises:
            DatasetError: one could not be ended; the others are.
        """
        self._each(Recorder.stop)
        return done('stopped')

    def restart_time(self, now_ns: int, reason: str) -> None:
        """Go on at an earlier time; see ``Recorder``."""
        for recorder in self.recorders.values():
            recorder.restart_time(now_ns, reason)

    @property
    def is_done(self) -> bool:
        """Return whether the session is over."""
        return all(recorder.is_done for recorder in self.recorders.values())

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message: it goes to those that want its topic.

        Raises:
            StreamError: a topic gives nothing that can be recorded.
        """
        if raw.topic not in self._routes:
            self._routes[raw.topic] = [
                recorder
                for name, recorder in self.recorders.items()
                if raw.topic in self._wanted(name)
            ]
        for recorder in self._routes[raw.topic]:
            recorder.on_message(raw)

    def poll(self, now_ns: int) -> None:
        """Let time pass: the next takes begin when all can; see ``Recorder``.

        Raises:
            StreamError: topics stay silent for too long.
            DatasetError: a dataset cannot be written, or an episode could not be saved.
        """
        recorders = self.recorders.values()
        for recorder in recorders:
            recorder.poll(now_ns)
        waiting = [recorder for recorder in recorders if not recorder.is_done]
        if waiting and all(recorder.is_due for recorder in waiting):
            for recorder in waiting:
                recorder.is_held = False
                recorder.poll(now_ns)
                recorder.is_held = True
        self._end_together(now_ns)

    def wait(self) -> None:
        """Wait until all that was accepted is durable; see ``Recorder``.

        Raises:
            DatasetError: an episode could not be saved.
        """
        self._each(Recorder.wait)

    def close(self) -> None:
        """Finalise the datasets; see ``Recorder``.

        Raises:
            DatasetError: one could not be finalised; the others are.
        """
        self._each(Recorder.close)

    def status(self) -> RecorderStatus:
        """Return what an operator must know: of counts the lowest, of messages all."""
        by_name = {name: recorder.status() for name, recorder in self.recorders.items()}
        slowest = min(by_name.values(), key=lambda status: (status.saved, status.accepted))
        awaited = _once(status.waiting_for for status in by_name.values())
        return replace(
            slowest,
            phase=self._phase().value,
            frames=min(status.frames for status in by_name.values()),
            waiting_for=tuple(awaited),
            left_s=max(status.left_s for status in by_name.values()),
            message='; '.join([*filter(None, [self.message]), *self._told()]),
            streams=tuple(line for status in by_name.values() for line in status.streams),
        )

    def _wanted(self, name: str) -> set[str]:
        capture = self._capture.captures[name]
        return {*capture.topics(), *capture.beside}

    def _phase(self) -> Phase:
        """Return what the last of them is doing: those that are done already do not count."""
        phases = [recorder.phase for recorder in self.recorders.values()]
        return min(phases, key=list(Phase).index)

    def _running(self) -> dict[str, Recorder]:
        return {n: recorder for n, recorder in self.recorders.items() if recorder.phase.is_running}

    def _all(
        self, say: Callable[[Recorder], Answer], told: Mapping[str, Recorder] | None = None
    ) -> Answer:
        told = self.recorders if told is None else told
        return JointAnswer({name: say(recorder) for name, recorder in told.items()})

    def _end_together(self, now_ns: int) -> None:
        """End what still runs a while after another take ended: a sensor of that was lost."""
        running = self._running()
        if not running or len(running) == len(self.recorders):
            self._apart_since_ns = None
        elif self._apart_since_ns is None:
            self._apart_since_ns = now_ns
        elif now_ns - self._apart_since_ns >= GRACE_NS:
            for recorder in running.values():
                recorder.end_episode()

    def _is_between(self) -> bool:
        return all(recorder.phase.is_between for recorder in self.recorders.values())

    def _each(self, work: Callable[[Recorder], object]) -> None:
        failures = []
        for name, recorder in self.recorders.items():
            try:
                work(recorder)
            except LerobotRosError as error:
                failures.append(f'{name}: {error}')
        if failures:
            raise DatasetError('; '.join(failures))


def _once(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items))


def recorders_of(recorder: Recorder | RecorderGroup) -> dict[str, Recorder]:
    """Return the recorder of each dataset, by its name."""
    return recorder.recorders if isinstance(recorder, RecorderGroup) else {'': recorder}
