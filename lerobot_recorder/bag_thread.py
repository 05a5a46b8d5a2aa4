"""The thread that writes bags, behind a queue of limited bytes: whoever fills it never waits."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rosbags.interfaces import Qos

from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.bag_link import BagPlace
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.dataset import durable
from lerobot_recorder.episode_bag import BAG_FAULTS, EpisodeBag
from lerobot_recorder.messages import RawMessage

MB = 1 << 20


@dataclass
class RunningBag:
    """The bag of one episode on its way to the disk.

    Attributes:
        uuid: of the episode.
        messages: topic -> messages handed over.
        dropped: topic -> messages left out, the disk being behind or refusing.
        size: bytes handed over.
        fault: why it is not whole, if the disk refused.
        file: what writes it; the thread's own.
    """

    uuid: str
    messages: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    size: int = 0
    fault: str | None = None
    file: EpisodeBag | None = None


class BagThread:
    """Writes bags one message after the other; every method but close returns at once.

    Args:
        place: where the bags go, and how.
        types: definitions of messages.
    """

    def __init__(self, place: BagPlace, types: MessageTypes) -> None:
        self._place, self._types = place, types
        self._undefined: set[str] = set()
        self._waiting, self._lock = 0, threading.Lock()
        self._lines: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name='bag', daemon=True)
        self._thread.start()

    def open(self, bag: RunningBag) -> None:
        """Start a bag."""
        self._do(bag, lambda: self._open(bag))

    def write(self, bag: RunningBag, raw: RawMessage, offered: Sequence[Qos]) -> None:
        """Add a message, or count it as dropped if too many wait.

        Args:
            bag: whose it is.
            raw: the message.
            offered: what the publishers of its topic offer.
        """
        size = len(raw.data)
        with self._lock:
            is_refused = bool(bag.fault) or self._waiting + size > self._place.config.queue_mb * MB
            self._waiting += 0 if is_refused else size
        if is_refused:
            bag.dropped[raw.topic] += 1
            return
        bag.messages[raw.topic] += 1
        bag.size += size
        self._do(bag, lambda: self._write(bag, raw, offered))

    def finish(self, bag: RunningBag) -> None:
        """Close the bag of an episode and give it its name; leave it if that is not durable."""
        self._do(bag, lambda: self._finish(bag))

    def discard(self, bag: RunningBag) -> None:
        """Remove a bag whose episode was dropped."""
        self._do(bag, lambda: self._discard(bag))

    def remove(self, uuid: str) -> None:
        """Remove a bag that was finished: its episode was dropped after all."""
        self._do(RunningBag(uuid), lambda: durable.remove_tree(self._place.folder / uuid))

    def say(self, line: str, is_fault: bool = False) -> None:
        """Keep a line for the operator."""
        self._lines.put((f'bag: {line}', is_fault))

    def told(self, only_faults: bool = False) -> list[str]:
        """Return the lines for the operator since the last time."""
        lines = [self._lines.get() for _ in range(self._lines.qsize())]
        return [line for line, is_fault in lines if is_fault or not only_faults]

    def close(self) -> None:
        """Wait until all is written."""
        self._jobs.put(None)
        self._thread.join()

    def _do(self, bag: RunningBag, work: Callable[[], None]) -> None:
        def job() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the thread's outermost line
                self._failed(bag, error)

        self._jobs.put(job)

    def _run(self) -> None:
        stay_in_background()
        while (job := self._jobs.get()) is not None:
            job()

    def _open(self, bag: RunningBag) -> None:
        bag.file = EpisodeBag(self._place.folder, bag.uuid, self._place.config, self._types)

    def _write(self, bag: RunningBag, raw: RawMessage, offered: Sequence[Qos]) -> None:
        with self._lock:
            self._waiting -= len(raw.data)
        if bag.fault or bag.file is None:
            return
        if not self._types.definition(raw.msgtype).is_known:
            self._tell_undefined(raw)
        bag.file.write(raw, offered)

    def _finish(self, bag: RunningBag) -> None:
        if bag.file is None:
            return
        notes = self._place.notes(bag.uuid)
        if notes is None:
            bag.file.leave()
            return
        if bag.fault is None:
            try:
                bag.file.finish(notes)
                return
            except BAG_FAULTS as error:
                self._failed(bag, error)
        bag.file.salvage({**notes, 'fault': str(bag.fault)})

    def _discard(self, bag: RunningBag) -> None:
        if bag.file is not None:
            bag.file.discard()

    def _failed(self, bag: RunningBag, error: Exception) -> None:
        if bag.fault is None:
            told = getattr(error, 'strerror', None) or str(error) or type(error).__name__
            bag.fault = told
            line = f'that of this episode is not whole: {told}; the dataset does not suffer'
            self.say(line, is_fault=True)

    def _tell_undefined(self, raw: RawMessage) -> None:
        if raw.msgtype not in self._undefined:
            self._undefined.add(raw.msgtype)
            self.say(
                f'{raw.topic}: the package of {raw.msgtype} is not installed here; the bytes are '
                'kept without their definition'
            )
