"""Brings a dataset to the Hub, in steps that can be interrupted and done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import HubBusyError, HubError
from lerobot_recorder.hub import plan as plans
from lerobot_recorder.hub import snapshot as snapshots
from lerobot_recorder.hub.access import check_privacy
from lerobot_recorder.hub.job import MAIN, Job
from lerobot_recorder.hub.plan import KnownFiles, Plan
from lerobot_recorder.hub.repository import RemoteState, Repository
from lerobot_recorder.hub.snapshot import LocalFile, Snapshot

FIRST_WAIT_S = 2.0
MAX_WAIT_S = 300.0
MakeCard = Callable[[RemoteState], Mapping[str, bytes]]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pushed:
    """What came of a push.

    Attributes:
        episodes: how many the Hub holds now; 0 if only contents were sent so far.
        files: how many files were new or changed.
        size: their bytes.
        private: whether only the owner may see it.
    """

    episodes: int
    files: int
    size: int
    private: bool


class Push:
    """One dataset on its way to the Hub.

    Args:
        job: what goes where.
        repository: the place.
        clock: to wait for an episode that is being saved.
        on_progress: called with the bytes sent so far and the bytes to be sent.

    Attributes:
        progress: grows with everything that was brought there.
    """

    def __init__(
        self,
        job: Job,
        repository: Repository,
        clock: Clock,
        on_progress: OnProgress = lambda done, total: None,
    ) -> None:
        self.progress = 0
        self._job, self._repository, self._clock = job, repository, clock
        self._on_progress = on_progress
        self._sent: dict[str, LocalFile] = {}
        self._known: KnownFiles = {}

    def run(
        self, make_card: MakeCard | None = None, commit: bool = True, in_haste: bool = False
    ) -> Pushed:
        """Bring there what is missing.

        Args:
            make_card: makes the files that describe the dataset, if they are wanted.
            commit: let it count; else contents are only brought nearer.
            in_haste: believe that a video there is the one here if it has its size.

        Raises:
            HubBusyError: trying again may help; what was sent stays sent.
            HubError: it is not possible.
            DatasetError: the dataset cannot be read.
        """
        snapshot = snapshots.take(self._job.root, self._clock)
        remote = self._remote()
        if make_card is not None:
            card = {path: LocalFile(c, len(c)) for path, c in make_card(remote).items()}
            snapshot = replace(snapshot, files={**snapshot.files, **card})
        plan = plans.make_plan(snapshot, remote, self._known, in_haste)
        plans.check_related(self._job, snapshot, remote, plan)
        self._send(plan, snapshot)
        size = sum(file.size for file in plan.additions.values())
        if not commit:
            return Pushed(0, len(plan.additions), size, remote.private)
        head = self._commit(snapshot, plan, remote.head)
        if self._job.branch == MAIN:
            self._repository.tag(head)
        return Pushed(snapshot.episodes, len(plan.additions), size, remote.private)

    def _remote(self) -> RemoteState:
        remote = self._repository.state()
        if remote is None:
            self._repository.create()
            remote = self._repository.state()
        if remote is None:
            raise HubBusyError(f'{self._job.repo_id} was made and is not there yet')
        check_privacy(self._job, remote, self._repository.url)
        return remote

    def _send(self, plan: Plan, snapshot: Snapshot) -> None:
        try:
            self._send_batches(plan)
        except HubBusyError:
            raise
        except HubError as error:
            if snapshot.is_still():
                raise
            # Files may have been joined: the Hub then gets another content than it was promised.
            raise _changed(snapshot) from error

    def _send_batches(self, plan: Plan) -> None:
        waiting = {p: f for p, f in plan.additions.items() if self._sent.get(p) != f}
        total = sum(file.size for file in waiting.values())
        done = 0
        for batch in plans.batches(waiting):
            self._on_progress(done, total)
            self._repository.send(batch)
            self._sent.update(batch)
            self.progress += 1
            done += sum(file.size for file in batch.values())
        self._on_progress(done, total)

    def _commit(self, snapshot: Snapshot, plan: Plan, head: str) -> str:
        """Let everything count at once; with many files, what nobody looks for comes before."""
        if plan.is_empty:
            return head
        if not snapshot.is_still():
            raise _changed(snapshot)
        rest = dict(plan.additions)
        for part in plan.ahead():
            head = self._repository.commit(part, (), f'{len(part)} files', head)
            self.progress += 1
            rest = {path: file for path, file in rest.items() if path not in part}
        episodes = f'{snapshot.episodes} episode' + 's' * (snapshot.episodes != 1)
        head = self._repository.commit(rest, plan.deletions, episodes, head)
        self.progress += 1
        return head


def _changed(snapshot: Snapshot) -> HubBusyError:
    return HubBusyError(f'{snapshot.root} was changed meanwhile')


def patiently(
    push: Push, step: Callable[[], Pushed], clock: Clock, tell: Callable[[str], None], tries: int
) -> Pushed:
    """Do a step, and again as long as that may help; waits longer each time.

    Args:
        push: shows whether a try that failed has brought something.
        step: what to do.
        clock: waits.
        tell: hears why it is not done yet.
        tries: so often in a row without any progress; 0 for ever.

    Raises:
        HubBusyError: it was tried that often.
        HubError: it is not possible.
        DatasetError: the dataset cannot be read.
    """
    failures, progress = 0, push.progress
    while True:
        try:
            return step()
        except HubBusyError as error:
            failures = 1 if push.progress != progress else failures + 1
            progress = push.progress
            if failures == tries:
                raise
            wait_s = max(error.wait_s, min(FIRST_WAIT_S * 2 ** (failures - 1), MAX_WAIT_S))
            tell(f'{error}; trying again in {wait_s:.0f} s')
            clock.sleep(wait_s)
