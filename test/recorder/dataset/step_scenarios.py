"""What is killed at every step: small sessions of two cameras, side tables and shared files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from crash_scenarios import CAMERA, FPS, INFO, Promises, brightness, check, tell, tell_durable

from lerobot_recorder.dataset import layout, seal
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord, PendingEpisode
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.repair import repair_dataset

WRIST = 'observation.images.wrist'
TWO = DatasetInfo(FPS, {**INFO.features, WRIST: INFO.features[CAMERA]}, 'so_follower')
STAMPS = pa.schema([('frame_index', pa.int64()), ('tick_ns', pa.int64())])
ADDED = 990


def frames(writer: DatasetWriter, serial: int, count: int) -> EpisodeRecord:
    """Add an episode's frames as the recorder does: its stamps beside it, a sketch before it."""
    files = {f'camera_info-{serial % 2}.yaml': b'the same for all'}
    record = EpisodeRecord(f'e{serial}', 'success', details={'serial': serial}, files=files)
    writer.sketch_record(record)
    stamps = writer.side_table('frames', STAMPS)
    for frame in range(count):
        if frame % 8 == 0:
            numbers = list(range(frame, min(frame + 8, count)))
            ticks = [number * 10 for number in numbers]
            stamps.append(pa.record_batch([numbers, ticks], schema=STAMPS))
        picture = np.full((48, 64, 3), brightness(frame), np.uint8)
        pictures = {CAMERA: ArrayPicture(picture), WRIST: ArrayPicture(255 - picture)}
        values = {'action': np.array([serial, frame], np.float32)}
        writer.add_frame(values, pictures, f'Task {serial % 2}')
    return record


def accepted(writer: DatasetWriter, serial: int, count: int) -> PendingEpisode:
    record = frames(writer, serial, count)
    pending = writer.accept_episode(record)
    tell('accepted', record.uuid, count, record.outcome)
    return pending


def settled(writer: DatasetWriter) -> None:
    """Wait until the pictures of the running episode are encoded, so that a kill finds some."""
    while any(camera._done < camera.fed for camera in writer._episode._cameras.values()):
        time.sleep(0.001)


def record(root: Path) -> None:
    """Save, discard, save behind the next one; end in the midst of a fourth."""
    writer = DatasetWriter.create(root, TWO)
    first = accepted(writer, 1, 24)
    frames(writer, 2, 12)
    writer.discard_episode()
    tell('discarded', 'e2')
    second = accepted(writer, 3, 20)
    tell_durable(root, first)
    frames(writer, 4, 40)
    settled(writer)
    tell_durable(root, second)
    os._exit(0)


def resume(root: Path) -> None:
    """Mend what `record` left, add an episode, close."""
    with DatasetWriter.resume(root, TWO) as writer:
        pending = accepted(writer, 5, 18)
        frames(writer, 6, 9)
        tell_durable(root, pending)


def repair(root: Path) -> None:
    """Mend and close."""
    repair_dataset(root)


SCENARIOS: dict[str, Callable[[Path], None]] = {
    'record': record, 'resume': resume, 'repair': repair,
}  # fmt: skip


@dataclass(frozen=True)
class Checker:
    """Holds a dataset that was mended against what was promised."""

    root: Path
    promises: Promises
    discarded: frozenset[str]

    def __call__(self) -> dict[str, int]:
        assert not (self.root / layout.RECORDING).exists()
        if not (self.root / layout.INFO).exists():
            assert not self.promises.durable
            self._check_aside(set())
            return {}
        counts = check(self.root, self.promises)
        views = list(DatasetReader(self.root).episodes())
        uuids = {str(view.extra['ros/uuid']) for view in views}
        assert len(uuids) == len(views)
        assert not uuids & self.discarded, 'a discarded episode came back'
        for view in views:
            for number, picture in enumerate(view.frames(WRIST)):
                assert abs(int(picture.mean()) - 255 + brightness(number)) <= 3
            self._check_record(str(view.extra['ros/uuid']), view)
        self._check_files(uuids)
        self._check_statistics(views)
        self._check_aside(uuids)
        return counts

    def _check_record(self, uuid: str, view: EpisodeView) -> None:
        document = json.loads((self.root / layout.RECORDS / f'{uuid}.json').read_text())
        assert (document['outcome'], document['frames']) == (
            view.extra['ros/outcome'], view.length,
        )  # fmt: skip
        assert document['details']['serial'] == int(view.rows['action'][0][0])
        stamps = pq.read_table(self.root / layout.RECORDS / f'{uuid}.frames.parquet')
        assert stamps['frame_index'].to_pylist() == list(range(view.length)), uuid

    def _check_files(self, uuids: set[str]) -> None:
        """There is nothing of an episode that is not in the dataset."""
        known = {path.name.partition('.')[0] for path in (self.root / layout.RECORDS).iterdir()}
        assert known == uuids, f'records of {known}, episodes {uuids}'
        for camera in (CAMERA, WRIST):
            assert len(layout.video_files(self.root, camera)) == len(uuids)
        assert len(layout.data_files(self.root)) == len(uuids)
        stray = [p for p in self.root.rglob('*') if p.name.endswith('.tmp') or '.short.' in p.name]
        assert not [p for p in stray if layout.QUARANTINE not in p.parts], stray

    def _check_statistics(self, views: list[EpisodeView]) -> None:
        assert seal.is_intact(self.root)
        stats = json.loads((self.root / layout.STATS).read_text())
        rows = np.concatenate([view.rows['action'] for view in views]).astype(np.float64)
        assert stats['action']['count'] == [len(rows)]
        for name in ('min', 'max', 'mean', 'std'):
            np.testing.assert_allclose(stats['action'][name], getattr(rows, name)(0), rtol=1e-6)

    def _check_aside(self, uuids: set[str]) -> None:
        """Nothing is set aside but what was accepted and had no picture on the disk."""
        for folder in (self.root / layout.QUARANTINE).glob('*/*'):
            known = json.loads((folder / 'accepted.json').read_text())['uuid']
            assert known not in uuids | set(self.promises.durable) | self.discarded
