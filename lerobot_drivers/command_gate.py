"""Which joint commands an arm obeys: by name, fresh, finite."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S

_REPEAT_NS = 5 * NS_PER_S


class CommandGate:
    """Turns commands by name into goals by joint, and says why it refuses one.

    Args:
        joints: the arm's joints, in its order.
        max_age_s: commands whose stamp is older are refused [s].
        warn: gets one line per kind of fault, at most every five seconds.
    """

    def __init__(
        self, joints: Sequence[str], max_age_s: float, warn: Callable[[str], None]
    ) -> None:
        self._index = {name: index for index, name in enumerate(joints)}
        self._max_age_s = max_age_s
        self._warn = warn
        self._unknown: set[str] = set()
        self._next_warning_ns: dict[str, int] = {}
        self.refused: Counter[str] = Counter()

    def take(
        self, names: Sequence[str], positions: Sequence[float], stamp_ns: int, now_ns: int
    ) -> NDArray[np.float64] | None:
        """Return the goals of a command.

        Args:
            names: joints commanded, in any order, not necessarily all.
            positions: of each of them [rad or m].
            stamp_ns: when the command was decided on; 0 if it is not known [ns].
            now_ns: the time [ns].

        Returns:
            Goals by joint, NaN for those not commanded [rad or m]; None if there is
            nothing to obey.
        """
        if len(names) != len(positions):
            self.refuse('shape', f'{len(names)} names but {len(positions)} positions', now_ns)
            return None
        age_s = (now_ns - stamp_ns) / NS_PER_S
        if stamp_ns and age_s > self._max_age_s:
            limit = f'the limit is {self._max_age_s:g} s; are the clocks in step?'
            self.refuse('stale', f'stamped {age_s:.3f} s ago, {limit}', now_ns)
            return None
        goal = np.full(len(self._index), math.nan)
        for name, position in zip(names, positions, strict=True):
            self._set(goal, name, position, now_ns)
        return None if np.isnan(goal).all() else goal

    def refuse(self, kind: str, text: str, now_ns: int) -> None:
        """Count a command that is not obeyed, and say why.

        Args:
            kind: under which it is counted.
            text: the reason.
            now_ns: the time [ns].
        """
        self.refused[kind] += 1
        if now_ns >= self._next_warning_ns.get(kind, 0):
            self._next_warning_ns[kind] = now_ns + _REPEAT_NS
            self._warn(f'joint command refused: {text}')

    def _set(self, goal: NDArray[np.float64], name: str, position: float, now_ns: int) -> None:
        index = self._index.get(name)
        if index is None:
            self._note_unknown(name)
        elif not math.isfinite(position):
            self.refuse('not finite', f'{name} is {position}; that joint holds', now_ns)
        else:
            goal[index] = position

    def _note_unknown(self, name: str) -> None:
        self.refused['unknown joint'] += 1
        if name not in self._unknown:
            self._unknown.add(name)
            known = ', '.join(self._index)
            self._warn(f'joint command: unknown joint {name!r} ignored; joints: {known}')
