from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.cli import main
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo


@pytest.fixture
def root(tmp_path):
    action = {'dtype': 'float32', 'shape': [1], 'names': ['x']}
    with DatasetWriter.create(tmp_path / 'd', DatasetInfo(10, {'action': action})) as writer:
        for episode in range(3):
            writer.add_frame({'action': np.array([episode], np.float32)}, {}, 'Go')
            writer.save_episode()
    return tmp_path / 'd'


def test_one_line_tells_what_was_done(root, capsys):
    assert main(['compact', str(root)]) == 0
    *_, line = capsys.readouterr().out.splitlines()
    assert line.startswith(f'{root}: 3 data, 0 video and 3 episodes files, ')
    assert '-> 1 data, 0 video and 1 episodes files, ' in line
    assert main(['compact', f'--dataset.root={root}']) == 0
    assert f'{root}: nothing to join, 1 data, 0 video' in capsys.readouterr().out


def test_who_stands_inside_is_told(root, capsys, monkeypatch):
    monkeypatch.chdir(root / 'data')
    assert main(['compact', '..']) == 0
    assert 'enter it again' in capsys.readouterr().out


def test_what_cannot_be_joined_is_one_line(root, capsys):
    layout.data_files(root)[1].write_bytes(b'')
    assert main(['compact', str(root)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'is not whole and was not touched' in line


def test_help_and_wrong_flags(capsys):
    assert main(['compact', '--help']) == 0
    assert 'usage: lerobot-ros compact' in capsys.readouterr().out
    assert main(['compact', '--decode=true']) == 2
