"""What tests of many bags share: small bags, and work that goes well, fails or dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from synthetic_messages import MS, T0, S, image, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError, LerobotRosError
from lerobot_recorder.bulk import one_bag
from lerobot_recorder.bulk.one_bag import Task
from lerobot_recorder.bulk.pool import Done, Event, Failed
from lerobot_recorder.bulk.worker import Work

DATASET = [
    '--dataset.repo_id=me/set', '--dataset.single_task=Sort', '--dataset.fps=10',
    '--dataset.rgb_encoder.vcodec=h264', '--dataset.rgb_encoder.preset=ultrafast',
]  # fmt: skip


def make_bag(path: Path, value: float = 0.0, joints: str = 'ab', size: int = 16) -> Path:
    """Write a bag of a second whose joints stand at a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = []
    for k in range(50):
        stamp = T0 + k * S // 50
        messages.append(raw('/joint_states', joint_state(stamp, joints, [value] * 2), stamp + MS))
        messages.append(raw('/joint_commands', joint_state(stamp, joints, [k, 1]), stamp + MS))
        if k % 5 == 0:
            pixels = np.full((size, size, 3), 40 + int(value), np.uint8)
            messages.append(raw('/front/image_raw', image(stamp, pixels), stamp + 2 * MS))
    return write_bag(path, messages)


def double(number: int, progress: Callable[[int, int], None]) -> int:
    """Return twice a number; negative ones fail in ways of their own."""
    progress(1, 2)
    if number == -1:
        raise BagError('bag of minus one')
    if number == -2:
        raise RuntimeError('nobody expected\nthis')
    if number == -3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def tell_and_wait(path: Path, progress: Callable[[int, int], None]) -> None:
    """Write this process's number into a file, then wait for ever; say when it is ended."""
    path.write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        path.with_suffix('.ended').touch()


def process_number(argument: object, progress: Callable[[int, int], None]) -> int:
    """Return which process does the work."""
    return os.getpid()


def convert_or_die(task: Task, progress: Callable[[int, int], None]) -> object:
    """Convert a bag; one that is called so ends its process in the midst of it."""
    if 'deadly' not in task.place.bag.name:
        return one_bag.convert(task, progress)
    return one_bag.convert(task, lambda done, of: os.kill(os.getpid(), signal.SIGKILL))


class Here:
    """Stands in for a ``Crew``: the work is done by whoever asks, which starts in no time."""

    def __init__(self, processes: int) -> None:
        self.processes = processes

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def work_off(self, works: Sequence[Work]) -> Iterator[Event]:
        for work in works:
            try:
                yield Done(work.name, work.call(work.argument, lambda done, of: None))
            except LerobotRosError as error:
                yield Failed(work.name, str(error))
