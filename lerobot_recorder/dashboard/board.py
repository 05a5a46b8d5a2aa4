"""What the dashboard shows of a running session, put together from what was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.health import Level
from lerobot_recorder.dashboard.verbs import shown

STALE_NS = 5 * NS_PER_S
"""A component that speaks once a second and was silent for so long is not well."""
FORGOTTEN_NS = 120 * NS_PER_S


@dataclass(frozen=True)
class RecorderSeen:
    """A recorder, as the graph shows it.

    Attributes:
        namespace: where it is.
        services: what it can be told ...
        texts: ... and the texts it takes, ``task`` or ``note``.
        others: namespaces of further recorders.
    """

    namespace: str
    services: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """What a component said of itself.

    Attributes:
        level: how bad it is, as in ``diagnostic_msgs/DiagnosticStatus``.
        message: one line for people.
        values: key-values for people.
        heard_ns: when it was heard [ns].
    """

    level: int
    message: str
    values: Mapping[str, str] = field(default_factory=dict)
    heard_ns: int = 0


class Board:
    """The state of what is shown; written by the node's thread, read by the server's.

    Args:
        clock: tells what is stale.

    Attributes:
        recorder: the recorder that is shown, None while there is none.
        status: the last it said, as it said it.
        cameras: names of the cameras that can be looked at.
        watchers: how many browsers look.
    """

    def __init__(self, clock: Clock) -> None:
        self.recorder: RecorderSeen | None = None
        self.status: Mapping[str, Any] = {}
        self.cameras: Sequence[str] = ()
        self.watchers = 0
        self._clock = clock
        self._health: dict[str, Said] = {}

    @property
    def root(self) -> str:
        """Folder of the dataset, empty while unknown."""
        return str(self.status.get('root') or '')

    def hear(self, name: str, level: int, message: str, values: Mapping[str, str]) -> None:
        """Take in what a component says of itself."""
        now_ns = self._clock.monotonic_ns()
        heard = {**self._health, name: Said(level, message, dict(values), now_ns)}
        self._health = {
            n: said for n, said in heard.items() if now_ns - said.heard_ns < FORGOTTEN_NS
        }

    def view(self) -> dict[str, Any]:
        """Return everything as a browser gets it."""
        recorder, status = self.recorder, dict(self.status)
        phase = str(status.get('phase', ''))
        return {
            'recorder': None
            if recorder is None
            else {'namespace': recorder.namespace, 'others': list(recorder.others)},
            'status': status,
            'texts': sorted(recorder.texts) if recorder else [],
            'verbs': shown(recorder.services, phase) if recorder else [],
            'health': self._components(),
            'cameras': list(self.cameras),
        }

    def _components(self) -> list[dict[str, Any]]:
        """Return the components, worst first."""
        now_ns = self._clock.monotonic_ns()
        found = [
            (name, said, now_ns - said.heard_ns >= STALE_NS) for name, said in self._health.items()
        ]
        found.sort(key=lambda entry: (-_badness(entry[1].level, entry[2]), entry[0]))
        return [
            {
                'name': name,
                'level': int(Level.STALE) if stale else said.level,
                'message': f'silent; said last: {said.message}' if stale else said.message,
                'values': dict(said.values),
            }
            for name, said, stale in found
        ]


def _badness(level: int, stale: bool) -> int:
    """Rank a level: an error is worse than silence, silence worse than a warning."""
    rank = (Level.OK, Level.WARN, Level.STALE, Level.ERROR)
    known = Level(level) if level in list(Level) else Level.ERROR
    return rank.index(max(known, Level.STALE, key=rank.index) if stale else known)
