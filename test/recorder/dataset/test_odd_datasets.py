"""Whatever somebody did to a dataset: one clear line, never a traceback."""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import compatible, layout
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.merge import merge_datasets
from lerobot_recorder.dataset.edits.write_statistics import write_statistics
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.just(2**70),
    st.floats(),
    st.sampled_from(['', 'video', 'image', 'float32', 'x/y', '../..', '{chunk_index}', 'v3.0']),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.integers(-1, 4), st.none(), st.text(max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    entries = tools.features()
    entries['note'] = {'dtype': 'string', 'shape': [1], 'names': None}
    entries['pose'] = {'dtype': 'float64', 'shape': [2, 2], 'names': None}
    entries['observation.images.wrist'] = {**entries[tools.CAMERA], 'dtype': 'image'}
    info = DatasetInfo(10, entries, 'so_follower')
    film, root = tools.Film(info), tmp_path_factory.mktemp('odd') / 'good'
    with DatasetWriter.create(root, info) as writer:
        for _ in range(2):
            film.episode(writer, 3)
    return root, info


def use(root, info):
    """Everything that reads a dataset; each ends well or says what is wrong in one line."""
    problems = []

    def attempt(what):
        try:
            return what()
        except DatasetError as error:
            problems.append(str(error))
            return None

    findings = validate_dataset(root, decode=True)
    problems += map(str, findings)
    reader = attempt(lambda: DatasetReader(root))
    for index in range(reader.num_episodes if reader else 0):
        view = attempt(lambda index=index: reader.episode(index))
        for camera in reader.cameras if view else ():
            attempt(lambda view=view, camera=camera: list(view.frames(camera)))
    attempt(lambda: compatible.check(root, info))
    attempt(lambda: merge_datasets([root], root.with_name('merged')))
    attempt(lambda: write_statistics(root, decode=True))
    attempt(lambda: compact_dataset(root))
    attempt(lambda: delete_episodes(root, [0]))
    shutil.rmtree(root.with_name('merged'), ignore_errors=True)
    assert not [path for path in root.parent.iterdir() if path.name.startswith('.')]
    attempt(lambda: repair_dataset(root))
    assert all(problem.strip() for problem in problems)
    return problems


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from places(value[number], (*path, number))


def changed(document, path, value, drop):
    document = copy.deepcopy(document)
    if not path:
        return value
    at = document
    for key in path[:-1]:
        at = at[key]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


LONG = bool(os.environ.get('LEROBOT_ROS_LONG_TESTS'))
"""Set it to try fifty times as many changes."""
EXAMPLES = 300 if LONG else 6
MEMORY = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
"""Nothing here is about durability; waiting for the disk would be most of the time."""
SETTINGS = {'deadline': None, 'suppress_health_check': list(HealthCheck), 'derandomize': True}


@settings(max_examples=EXAMPLES, **SETTINGS)
@given(data=st.data())
@pytest.mark.parametrize('file', [layout.INFO, layout.STATS])
def test_odd_json_is_told_in_a_line(made, file, data):
    source, info = made
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(shutil.copytree(source, Path(folder) / 'd'))
        document = json.loads((root / file).read_text())
        path = data.draw(st.sampled_from(list(places(document))))
        odd = changed(document, path, data.draw(ODD), data.draw(st.booleans()))
        (root / file).write_text(json.dumps(odd))
        use(root, info)


@settings(max_examples=EXAMPLES, **SETTINGS)
@given(data=st.data())
def test_odd_tables_are_told_in_a_line(made, data):
    source, info = made
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(shutil.copytree(source, Path(folder) / 'd'))
        files = [root / layout.TASKS, layout.data_files(root)[1], layout.episodes_files(root)[0]]
        path = data.draw(st.sampled_from(files))
        table = pq.read_table(path)
        name = data.draw(st.sampled_from(table.column_names))
        at = table.column_names.index(name)
        change = data.draw(st.sampled_from(['drop', 'null', 'text', 'number', 'list', 'short']))
        if change == 'drop':
            table = table.drop_columns([name])
        elif change == 'short':
            table = table.slice(0, len(table) - 1)
        else:
            values = {
                'null': None,
                'text': 'x',
                'number': data.draw(st.integers(-9, 9)),
                'list': [1],
            }
            table = table.set_column(at, name, pa.array([values[change]] * len(table)))
        pq.write_table(table, path)
        use(root, info)


@settings(max_examples=EXAMPLES, **SETTINGS)
@given(data=st.data())
def test_torn_and_foreign_files_are_told_in_a_line(made, data):
    source, info = made
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(shutil.copytree(source, Path(folder) / 'd'))
        files = sorted(p for p in root.rglob('*') if p.is_file())
        path = data.draw(st.sampled_from(files))
        content = path.read_bytes()
        change = data.draw(st.sampled_from(['cut', 'spoil', 'empty', 'folder', 'other', 'stray']))
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        if change == 'cut':
            path.write_bytes(content[:at])
        elif change == 'spoil':
            path.write_bytes(content[:at] + data.draw(st.binary(max_size=9)) + content[at + 9 :])
        elif change == 'empty':
            path.write_bytes(b'')
        elif change == 'folder':
            path.unlink()
            path.mkdir()
        elif change == 'other':
            shutil.copyfile(data.draw(st.sampled_from(files)), path.with_name('other'))
            path.with_name('other').replace(path)
        else:
            shutil.copyfile(path, path.with_name(f'file-009{path.suffix}'))
        use(root, info)
