"""The one table of what a browser may tell the recorder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A button.

    Attributes:
        name: in the address, ``/do/<name>``.
        label: on the button.
        services: services of the recorder node that mean it, the best one first.
        phases: phases of the recorder in which it is what an operator wants next ...
        hidden: ... and those in which it means nothing.
        confirm: ask again: it throws away, or ends.
    """

    name: str
    label: str
    services: tuple[str, ...]
    phases: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    confirm: bool = False

    def service(self, offered: Collection[str]) -> str | None:
        """Return which of the services a recorder offers means it, None if none does."""
        return next((name for name in self.services if name in offered), None)


_BETWEEN = ('resetting',)
_RUNNING = ('waiting', 'recording')
_PAUSED = ('paused',)
_LAST = ('saving', 'done')
_EARLY = ('preparing',)

VERBS = (
    Verb('start', 'Start', ('start', 'end_episode'), _BETWEEN, (*_RUNNING, *_LAST, *_EARLY)),
    Verb('save', 'Save', ('save', 'end_episode'), _RUNNING, (*_BETWEEN, *_LAST, *_EARLY)),
    Verb('success', '✓ Success', ('success',)),
    Verb('failure', '✕ Failure', ('failure',)),
    Verb('resume', 'Resume', ('resume',), _PAUSED, (*_RUNNING, *_BETWEEN, *_LAST, *_EARLY)),
    Verb('pause', 'Pause', ('pause',), (), (*_PAUSED, *_BETWEEN, *_LAST, *_EARLY)),
    Verb('discard', 'Discard', ('discard', 'rerecord'), (), (*_BETWEEN, *_LAST, *_EARLY), True),
    Verb('stop', 'End session', ('stop',), (), ('done',), True),
)
BY_NAME = {verb.name: verb for verb in VERBS}


def shown(offered: Collection[str], phase: str) -> list[dict[str, object]]:
    """Return the buttons for a recorder, in order.

    Args:
        offered: the services it has.
        phase: what it is doing; one that is not known hides nothing.
    """
    return [
        {
            'name': verb.name,
            'label': verb.label,
            'confirm': verb.confirm,
            'primary': phase in verb.phases,
        }
        for verb in VERBS
        if verb.service(offered) is not None and phase not in verb.hidden
    ]
