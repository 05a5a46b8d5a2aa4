"""A graph that talks, a clock by hand and a recorder that listens, for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
from synthetic_messages import MS, T0, S, image, joint_state, raw

from lerobot_recorder.dataset.amendments import PendingChange
from lerobot_recorder.dataset.dataset_writer import PendingEpisode, SavedEpisode
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_status import Phase, SessionConfig
from lerobot_recorder.row_plan import RowPlan

MAPPING = {
    'fps': 30,
    'features': {
        'observation.state': {'topic': '/states'},
        'action': {'topic': '/commands'},
        'observation.images.front': {'topic': '/front'},
    },
}
JOINTS = ['a', 'b']
PIXELS = np.zeros((16, 16, 3), np.uint8)


class KeptTable:
    """Stands in for a side table of the writer."""

    def __init__(self, schema):
        self.schema, self.batches = schema, []

    def append(self, batch):
        assert batch.schema == self.schema
        self.batches.append(batch)

    def table(self):
        return pa.Table.from_batches(self.batches, self.schema)


class KeptAmendments:
    """Stands in for a writer's amendments: whatever is asked is done at once."""

    def __init__(self):
        self.amended, self.dropped = [], []

    def amend(self, uuid, outcome=None, details=None):
        self.amended.append((uuid, outcome, details))
        return self._done()

    def drop(self, uuid):
        self.dropped.append(uuid)
        return self._done()

    def _done(self):
        change = PendingChange()
        change.resolve(None)
        return change


class Kept:
    """Stands in for a DatasetWriter: keeps what it is given."""

    def __init__(self):
        self.rows, self.episodes, self.dropped, self.is_final = [], [], 0, False
        self.notices, self.behind, self.can_accept = (), frozenset(), True
        self.pending, self.is_slow, self.tables = [], False, {}
        self.frames_behind = 0
        self.amendments = KeptAmendments()

    def add_frame(self, values, pictures, task, *, wait=True):
        self.rows.append((values, pictures, task))
        return frozenset() if wait else self.behind

    def side_table(self, name, schema):
        assert name not in self.tables
        self.tables[name] = KeptTable(schema)
        return self.tables[name]

    def sketch_record(self, record):
        self.sketch = record

    def save_episode(self, record=None):
        grown = {name: table.table() for name, table in self.tables.items()}
        record = replace(record, tables={**record.tables, **grown})
        self.episodes.append((self.rows, record))
        self.rows, self.tables = [], {}
        return SavedEpisode(len(self.episodes) - 1, len(self.episodes[-1][0]), record.uuid)

    def accept_episode(self, record=None):
        pending = PendingEpisode(record.uuid, len(self.rows), False)
        saved = self.save_episode(record)
        self.pending.append((pending, saved))
        if not self.is_slow:
            self.resolve()
        return pending

    def resolve(self, error=None):
        """Make the oldest pending episode durable, or fail."""
        pending, saved = self.pending.pop(0)
        pending.resolve(error or saved)

    def discard_episode(self):
        self.dropped += bool(self.rows)
        self.rows, self.tables = [], {}

    def finalize(self):
        self.is_final = True


class Stage:
    """A graph that talks, a clock by hand and a recorder that listens."""

    def __init__(self, mapping=MAPPING, make_writer=None, companions=(), **session):
        self.now = T0
        self.kept = Kept()
        self.made_with = None
        self.silent: set[str] = set()
        config = SessionConfig(
            **{'task': 'fold', 'num_episodes': 2, 'episode_frames': 30} | session
        )
        plan = RowPlan(build_mapping(mapping, 'mapping'))
        self.recorder = Recorder(
            plan, make_writer or self.make_writer, config, self.now, companions=companions
        )
        self._due = {'/states': T0, '/commands': T0, '/front': T0}
        self._waiting: list[RawMessage] = []
        self._step = {'/states': S // 100, '/commands': S // 50, '/front': S // 30}

    def make_writer(self, features):
        self.made_with = features
        return self.kept

    def accompany(self, *companions):
        self.recorder._companions._members = companions

    def message(self, topic: str, stamp: int) -> RawMessage:
        seconds = (stamp - T0) / S
        if topic == '/front':
            return raw(topic, image(stamp, PIXELS), stamp + 30 * MS)
        sign = 1 if topic == '/states' else -1
        return raw(topic, joint_state(stamp, JOINTS, [sign * seconds, 7.0]), stamp + 2 * MS)

    def run(self, seconds: float = 60.0, until: Callable[[], bool] = lambda: False) -> None:
        end = self.now + round(seconds * S)
        while self.now < end and not until() and not self.recorder.is_done:
            self.now += 20 * MS
            for topic, step in self._step.items():
                while self._due[topic] <= self.now:
                    if topic not in self.silent:
                        self._waiting.append(self.message(topic, self._due[topic]))
                    self._due[topic] += step
            self._waiting.sort(key=lambda message: message.received_ns)
            while self._waiting and self._waiting[0].received_ns <= self.now:
                self.recorder.on_message(self._waiting.pop(0))
            self.recorder.poll(self.now)

    def run_to(self, phase: Phase) -> None:
        self.run(until=lambda: self.recorder.phase is phase)
        assert self.recorder.phase is phase


def lengths(stage: Stage) -> list[int]:
    return [len(rows) for rows, _ in stage.kept.episodes]
