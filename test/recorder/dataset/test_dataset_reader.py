from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.schema import user_features
from lerobot_recorder.dataset.validate import ERROR, validate_dataset

SHARED = Path(__file__).parents[3].parent / 'shared/data/lerobot'


@pytest.fixture
def foreign(tmp_path):
    """Return a writable copy of a dataset that others made."""

    def copy(name):
        if not (SHARED / name).exists():
            pytest.skip(f'{SHARED / name} is not here')
        root = tmp_path / name
        for path in sorted((SHARED / name).rglob('*')):
            if path.is_file():
                target = root / path.relative_to(SHARED / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        return root

    return copy


def test_any_picture_can_be_had_alone(good, film, tools):
    view = DatasetReader(good).episode(1)
    for number in (6, 0, 3):
        found = view.frame(tools.CAMERA, number)
        assert tools.psnr(found, film.saved[1][number]['pictures'][tools.CAMERA]) > 32


def test_what_is_not_there_is_refused(good, tmp_path):
    reader = DatasetReader(good)
    with pytest.raises(DatasetError, match='episodes 0 to 2, not 3'):
        reader.episode(3)
    with pytest.raises(DatasetError, match=r"no camera 'wrist', only \['observation"):
        reader.episode(0).frames('wrist')
    with pytest.raises(DatasetError, match='frames 0 to 4, not 5'):
        reader.episode(0).frame('observation.images.front', 5)
    with pytest.raises(DatasetFormatError, match=r'no LeRobot dataset.*meta/info.json'):
        DatasetReader(tmp_path / 'nothing')


@pytest.mark.parametrize(
    ('change', 'match'),
    [({'codebase_version': 'v2.1'}, 'v2.1'), ({'storage_format': 'lance'}, 'lance')],
)
def test_other_formats_are_refused(good, change, match):
    path = good / 'meta/info.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DatasetFormatError, match=match):
        DatasetReader(good)


def test_several_episodes_in_one_video_are_told_apart(good, film, tools):
    """LeRobot joins videos by copying packets; the same is done here by hand."""
    folder = good / f'videos/{tools.CAMERA}/chunk-000'
    joined = good / 'joined.mp4'
    with av.open(str(joined), 'w') as target:
        stream, start = None, 0
        for path in sorted(folder.glob('*.mp4')):
            with av.open(str(path)) as source:
                video = source.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                ticks = int(1 / (10 * video.time_base))
                for packet in source.demux(video):
                    if packet.pts is not None:
                        packet.pts = packet.dts = packet.pts + start * ticks
                        packet.stream = stream
                        target.mux(packet)
                start += video.frames
    for path in sorted(folder.glob('*.mp4')):
        path.unlink()
    joined.rename(folder / 'file-000.mp4')
    _point_to_joined(good, tools.CAMERA)
    assert validate_dataset(good, decode=True) == []
    for view, frames in zip(DatasetReader(good).episodes(), film.saved, strict=True):
        for found, frame in zip(view.frames(tools.CAMERA), frames, strict=True):
            assert tools.psnr(found, frame['pictures'][tools.CAMERA]) > 32
        last = view.length - 1
        expected = frames[last]['pictures'][tools.CAMERA]
        assert tools.psnr(view.frame(tools.CAMERA, last), expected) > 32


def _point_to_joined(root, camera):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in (root / 'meta/episodes').glob('*/*.parquet'):
        table = pq.read_table(path)
        start = table['dataset_from_index'][0].as_py() / 10
        length = table['length'][0].as_py() / 10
        values = {'file_index': 0, 'from_timestamp': start, 'to_timestamp': start + length}
        for name, value in values.items():
            index = table.schema.get_field_index(f'videos/{camera}/{name}')
            field = table.schema.field(index)
            table = table.set_column(index, field, pa.array([value], field.type))
        pq.write_table(table, path)


def test_lerobots_images_can_be_read(foreign):
    reader = DatasetReader(foreign('thewisp_pusht_image_slice'))
    assert reader.num_episodes == 3
    for view in reader.episodes():
        pictures = list(view.frames('observation.image'))
        assert len(pictures) == view.length
        assert pictures[0].shape == (96, 96, 3)
        assert np.array_equal(view.frame('observation.image', 1), pictures[1])


@pytest.mark.parametrize('name', ['keertimanney_rebot', 'thewisp_pusht_image_slice'])
def test_episodes_can_be_added_to_lerobots_datasets(foreign, tools, name):
    root = foreign(name)
    reader = DatasetReader(root)
    before, rows = reader.num_episodes, reader.episode(reader.num_episodes - 1).rows
    document = reader.info
    entries = {k: {n: f[n] for n in ('dtype', 'shape', 'names')}
               for k, f in user_features(reader.features).items()}  # fmt: skip
    info = DatasetInfo(reader.fps, entries, document['robot_type'])
    with DatasetWriter.resume(root, info) as writer:
        assert writer.num_episodes == before
        for number in range(5):
            values = {k: np.atleast_1d(v[number]) for k, v in rows.items() if k in entries}
            pictures = {k: _Plain(*entries[k]['shape'][:2]) for k in reader.cameras}
            writer.add_frame(values, pictures, 'A new task')
        writer.save_episode()
    again = DatasetReader(root)
    assert again.num_episodes == before + 1
    assert again.episode(before).tasks == ('A new task',)
    assert again.tasks[: len(reader.tasks)] == reader.tasks
    np.testing.assert_array_equal(again.episode(before - 1).rows['action'], rows['action'])
    assert [str(f) for f in validate_dataset(root) if f.severity == ERROR] == []


class _Plain:
    def __init__(self, height, width):
        self.height, self.width = height, width

    def rgb(self):
        return np.full((self.height, self.width, 3), 90, np.uint8)
