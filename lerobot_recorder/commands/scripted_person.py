"""The scripted person of a world with physics, who works as the recorder goes on.

Whoever sits at a real leader hears what begins and presses a key at the end. So does the
one in a simulated world: an episode begins and he begins, he is at home again and the
episode is kept, as a success or a failure, as the world knows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.several import members_of
from lerobot_drivers.sim.address import SimAddress, is_sim_address
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.worlds import has_physics
from lerobot_recorder.findings import Finding
from lerobot_recorder.recorder_status import Phase, RecorderStatus
from lerobot_recorder.view import View

_LOOK_S = 0.1


class Asks(Protocol):
    """How the person is spoken to: ``SimClient.ask_operator``."""

    def __call__(self, device: str, word: str) -> dict[str, Any]:
        """Say a word and return the answer."""
        ...


class ScriptedPerson:
    """A view that a scripted person looks at too.

    Args:
        view: what the user sees.
        ask: speaks to the person.
        leader: the device he sits at.
    """

    def __init__(self, view: View, ask: Asks, leader: str) -> None:
        self._view, self._ask, self._leader = view, ask, leader
        self._status: RecorderStatus | None = None
        self._words: list[str] = []
        self._works = False
        self._told: str | None = None
        self._frames = self._finished = 0

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing."""
        self._status = status
        self._view.show(status)

    def report(self, findings: Sequence[Finding]) -> None:
        """Show what was found out before the first episode."""
        self._view.report(findings)

    def words(self) -> list[str]:
        """Return what was said since: by keys, and by the person."""
        said, self._words = self._words, []
        return [*self._view.words(), *said]

    def look(self) -> None:
        """Look what the recorder does, and do one's part.

        Raises:
            LerobotRosError: the world or its leader is not there.
        """
        status = self._status
        if status is None:
            return
        records = status.phase == Phase.RECORDING
        anew = records and (self._told != 'begin' or status.frames < self._frames)
        self._frames = status.frames if records else 0
        if anew:
            self._finished = self._say('begin')['finished']
            self._works = True
        elif not records and self._told != 'wait' and status.phase != Phase.WAITING:
            self._say('wait')
            self._works = False
        elif self._works:
            self._look_at_work()

    def _look_at_work(self) -> None:
        answer = self._ask(self._leader, '')
        if answer['finished'] > self._finished:
            self._works = False
            self._words = ['success' if answer['succeeded'] else 'failure']

    def _say(self, word: str) -> dict[str, Any]:
        answer = self._ask(self._leader, word)
        self._told = word
        return answer


@contextmanager
def accompanied(view: View, sections: Section) -> Iterator[View]:
    """Let the person look at a view while it is used, if a leader is in a world with physics."""
    leaders = [leader for leader in map(_leader, members_of(sections)) if leader is not None]
    if len(leaders) != 1:
        yield view
        return
    address, ended = leaders[0], threading.Event()
    with SimClient(address.world) as client:
        person = ScriptedPerson(view, client.ask_operator, address.device)
        # A thread of his own: the recorder waits for nobody.
        thread = threading.Thread(target=_accompany, args=(person, ended), daemon=True)
        thread.start()
        try:
            yield person
        finally:
            ended.set()
            thread.join()


def _accompany(person: ScriptedPerson, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_S):
        with suppress(LerobotRosError):  # the leader is not plugged in yet, or not any more
            person.look()


def _leader(member: Section) -> SimAddress | None:
    """Return a robot's leader if a person who listens moves it."""
    port = (member.get('teleop') or {}).get('port')
    if member.get('attach') or not is_sim_address(port):
        return None
    address = SimAddress.parse(str(port))
    return address if has_physics(address.world) else None
