from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import side_tables
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

FRAMES = pa.schema([('frame_index', pa.int64()), ('tick_ns', pa.int64())])
FORCES = pa.schema([('stamp_ns', pa.int64()), ('force', pa.float64())])
FEATURES = {'action': {'dtype': 'float32', 'shape': [1], 'names': ['a']}}
INFO = DatasetInfo(10, FEATURES)
TICK = 100_000_000
REPOSITORY = Path(__file__).parents[3]


def add(writer, tables, index):
    """A row, and what lies beside it: ten forces per row."""
    writer.add_frame({'action': np.float32([index])}, {}, 'push')
    if not tables:
        tables['frames'] = writer.side_table('frames', FRAMES)
        tables['force'] = writer.side_table('force', FORCES)
        writer.sketch_record(
            EpisodeRecord('abc', details={'task': 'push'}, files={'urdf-1.urdf': b'<robot/>'})
        )
    tables['frames'].append(pa.record_batch([[index], [index * TICK]], schema=FRAMES))
    stamps = [index * TICK + n * TICK // 10 for n in range(-9, 1)]
    tables['force'].append(pa.record_batch([stamps, np.arange(10.0)], schema=FORCES))


def record(root, rows, save=True):
    writer, tables = DatasetWriter.create(root, INFO), {}
    for index in range(rows):
        add(writer, tables, index)
    if save:
        writer.save_episode(EpisodeRecord('abc', files={'urdf-1.urdf': b'<robot/>'}))
        writer.finalize()
    return writer


def read(root, name, uuid='abc'):
    return pq.read_table(root / f'meta/ros/episodes/{uuid}.{name}.parquet')


def test_side_tables_share_the_episodes_fate(tmp_path):
    root = tmp_path / 'd'
    record(root, 20)
    assert read(root, 'force').num_rows == 200
    assert read(root, 'frames')['frame_index'].to_pylist() == list(range(20))
    assert (root / 'meta/ros/files/urdf-1.urdf').read_bytes() == b'<robot/>'
    assert not (root / '.recording').exists()
    assert validate_dataset(root) == []


def test_a_discarded_episode_leaves_none(tmp_path):
    root, tables = tmp_path / 'd', {}
    with DatasetWriter.create(root, INFO) as writer:
        add(writer, tables, 0)
        writer.discard_episode()
        with pytest.raises(DatasetError, match='is closed'):
            tables['force'].append(pa.record_batch([[1], [1.0]], schema=FORCES))
        tables.clear()
        add(writer, tables, 0)
        writer.save_episode(EpisodeRecord('next'))
    assert [p.name for p in (root / 'meta/ros/episodes').glob('*.force.parquet')] == [
        'next.force.parquet'
    ]


def test_a_file_shared_by_episodes_is_written_once(tmp_path):
    root = tmp_path / 'd'
    record(root, 2)
    path = root / 'meta/ros/files/urdf-1.urdf'
    before = path.stat()
    with DatasetWriter.resume(root, INFO) as writer:
        writer.add_frame({'action': np.float32([1])}, {}, 'push')
        writer.save_episode(EpisodeRecord('b', files={'urdf-1.urdf': b'<robot/>'}))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize('lost_rows', [0, 7])
def test_an_interrupted_episode_keeps_them_up_to_its_last_row(tmp_path, lost_rows):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    writer = record(root, 30, save=False)
    shutil.copytree(root, killed)
    writer.finalize()
    if lost_rows:
        (path,) = killed.glob('.recording/*/rows.arrow')
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.75)])
    repair_dataset(killed)
    (view,) = DatasetReader(killed).episodes()
    assert 0 < view.length <= 30 - lost_rows
    frames, force = read(killed, 'frames'), read(killed, 'force')
    assert frames['frame_index'].to_pylist() == list(range(view.length))
    assert force['stamp_ns'][-1].as_py() == (view.length - 1) * TICK
    assert force.num_rows == 10 * view.length
    document = json.loads((killed / 'meta/ros/episodes/abc.json').read_text())
    assert document['details'] == {'task': 'push', 'recovered_frames': view.length}
    assert document['outcome'] == 'incomplete'
    assert (killed / 'meta/ros/files/urdf-1.urdf').exists()


@pytest.mark.parametrize('share', [0.0, 0.02, 0.5, 0.99])
def test_a_torn_table_costs_only_what_is_torn(tmp_path, share):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    writer = record(root, 30, save=False)
    shutil.copytree(root, killed)
    writer.finalize()
    for name in ('force.side.arrow', 'frames.side.arrow', 'record.json'):
        (path,) = killed.glob(f'.recording/*/{name}')
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    repair_dataset(killed)
    (view,) = DatasetReader(killed).episodes()
    uuid = view.extra['ros/uuid']
    assert uuid != 'abc', 'what was known of it is torn'
    for name in ('force', 'frames'):
        found = killed / f'meta/ros/episodes/{uuid}.{name}.parquet'
        assert not found.exists() or pq.read_table(found).num_rows <= 300 * share + 1
    assert validate_dataset(killed) == []


KILLED = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_side_tables import INFO, DatasetWriter, add
writer, tables, index = DatasetWriter.create(Path(sys.argv[1]), INFO), {{}}, 0
while True:
    add(writer, tables, index)
    index += 1
    print(index, flush=True)
"""


def test_kill_9_costs_no_table(tmp_path):
    root = tmp_path / 'd'
    process = subprocess.Popen(
        [sys.executable, '-c', KILLED, str(root)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )  # fmt: skip
    done = 0
    while done < 200:
        done = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    repair_dataset(root)
    (view,) = DatasetReader(root).episodes()
    assert view.length >= 195
    assert view.length - 1 <= read(root, 'frames').num_rows <= view.length
    last = read(root, 'force')['stamp_ns'][-1].as_py()
    assert last in ((view.length - 1) * TICK, (view.length - 2) * TICK), 'killed between two'


def test_names_and_columns_are_checked(tmp_path):
    with DatasetWriter.create(tmp_path / 'd', INFO) as writer:
        writer.side_table('force', FORCES)
        for name in ('force', 'a.b', '', '../x'):
            with pytest.raises(DatasetError, match='needs a name of its own'):
                writer.side_table(name, FORCES)
        with pytest.raises(DatasetError, match=r"\['stamp_ns', 'force'\], found"):
            writer.side_table('other', FORCES).append(pa.record_batch([[1]], names=['x']))


def test_an_hour_of_a_thousand_a_second_does_not_lie_in_memory(tmp_path):
    schema = pa.schema([('stamp_ns', pa.int64()), *((f'f{n}', pa.float64()) for n in range(9))])
    tables = side_tables.SideTables(tmp_path)
    table = tables.add('force', schema)
    rows, values = 250, np.arange(250.0)
    for start in range(0, 600_000, rows):
        stamps = np.arange(start, start + rows) * 1_000_000
        table.append(pa.record_batch([stamps, *[values] * 9], schema=schema))
    whole = (tmp_path / 'force.side.arrow').stat().st_size
    pool = pa.default_memory_pool()
    before = max(pool.max_memory(), 1)
    files = side_tables.to_parquet(tmp_path, tables.close(), 'u')
    assert whole > 45e6 and pool.max_memory() < before + whole / 2
    (name,) = files
    assert pq.ParquetFile(tmp_path / name).metadata.num_rows == 600_000
