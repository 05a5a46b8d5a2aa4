"""``lerobot-ros record`` with the Hub: a whole graph, the stand-in of the Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hub_standin
import pytest
import yaml
from hub_scene import local

from lerobot_recorder.dataset.layout import CODEBASE_VERSION

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
REPO = 'me/pick'


@pytest.fixture
def arguments(tmp_path):
    sections = yaml.safe_load((ROOT / 'config' / 'so101_sim.yaml').read_text())
    for camera in sections['robot']['cameras'].values():
        camera |= {'width': 320, 'height': 240}
    sections['dataset'] |= {
        'repo_id': REPO, 'num_episodes': 2, 'episode_time_s': 1, 'reset_time_s': 0.5,
    }  # fmt: skip
    path = tmp_path / 'session.yaml'
    path.write_text(yaml.safe_dump(sections))
    return [f'--config_path={path}', f'--dataset.root={tmp_path / "dataset"}']


def record(arguments, hub):
    done = subprocess.run(
        [sys.executable, '-m', 'lerobot_drivers.cli', 'record', *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
        env={
            **os.environ,
            'HF_ENDPOINT': hub.url,
            'HF_TOKEN': hub_standin.TOKEN,
            'HF_HUB_OFFLINE': '0',
            'HF_HUB_DISABLE_XET': '1',
        },
    )
    assert 'Traceback' not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_what_was_recorded_is_on_the_hub_when_the_command_ends(arguments, tmp_path):
    with hub_standin.running() as hub:
        code, said = record([*arguments, '--dataset.push_to_hub=while_recording'], hub)
        assert code == 0, said
        repo = hub.repos[REPO]
    first, *_, last = said.splitlines()
    assert first == f'upload: me uploads to {hub.url}/datasets/{REPO} (a new dataset)'
    assert last.startswith(f'2 episodes on the Hub: {hub.url}/datasets/{REPO} (')
    assert {p: c for p, c in repo.files.items() if p != '.gitattributes'} == local(
        tmp_path / 'dataset'
    )
    assert repo.tags == {CODEBASE_VERSION: repo.branches['main']}
