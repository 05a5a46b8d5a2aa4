"""Who in a world with physics works as the recorder goes on.

Whoever sits at a real leader hears what begins and presses a key at the end; whoever tries
a policy puts the cube elsewhere and sees whether it was brought. So do those in the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from lerobot_drivers.common.config import Section
from lerobot_drivers.common.several import members_of
from lerobot_drivers.sim.address import SimAddress, is_sim_address
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.worlds import has_physics
from lerobot_recorder.commands.attendant import Attendant, attending
from lerobot_recorder.view import View

_CUBE = 'cube'


class World(Protocol):
    """What is done to a world; ``SimClient`` does it."""

    def ask_operator(self, device: str, word: str = '') -> dict[str, Any]:
        """Say a word to the person at a leader, and return the answer."""
        ...

    def task(self) -> dict[str, Any]:
        """Return how the task stands."""
        ...

    def inject(self, device: str, fault: str, **arguments: object) -> None:
        """Do something to a device."""
        ...


class ScriptedPerson(Attendant):
    """Demonstrates once an episode, and says how it went.

    Args:
        view: what the user sees.
        world: where the person is.
        leader: the device at which.
    """

    def __init__(self, view: View, world: World, leader: str) -> None:
        super().__init__(view)
        self._world, self._leader = world, leader
        self._works = self._waits = False
        self._finished = 0

    def on_pause(self) -> None:
        """Go home and wait, while the cube is put elsewhere."""
        if not self._waits:
            self._world.ask_operator(self._leader, 'wait')
            self._waits, self._works = True, False

    def on_begin(self) -> None:
        """Begin."""
        self._finished = self._world.ask_operator(self._leader, 'begin')['finished']
        self._waits, self._works = False, True

    def on_recording(self) -> None:
        """End the episode when the arm is at home again."""
        if not self._works:
            return
        answer = self._world.ask_operator(self._leader)
        if answer['finished'] > self._finished:
            self._works = False
            self.say('success' if answer['succeeded'] else 'failure')


class Referee(Attendant):
    """Puts the cube elsewhere for each episode of a policy, and ends those that succeed.

    Args:
        view: what the user sees.
        world: where the cube is.
    """

    def __init__(self, view: View, world: World) -> None:
        super().__init__(view)
        self._world = world
        self._is_fresh = self._has_spoken = False

    def on_pause(self) -> None:
        """Put the cube elsewhere, once."""
        if not self._is_fresh:
            self._world.inject(_CUBE, 'reset')
            self._is_fresh = True

    def on_begin(self) -> None:
        """Put the cube elsewhere if there was no pause to do it in."""
        self.on_pause()
        self._is_fresh = self._has_spoken = False

    def on_recording(self) -> None:
        """End the episode when the cube lies on the tray."""
        if not self._has_spoken and self._world.task()['success']:
            self._has_spoken = True
            self.say('success')


@contextmanager
def accompanied(
    view: View, sections: Section, drivers: Callable[[Section], Sequence[str]]
) -> Iterator[View]:
    """Let those in a world with physics look at a view while it is used.

    Args:
        view: what the user sees.
        sections: of the session; with several robots nobody looks.
        drivers: returns who drives a robot, ``teleop``, ``policy`` or both.
    """
    members = members_of(sections)
    if sections.get('attach') or len(members) != 1:
        yield view
        return
    leads = 'teleop' in drivers(members[0])
    address = _in_physics(members[0].get('teleop' if leads else 'robot'))
    if address is None:
        yield view
        return
    with SimClient(address.world) as world:
        person = ScriptedPerson(view, world, address.device) if leads else Referee(view, world)
        with attending(person) as seen:
            yield seen


def _in_physics(section: Any) -> SimAddress | None:
    """Return the address of a device if it is in a world with physics."""
    port = (section or {}).get('port')
    if not is_sim_address(port):
        return None
    address = SimAddress.parse(str(port))
    return address if has_physics(address.world) else None
