"""A conversion that is killed with -9 leaves nothing that looks finished, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from old_scene import LENGTHS, OldScene

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.old_datasets.convert import OldJob, convert_old

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, signal, sys
from pathlib import Path
from lerobot_recorder.dataset import commit, state
from lerobot_recorder.old_datasets import convert, making, films

module, name, count = {'commit': (commit, 'apply', 2), 'files': (commit, '_sync', 5),
    'copy': (films, '_look', 3), 'publish': (convert, '_publish', 1)}[sys.argv[3]] + ()
whole, calls = getattr(module, name), []

def killed(*given):
    calls.append(given)
    if len(calls) == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given)

setattr(module, name, killed)
convert.convert_old(convert.OldJob(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def rows(root):
    return [pq.read_table(path).to_pylist() for path in sorted((root / 'data').glob('*/*'))]


@pytest.mark.parametrize('where', ['copy', 'commit', 'files', 'publish'])
def test_it_goes_on_without_doubles(tmp_path, where):
    scene = OldScene(tmp_path / 'old')
    scene.write()
    convert_old(OldJob(scene.root, tmp_path / 'whole'))
    command = [sys.executable, '-c', PROGRAM, str(scene.root), str(tmp_path / 'new'), where]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    ended = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not (tmp_path / 'new').exists() and (tmp_path / '.new.converting').is_dir()
    converted = convert_old(OldJob(scene.root, tmp_path / 'new'))
    assert converted.frames == sum(LENGTHS)
    assert converted.resumed == {'copy': 0, 'commit': 2, 'files': 3, 'publish': 3}[where]
    assert validate_dataset(tmp_path / 'new', decode=True) == []
    assert rows(tmp_path / 'new') == rows(tmp_path / 'whole')
    assert not (tmp_path / 'new/.quarantine').exists()
    uuids = [view.extra['ros/uuid'] for view in DatasetReader(tmp_path / 'new').episodes()]
    assert len(set(uuids)) == len(LENGTHS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['new', 'old', 'whole']
