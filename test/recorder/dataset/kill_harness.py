"""Kills scenarios at random moments, again and again: `kill_harness.py FOLDER KILLS SEED`.

Every scenario runs in a fork of this process, in which everything is imported and nothing has run
yet. After some kills the dataset is mended for good and held against all that was promised, and a
new one is begun. The last line is a JSON object with what was counted.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from crash_scenarios import SCENARIOS, Promises, check, repair_dataset

KILLS_PER_DATASET = 8
LONGEST_S = 0.5


def forked(work: Callable[[], object]) -> tuple[int, int]:
    """Run something in a fork; return its pid and the end of a pipe that hears what it says."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The threads are those that numpy and OpenCV keep for work nobody has given them yet.
        warnings.simplefilter('ignore', DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    code = 0
    os.dup2(writer, 1)
    try:
        work()
    except BaseException:  # noqa: BLE001 - the process's outermost line
        traceback.print_exc()
        code = 1
    os._exit(code)


def read_all(reader: int) -> str:
    with os.fdopen(reader, 'r') as pipe:
        return pipe.read()


def killed(name: str, root: Path, rng: random.Random, story: list[str] | None = None) -> str:
    """Run a scenario for a random time, kill it; return what it said.

    Args:
        name: The scenario.
        root: The dataset.
        rng: Gives the time.
        story: Is told what was done.

    Raises:
        RuntimeError: it failed by itself.
    """
    seed, wait_s = rng.random(), rng.uniform(0.0, LONGEST_S)
    pid, reader = forked(lambda: SCENARIOS[name](root, random.Random(seed)))
    if name == 'record':
        # An opening may be killed too, but mostly what comes after it is of interest.
        wait_s += rng.choice([0.0, 0.1])
    time.sleep(wait_s)
    os.kill(pid, signal.SIGKILL)
    said = read_all(reader)
    status = os.waitpid(pid, 0)[1]
    if story is not None:
        story.append(f'{name}, killed after {wait_s:.3f} s:\n{said}')
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f'{name} failed: {said}')
    return said


def finish(root: Path, promises: Promises) -> dict[str, int]:
    """Mend the dataset undisturbed and check it, in a fork."""

    def work() -> None:
        said: list[str] = []
        if (root / 'meta/info.json').exists() or (root / '.recording').exists():
            said = repair_dataset(root)
        # Killed before an episode was saved: there is no dataset.
        counts = check(root, promises) if (root / 'meta/info.json').exists() else {}
        assert counts or not promises.durable
        assert not (root / '.recording').exists()
        assert not counts or repair_dataset(root) == [], said
        sys.stdout.write(json.dumps(counts))
        sys.stdout.flush()

    pid, reader = forked(work)
    said = read_all(reader)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError(f'the mended dataset {root} does not hold what was promised: {said}')
    return dict(json.loads(said))


def finish_or_tell(root: Path, promises: Promises, story: list[str]) -> dict[str, int]:
    """Do what `finish` does; if it fails, keep the dataset as it was, and tell all."""
    before = root.with_name(f'{root.name}_before')
    if root.exists():
        shutil.copytree(root, before)
    try:
        counts = finish(root, promises)
    except RuntimeError as error:
        raise RuntimeError(f'{error}\nbefore: {before}\n' + '\n'.join(story)) from None
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)
    return counts


def main(folder: str, kills: int, seed: int) -> None:
    rng, total = random.Random(seed), Counter[str]()
    done = 0
    while done < kills:
        root, promises, story = Path(folder) / f'set_{done:04d}', Promises(), [f'seed {seed}']
        for _ in range(min(KILLS_PER_DATASET, kills - done)):
            there = (root / 'meta/info.json').exists()
            name = rng.choice(['record', 'record', 'repair', 'close']) if there else 'record'
            promises.hear(killed(name, root, rng, story))
            total[f'killed while: {name}'] += 1
            done += 1
        total.update(finish_or_tell(root, promises, story))
    sys.stdout.write(json.dumps(dict(total)) + '\n')


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
