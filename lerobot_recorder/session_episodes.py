"""The episodes of a session on their way to the disk, and second thoughts about them."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset.amendments import Amendments, PendingChange
from lerobot_recorder.dataset.saver import PendingEpisode, SavedEpisode
from lerobot_recorder.recorder_status import EpisodeSummary
from lerobot_recorder.verbs import Answer, refused
from lerobot_recorder.verdict import Verdict


@dataclass(frozen=True)
class Accepted:
    """An episode that was kept and is being saved, and what is told of it when it is.

    Attributes:
        pending: the episode.
        outcome: success, failure, incomplete or None.
        defects: kind -> how often.
        verdict: what it is worth.
        why: why it ended before its time, to be told behind something else.
        notes: what was noted of it.
        answers: those who want to hear when it is durable.
    """

    pending: PendingEpisode
    outcome: str | None
    defects: dict[str, int]
    verdict: Verdict
    why: str
    notes: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    def summary(self, saved: SavedEpisode) -> EpisodeSummary:
        """Return what is known of it now that it is durable."""
        return EpisodeSummary(
            saved.index, saved.length, self.outcome, self.defects, saved.uuid, self.notes
        )

    def told(self, saved: SavedEpisode) -> str:
        """Return the line for the operator."""
        defects = ''.join(f', {number} {kind}' for kind, number in self.defects.items())
        kept = f', {self.outcome}' if self.outcome else ''
        worth = f'{saved.length} frames{kept}, {self.verdict.grade.word}'
        return f'episode {saved.index} saved: {worth}{defects}{self.why}'

    @property
    def told_now(self) -> str:
        """The line for the operator as long as it is being saved."""
        return f'episode accepted: {self.pending.length} frames, {self.verdict.told}; being saved'


@dataclass(frozen=True)
class _Change:
    """A change on its way to the disk, what follows when it is there, the episode it drops."""

    pending: PendingChange
    answer: Answer
    apply: Callable[[], str]
    dropped: str = ''


class SessionEpisodes:
    """Keeps the order: accepted, durable, changed.

    Args:
        companions: hear what becomes of the episodes.

    Attributes:
        amendments: changes them on the disk, once there is a dataset.
        can_drop: whether the last one was kept since the last one began: dropping twice must not
            take an earlier one.
        saved: the episodes that are durable.
        message: the last thing worth telling, taken by whoever tells it.
    """

    def __init__(self, companions: Companion | None = None) -> None:
        self.amendments: Amendments | None = None
        self.can_drop = False
        self.saved: list[EpisodeSummary] = []
        self.message = ''
        self._companions = companions or Companion()
        self._pending: deque[Accepted] = deque()
        self._changes: deque[_Change] = deque()
        self._dropped: set[str] = set()
        self._noted: dict[str, tuple[str, ...]] = {}

    @property
    def accepted(self) -> int:
        """How many were kept and not dropped since: those durable and those being saved."""
        known = [*(s.uuid for s in self.saved), *(a.pending.uuid for a in self._pending)]
        return sum(uuid not in self._dropped for uuid in known)

    @property
    def last_uuid(self) -> str | None:
        """Name of the last episode that was kept."""
        if self._pending:
            return self._pending[-1].pending.uuid
        return self.saved[-1].uuid if self.saved else None

    @property
    def are_settled(self) -> bool:
        """Whether nothing is on its way to the disk."""
        return not self._pending and not self._changes

    def add(self, accepted: Accepted) -> None:
        """Take in an episode that was accepted."""
        self._pending.append(accepted)
        self.can_drop = True

    def label_last(self, outcome: str) -> Answer:
        """Label the last episode; the answer comes when that is durable."""
        uuid, amendments = self.last_uuid, self.amendments
        if uuid is None or amendments is None:
            return refused('there is no episode to label')

        def apply() -> str:
            self._change(uuid, outcome=outcome)
            self._companions.on_amended(uuid)
            return f'episode {self._index(uuid)} is a {outcome}'

        return self._begin(amendments.amend(uuid, outcome), apply)

    def note_last(self, text: str) -> Answer:
        """Note something of the last episode; the answer comes when that is durable."""
        uuid, amendments = self.last_uuid, self.amendments
        if uuid is None or amendments is None:
            return refused('there is no episode to note something of')
        known = next((a.notes for a in self._pending if a.pending.uuid == uuid), None)
        known = self.saved[-1].notes if known is None else known
        notes = (*self._noted.get(uuid, known), text)
        self._noted[uuid] = notes  # the next one may come before this one is durable

        def apply() -> str:
            self._change(uuid, notes=notes)
            self._companions.on_amended(uuid)
            return f'noted of episode {self._index(uuid)}: {text}'

        return self._begin(amendments.amend(uuid, details={'notes': list(notes)}), apply)

    def drop_last(self) -> Answer:
        """Take the last episode out of the dataset; the answer comes when it is gone."""
        uuid, amendments = self.last_uuid, self.amendments
        if uuid is None or amendments is None or not self.can_drop:
            return refused('there is no episode to drop')
        self.can_drop = False
        self._dropped.add(uuid)

        def apply() -> str:
            index = self._index(uuid)
            self.saved = [summary for summary in self.saved if summary.uuid != uuid]
            self._companions.on_dropped(uuid)
            return f'episode {index} dropped; it will be recorded again'

        return self._begin(amendments.drop(uuid), apply, uuid)

    def collect(self) -> None:
        """Take note of what has become durable.

        Raises:
            DatasetError: an episode that was accepted could not be saved.
        """
        # Counted before: what is changed by now is an episode that is collected first.
        changed = list(itertools.takewhile(lambda one: one.pending.is_done, self._changes))
        while self._pending and self._pending[0].pending.is_done:
            self._collect_episode(self._pending.popleft())
        for _ in changed:
            self._collect_change(self._changes.popleft())

    def wait(self) -> None:
        """Wait until all that was accepted is durable.

        Raises:
            DatasetError: an episode could not be saved; those after it are, if they can be.
        """
        failures = []
        while not self.are_settled:
            with contextlib.suppress(DatasetError):  # told below
                if self._pending:
                    self._pending[0].pending.wait()
                else:
                    self._changes[0].pending.wait()
            try:
                self.collect()
            except DatasetError as error:
                failures.append(str(error))
        if failures:
            raise DatasetError('; '.join(failures))

    def _collect_episode(self, first: Accepted) -> None:
        try:
            saved = first.pending.wait()
        except DatasetError as error:
            for answer in first.answers:
                answer.give(False, str(error))
            raise
        self.saved.append(first.summary(saved))
        self.message = first.told(saved)
        self._companions.on_durable(saved)
        for answer in first.answers:
            answer.give(True, self.message)

    def _collect_change(self, change: _Change) -> None:
        try:
            change.pending.wait()
        except DatasetError as error:
            self.message = str(error)
            self._dropped.discard(change.dropped)
            self.can_drop = self.can_drop or bool(change.dropped)
            change.answer.give(False, self.message)
        else:
            self.message = change.apply()
            change.answer.give(True, self.message)

    def _begin(
        self, pending: PendingChange, apply: Callable[[], str], dropped: str = ''
    ) -> Answer:
        change = _Change(pending, Answer(), apply, dropped)
        self._changes.append(change)
        return change.answer

    def _change(self, uuid: str, **fields: object) -> None:
        self.saved = [
            replace(s, **fields) if s.uuid == uuid else s  # type: ignore[arg-type]
            for s in self.saved
        ]

    def _index(self, uuid: str) -> int:
        return next(s.index for s in self.saved if s.uuid == uuid)
