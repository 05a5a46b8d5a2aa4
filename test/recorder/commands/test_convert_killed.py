"""The shipped command, interrupted and killed in mid-conversion: what was done stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from long_bag import bag_of, pictures, streams, text

from lerobot_recorder.dataset.validate import validate_dataset

ROOT = Path(__file__).parents[3]
EPISODES = 15
FEATURES = (
    '{observation.state: {topic: /states}, action: {topic: /commands}, '
    'observation.images.front: {topic: /front}}'
)


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    marks = [
        text('/m', 4 * k + at, word)
        for k in range(EPISODES)
        for at, word in ((1, 'start'), (3, 'stop'))
    ]
    return bag_of(tmp_path_factory.mktemp('bag') / 'bag', streams(4 * EPISODES), marks)


def command(bag: Path, root: Path) -> subprocess.Popen:
    words = [
        sys.executable, '-m', 'lerobot_drivers.cli', 'convert', str(bag), '--dataset.repo_id=a/b',
        f'--dataset.root={root}', '--dataset.single_task=x', '--dataset.fps=10',
        f'--recorder.features={FEATURES}', '--episodes.by=marker', '--resume=true',
    ]  # fmt: skip
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=os.environ)


def saved(root: Path) -> int:
    try:
        return int(json.loads((root / 'meta/info.json').read_text())['total_episodes'])
    except (OSError, ValueError):
        return 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGKILL])
def test_what_was_done_stays_and_the_next_call_makes_the_rest(bag, tmp_path, how):
    root = tmp_path / 'set'
    first = command(bag, root)
    while not saved(root) and first.poll() is None:
        time.sleep(0.002)
    first.send_signal(how)
    out, err = first.communicate()
    kept = saved(root)
    assert 1 <= kept < EPISODES, 'it was over before it was killed'
    if how is signal.SIGINT:
        assert first.returncode == 130 and err == 'interrupted\n'
        assert f'{kept} episodes are saved in {root}; --resume=true goes on from there' in out
        assert not validate_dataset(root, decode=True)
    second = command(bag, root)
    out, err = second.communicate()
    assert (second.returncode, err) == (0, '')
    assert 'converted already' in out
    assert pictures(root) == [
        [at % 256 for at in range(40 * k + 10, 40 * k + 31)] for k in range(EPISODES)
    ]
    assert not validate_dataset(root, decode=True)
