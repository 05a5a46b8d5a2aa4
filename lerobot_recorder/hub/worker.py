"""The process that uploads: ``python -m lerobot_recorder.hub.worker VERB JOB``.

A process of its own, so that neither hashing nor TLS takes turns from the recorder, and so that
it can be ended at any moment. It tells what happens as JSON objects on stdout, one a line; each
line it gets on stdin means that there is something new, and end of file there that it is over.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.dataset import durable
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.hub import card
from lerobot_recorder.hub.access import check_access, check_token
from lerobot_recorder.hub.job import CHECK, CHECK_NEW, FOLLOW, PUSH, Job
from lerobot_recorder.hub.process import EXIT_TOLD
from lerobot_recorder.hub.push import Push, Pushed, patiently
from lerobot_recorder.hub.repository import RemoteState, Repository, open_api

TRIES = 6
COMMIT_EVERY_NS = 120 * NS_PER_S
"""The Hub takes some hundred commits an hour and no more."""


def main() -> int:
    """Do what the command line says."""
    _, verb, text = sys.argv
    job = Job.loads(text)
    news = threading.Event()
    threading.Thread(target=_listen, args=(news,), name='listen', daemon=True).start()
    try:
        repository = Repository(job, open_api())
        if verb in (CHECK, CHECK_NEW):
            say(done=check_access(job, repository, is_new=verb == CHECK_NEW))
        elif verb == PUSH:
            push_all(job, repository, SystemClock())
        elif verb == FOLLOW:
            stay_in_background()
            Follower(job, repository, SystemClock()).run(news)
    except LerobotRosError as error:
        say(error=str(error))
        return EXIT_TOLD
    return 0


def say(**event: Any) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(json.dumps(event) + '\n')
    sys.stdout.flush()


def push_all(job: Job, repository: Repository, clock: Clock) -> Pushed:
    """Upload a dataset with its card."""
    push = Push(job, repository, clock, lambda done, total: say(sent=done, total=total))
    cards = CardMaker(job, repository)

    def step() -> Pushed:
        check_token(job, repository.account())
        return push.run(cards.make)

    pushed = patiently(push, step, clock, lambda line: say(told=line), TRIES)
    cards.keep()
    private = ', private' if pushed.private else ''
    episodes = f'{pushed.episodes} episode' + 's' * (pushed.episodes != 1)
    news = f'{pushed.files} files new' if pushed.files else 'as before'
    say(done=f'{episodes} on the Hub: {repository.url} ({news}{private})')
    return pushed


class CardMaker:
    """Makes the dataset card, unless a person wrote it."""

    def __init__(self, job: Job, repository: Repository) -> None:
        self._job, self._repository = job, repository
        self._made: dict[str, bytes] = {}

    def make(self, remote: RemoteState) -> dict[str, bytes]:
        """Return the files of the card, by their paths in the dataset."""
        self._made = {}
        path = self._job.root / card.README
        here = path.read_bytes() if path.exists() else None
        if here is not None and not card.is_ours(here):
            return {card.README: here}
        there = self._repository.read(card.README) if card.README in remote.files else None
        tags = self._job.tags or card.tags_of(here or there or b'')
        made = card.make_card(replace(self._job, tags=tags), DatasetReader(self._job.root))
        if there is not None and not card.is_ours(there):
            del made[card.README]
        self._made = made
        return made

    def keep(self) -> None:
        """Keep what was made in the dataset too; one that cannot be written to can do without."""
        try:
            for path, content in self._made.items():
                target = self._job.root / path
                durable.make_folders(target.parent)
                durable.write_bytes(target, content)
        except OSError as error:
            say(told=f'the card was not kept in {self._job.root}: {error.strerror}')


class Follower:
    """Uploads while episodes are added; never gives up because of the network.

    Args:
        job: what goes where.
        repository: the place.
        clock: waits, and counts the time between two commits.
        tell: hears what the operator should.
    """

    def __init__(
        self,
        job: Job,
        repository: Repository,
        clock: Clock,
        tell: Callable[[str], None] = lambda line: say(told=line),
    ) -> None:
        self._push = Push(job, repository, clock)
        self._clock, self._tell = clock, tell
        self._next_ns = clock.monotonic_ns()
        self._is_waiting = self._is_cut_off = False

    def run(self, news: threading.Event) -> None:
        """Upload whatever comes, until the process ends."""
        while True:
            left_ns = max(self._next_ns - self._clock.monotonic_ns(), 0)
            news.wait(left_ns / NS_PER_S if self._is_waiting else None)
            news.clear()
            self.step()

    def step(self) -> None:
        """Bring the Hub up to date; the commit waits for its time."""
        commit = self._clock.monotonic_ns() >= self._next_ns
        pushed = patiently(
            self._push,
            lambda: self._push.run(commit=commit, in_haste=True),
            self._clock,
            self._trouble,
            0,
        )
        if self._is_cut_off:
            self._is_cut_off = False
            self._tell('upload: the Hub answers again')
        self._is_waiting = not commit
        if commit:
            self._next_ns = self._clock.monotonic_ns() + COMMIT_EVERY_NS
            episodes = f'{pushed.episodes} episode' + 's' * (pushed.episodes != 1)
            self._tell(f'upload: {episodes} on the Hub')

    def _trouble(self, line: str) -> None:
        """Tell the first failure in a row; more of the same would only disturb the operator."""
        if not self._is_cut_off:
            self._is_cut_off = True
            self._tell(f'upload: {line}; what is recorded waits on the disk')


def _listen(news: threading.Event) -> None:
    """Wake the upload with every line; leave with the process that started this one."""
    while os.read(0, 4096):
        news.set()
    os._exit(0)  # whatever is under way: nothing is kept here


if __name__ == '__main__':
    sys.exit(main())
