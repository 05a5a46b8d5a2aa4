"""kill -9 before every change that a session, its resumption and its repair make on the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONG = bool(os.environ.get('LEROBOT_ROS_LONG_TESTS'))
FORMS = [
    pytest.param(350, 1, 8, id='some steps'),
    pytest.param(
        2, 1, 1500, id='every second step',
        marks=[
            pytest.mark.skipif(not LONG, reason='half an hour; set LEROBOT_ROS_LONG_TESTS=1'),
            pytest.mark.timeout(7200),
        ],
    ),
]  # fmt: skip


@pytest.fixture(scope='module')
def killer(tmp_path_factory):
    """The library that counts changes and kills; it is preloaded."""
    compiler = shutil.which('cc')
    if compiler is None or not sys.platform.startswith('linux'):
        pytest.skip('NOT TESTED: killing at every step needs Linux and a C compiler')
    library = tmp_path_factory.mktemp('killer') / 'step_killer.so'
    source = HERE / 'step_killer.c'
    subprocess.run(
        [compiler, '-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], check=True
    )
    return library


@pytest.mark.parametrize(('stride', 'nested', 'kills'), FORMS)
def test_no_promise_is_broken_by_a_kill_at_any_step(
    tmp_path, killer, capsys, stride, nested, kills
):
    """Of recording, resuming, repairing; and of the mending of what that left."""
    done = subprocess.run(
        [sys.executable, str(HERE / 'step_harness.py'), str(tmp_path), str(stride), str(nested)],
        capture_output=True, text=True, check=False,
        env={**os.environ, 'LD_PRELOAD': str(killer), 'PYTHONPATH': str(HERE.parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts['kills'] >= kills and counts['durable'] and counts['incomplete']
    assert counts['kills of a cut']
    with capsys.disabled():
        print('\n', counts)  # noqa: T201
