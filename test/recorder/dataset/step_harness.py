"""Kills sessions before every change they make: `step_harness.py FOLDER STRIDE NESTED`.

Needs step_killer.c, preloaded. Every session runs in a fork of this process, in which everything
is imported and nothing has run yet. What the kill leaves is mended at once, and `NESTED` times
more after the mending was killed, too, twice in a row; all of it is held against what was
promised. The last line is a JSON object with what was counted.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from crash_scenarios import Promises, check
from kill_harness import forked, read_all
from step_scenarios import ADDED, SCENARIOS, TWO, Checker, accepted, tell_durable

from lerobot_recorder.dataset import layout, seal
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.repair import repair_dataset


@dataclass
class Run:
    """One dataset, what happened to it, and what was promised of it.

    Attributes:
        root: The dataset.
        said: All that was said by the processes so far.
        story: What was done to it, for a message.
    """

    root: Path
    said: str = ''
    story: list[str] = field(default_factory=list)

    def killed(self, name: str, at: int, torn: bool) -> bool:
        """Run a scenario up to its step number `at`; return whether that killed it."""
        library = ctypes.CDLL(None)

        def work() -> None:
            library.steps_arm(os.fsencode(self.root), ctypes.c_long(at), int(torn))
            SCENARIOS[name](self.root)

        said, status = _outcome(work)
        self.said += said
        self.story.append(f'{name} killed at {at}{" torn" if torn else ""}')
        if os.WIFSIGNALED(status):
            return True
        assert status == 0, f'{self.story}: it failed by itself'
        return False

    def copy(self, root: Path) -> Run:
        shutil.rmtree(root.parent, ignore_errors=True)
        root.parent.mkdir(parents=True)
        if self.root.exists():
            shutil.copytree(self.root, root)
        return Run(root, self.said, list(self.story))

    def finish(self, goes_on: bool) -> dict[str, int]:
        """Mend it undisturbed and check it, perhaps by recording on."""
        promises = Promises()
        promises.hear(self.said)
        lines = [line.split('|') for line in self.said.splitlines()]
        discarded = frozenset(line[1] for line in lines if line[0] == 'discarded')

        def work() -> None:
            _mended(self.root, goes_on)
            if goes_on:
                promises.accepted[f'e{ADDED}'] = 7, 'success'
            counts = Checker(self.root, promises, discarded)() if self.root.exists() else {}
            if counts:
                assert repair_dataset(self.root) == []
            os.write(1, json.dumps(counts).encode())

        before = self.copy(self.root.with_name('before') / 'set')
        said, status = _outcome(work)
        if status:
            raise AssertionError(
                f'{self.story} then {"resumed" if goes_on else "repaired"}: promises broken; '
                f'the dataset before that is {before.root}; said:\n{self.said}'
            )
        return dict(json.loads(said.splitlines()[-1]))


def _mended(root: Path, goes_on: bool) -> None:
    there = (root / layout.INFO).exists() or (root / layout.RECORDING).exists()
    if not goes_on:
        if there:
            repair_dataset(root)
        return
    with DatasetWriter.resume(root, TWO) if there else DatasetWriter.create(root, TWO) as writer:
        tell_durable(root, accepted(writer, ADDED, 7))


def _outcome(work: Callable[[], object]) -> tuple[str, int]:
    pid, reader = forked(work)
    said = read_all(reader)
    return said, os.waitpid(pid, 0)[1]


class Harness:
    """Goes through all steps of all scenarios.

    Args:
        folder: For the datasets.
        stride: Take every n-th step.
        nested: How often the mending is killed, too, for each of them.
    """

    def __init__(self, folder: Path, stride: int, nested: int) -> None:
        self._folder, self._stride, self._nested = folder, stride, nested
        self._rng = random.Random(stride)
        self.counts = Counter[str]()

    def go(self) -> None:
        crashed = Run(self._folder / 'crashed/set')
        crashed.root.parent.mkdir(parents=True)
        assert not crashed.killed('record', -1, False)
        crashed.story = ['record ended in an episode']
        closed = crashed.copy(self._folder / 'closed/set')
        assert not closed.killed('repair', -1, False)
        closed.story = ['closed']
        self._every_step('record', Run(self._folder / 'none/set'))
        for base in (crashed, closed):
            self._every_step('resume', base)
        self._every_step('repair', crashed)
        self._every_step_of_a_cut(closed)

    def _every_step(self, name: str, base: Run) -> None:
        at = self._rng.randint(1, self._stride)
        while True:
            torn = bool(self._rng.getrandbits(1))
            run = base.copy(self._folder / 'work/set')
            if not run.killed(name, at, torn):
                self.counts[f'steps of {name}, {base.story[-1:]}'] = at
                return
            self.counts['kills'] += 1
            for turn in range(self._nested):
                self._mend_killed(run.copy(self._folder / 'again/set'), bool(turn % 2))
            self._finish(run)
            at += self._stride

    def _every_step_of_a_cut(self, closed: Run) -> None:
        """Kill the repair of a dataset of which only the first episode is whole."""
        damaged, stride = closed.copy(self._folder / 'damaged/set'), max(1, self._stride // 30)
        path = layout.data_files(damaged.root)[1]
        path.write_bytes(path.read_bytes()[:500])
        first = closed.said.splitlines()
        damaged.said = '\n'.join(line for line in first if '|e1|' in line) + '\n'
        before, at = contents(damaged.root), self._rng.randint(1, stride)
        while True:
            run = damaged.copy(self._folder / 'work/set')
            if not run.killed('repair', at, bool(self._rng.getrandbits(1))):
                return
            self.counts['kills of a cut'] += 1
            if self._nested:
                self.counts['kills of a cut'] += run.killed(
                    'repair', self._rng.randint(1, 60), True
                )
            said, status = _outcome(lambda run=run: check_cut(run, before))
            assert status == 0, f'{run.story}: {said}'
            at += stride

    def _mend_killed(self, run: Run, twice: bool) -> None:
        for _ in range(1 + twice):
            if not (run.root / layout.INFO).exists() and not (run.root / '.recording').exists():
                break
            resumed = any(line.startswith('resume') for line in run.story)
            name = 'repair' if resumed else self._rng.choice(['repair', 'resume'])
            at = self._rng.randint(1, self._rng.choice([40, 150, 600]))
            self.counts['kills of the mending'] += run.killed(name, at, True)
        self._finish(run)

    def _finish(self, run: Run) -> None:
        found = run.finish(bool(self._rng.getrandbits(1)))
        self.counts.update({'checked': 1, **found})


def contents(root: Path) -> set[bytes]:
    """Return what lies in the files that a repair may take out, wherever they are."""
    parts = ('data', 'videos', 'meta/episodes', layout.QUARANTINE)
    files = [path for part in parts for path in (root / part).rglob('*') if path.is_file()]
    return {path.read_bytes() for path in files}


def check_cut(run: Run, before: set[bytes]) -> None:
    promises = Promises()
    promises.hear(run.said)
    repair_dataset(run.root)
    assert check(run.root, promises)['episodes'] == len(promises.durable) == 1
    assert before <= contents(run.root), 'something was deleted'
    assert seal.is_intact(run.root) and repair_dataset(run.root) == []


def main(folder: str, stride: int, nested: int) -> None:
    harness = Harness(Path(folder), stride, nested)
    harness.go()
    sys.stdout.write(json.dumps(dict(harness.counts)) + '\n')


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
