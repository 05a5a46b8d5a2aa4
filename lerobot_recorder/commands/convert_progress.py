"""How far the conversion of many bags is: bars on a terminal, else a line for each bag."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from lerobot_recorder.bulk.pool import Done, Event, Failed, Progressed

SHOWN = 40


class ManyBars:
    """A bar for all bags, and one for each that is being worked on; a context manager.

    Args:
        console: where to.
        what: what is done with them.
        sizes: how large each is, as far as that is known [bytes].
    """

    def __init__(self, console: Console, what: str, sizes: Mapping[str, int]) -> None:
        self._console, self._what = console, what
        self._sizes = dict(sizes)
        self._bars = Progress(
            TextColumn('{task.description}'), BarColumn(), TextColumn('{task.percentage:.0f} %'),
            TimeRemainingColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._all = self._bars.add_task(what, total=sum(self._sizes.values()) or None)
        self._each: dict[str, TaskID] = {}
        self._shares: dict[str, float] = {}
        self._ended = self._failed = 0
        self._began_s = time.monotonic()

    def __enter__(self) -> ManyBars:
        """Begin to show."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show no more."""
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Show what has happened."""
        if isinstance(event, Progressed):
            self._show_bag(event)
            self._shares[event.name] = min(event.done / event.of, 1.0) if event.of else 0.0
        else:
            self._shares[event.name] = 1.0
            self._end(event)
        done = sum(self._sizes.get(name, 0) * share for name, share in self._shares.items())
        self._bars.update(self._all, completed=done)

    def _show_bag(self, event: Progressed) -> None:
        if event.name not in self._each:
            named = event.name if len(event.name) <= SHOWN else f'…{event.name[1 - SHOWN :]}'
            self._each[event.name] = self._bars.add_task(f'  {named}', total=event.of or None)
        self._bars.update(self._each[event.name], completed=event.done)

    def _end(self, event: Done | Failed) -> None:
        if event.name in self._each:
            self._bars.remove_task(self._each.pop(event.name))
        self._ended += 1
        self._failed += isinstance(event, Failed)
        if self._what != 'converting':
            return
        told = event.why if isinstance(event, Failed) else _told(event.result)
        failed = f', {self._failed} failed' if self._failed else ''
        elapsed_s = time.monotonic() - self._began_s
        self._console.print(
            f'[{self._ended}{failed}, {elapsed_s:.0f} s] {event.name}: {told}', soft_wrap=True
        )


def _told(report: object) -> str:
    if not isinstance(report, dict):
        return 'done'
    return f'{report.get("frames")} frames, {report.get("duration_s") or 0:.1f} s'
