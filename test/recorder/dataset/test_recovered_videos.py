"""What an interrupted episode leaves, of each kind of encoder and image, and faults on the way."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import side_tables, video_writer
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

CAMERA = 'observation.images.front'
SIZE = (96, 128)
FEATURES = {
    'action': {'dtype': 'float32', 'shape': [1], 'names': ['a']},
    CAMERA: {'dtype': 'video', 'shape': [*SIZE, 3], 'names': ['height', 'width', 'channels']},
}
IMAGES = {**FEATURES, CAMERA: {**FEATURES[CAMERA], 'dtype': 'image'}}


def create(root, features=FEATURES, **video):
    return DatasetWriter.create(root, DatasetInfo(30, features, 'x', VideoConfig(**video)))


def add(writer, count):
    for number in range(count):
        picture = np.full((*SIZE, 3), 40 + number % 100, np.uint8)
        values = {'action': np.full(1, number, np.float32)}
        writer.add_frame(values, {CAMERA: ArrayPicture(picture)}, 'Look')


@pytest.mark.parametrize('vcodec', ['h264', 'hevc', 'libsvtav1', 'mjpeg'])
def test_a_running_episode_is_recovered_from_every_codec(tmp_path, vcodec):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    with create(root, vcodec=vcodec) as writer:
        add(writer, 120)
        camera = writer._episode._cameras[CAMERA]
        while camera._done < 120:
            threading.Event().wait(0.01)
        shutil.copytree(root, killed)
        writer.discard_episode()
    (told,) = repair_dataset(killed)[:1]
    assert 'recovered' in told, told
    view = DatasetReader(killed).episode(0)
    assert view.length >= 120 - (75 if vcodec == 'libsvtav1' else 30)
    assert view.extra['ros/outcome'] == 'incomplete'
    assert validate_dataset(killed, decode=True) == []


def test_an_accepted_episode_of_av1_is_recovered_whole(tmp_path, monkeypatch):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    with create(root, vcodec='libsvtav1') as writer:
        copied = threading.Event()
        monkeypatch.setattr(writer, '_save', lambda *args: copied.wait(30) and SAVE(writer, *args))
        add(writer, 60)
        camera = writer._episode._cameras[CAMERA]
        while camera._done < 60:
            threading.Event().wait(0.01)
        writer.accept_episode(EpisodeRecord('abc', 'success'))
        assert camera.join(20)
        shutil.copytree(root, killed)
        copied.set()
    repair_dataset(killed)
    view = DatasetReader(killed).episode(0)
    assert (view.length, view.extra['ros/outcome']) == (60, 'success')
    assert validate_dataset(killed, decode=True) == []


SAVE = DatasetWriter._save


@pytest.mark.parametrize('damage', ['zeros at the end', 'an image in the middle'])
def test_images_are_recovered_up_to_the_damage(tmp_path, damage):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    with create(root, IMAGES) as writer:
        add(writer, 40)
        while writer._episode._cameras[CAMERA]._done < 40:
            threading.Event().wait(0.01)
        shutil.copytree(root, killed)
        writer.discard_episode()
    (spool,) = killed.glob('.recording/*/*front*')
    data = bytearray(spool.read_bytes())
    if damage == 'zeros at the end':
        data += bytes(500)
    else:
        middle = len(data) // 2
        data[middle : middle + len(data) // 20] = bytes(len(data) // 20)
    spool.write_bytes(data)
    repair_dataset(killed)
    assert DatasetReader(killed).episode(0).length >= 10
    assert validate_dataset(killed, decode=True) == []


def test_a_file_that_cannot_be_closed_ends_the_episode_and_nothing_hangs(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError('no space left')

    with create(tmp_path / 'd') as writer:
        add(writer, 5)
        writer.save_episode()
        monkeypatch.setattr(video_writer.VideoSink, 'close', refuse)
        add(writer, 5)
        with pytest.raises(DatasetError, match='no space left'):
            writer.save_episode()
        monkeypatch.undo()
        writer.discard_episode()
        add(writer, 5)
        assert writer.save_episode().index == 1


def test_a_side_table_that_the_disk_refuses_leaves_the_episode_for_a_repair(tmp_path, monkeypatch):
    schema = side_tables.pa.schema([('stamp_ns', side_tables.pa.int64())])
    batch = side_tables.pa.record_batch([[1]], schema=schema)

    class Full:
        def write_batch(self, batch):
            raise OSError('no space left')

        def close(self):
            pass

    root = tmp_path / 'd'
    with create(root) as writer:
        add(writer, 60)
        table = writer.side_table('force', schema)
        monkeypatch.setattr(table, '_stream', Full())
        with pytest.raises(DatasetError, match=r'no space left.*are safe'):
            table.append(batch)
        with pytest.raises(DatasetError, match='discard_episode'):
            add(writer, 1)
    assert any('recovered' in line for line in repair_dataset(root))
    assert DatasetReader(root).episode(0).length >= 30
