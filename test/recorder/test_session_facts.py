from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_recorder import provenance
from lerobot_recorder.session_facts import REMOVED, session_facts, without_secrets

SO101 = {'type': 'so101_follower', 'id': 'left', 'port': '/dev/ttyACM0'}


def test_calibrations_are_those_that_the_session_names(tmp_path):
    (tmp_path / 'left.json').write_text('{"a": 1}')
    (tmp_path / 'lead.json').write_text('{"b": 2}')
    sections = {
        'robot': {**SO101, 'calibration_dir': str(tmp_path)},
        'teleop': {'type': 'so101_leader', 'id': 'lead', 'calibration_dir': tmp_path},
    }
    facts = session_facts(sections)
    assert facts.missing == {}
    assert facts.files['calibration.robot'].content == b'{"a": 1}'
    assert facts.files['calibration.teleop'].content == b'{"b": 2}'
    assert json.loads(facts.files['configuration'].content)['robot']['id'] == 'left'


def test_calibrations_are_found_where_lerobot_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv('HF_LEROBOT_CALIBRATION', str(tmp_path))
    folder = tmp_path / 'teleoperators' / 'so_leader'
    folder.mkdir(parents=True)
    (folder / 'lead.json').write_text('{}')
    facts = session_facts({'robot': SO101, 'teleop': {'type': 'so101_leader', 'id': 'lead'}})
    assert facts.files['calibration.teleop'].content == b'{}'
    assert facts.missing == {
        'calibration.robot': 'there is no calibration file of so101_follower left'
    }


def test_what_is_missing_is_told():
    facts = session_facts({'robot': {**SO101, 'port': 'sim://bench/left'}})
    assert facts.missing == {
        'calibration.robot': 'simulated: it has the calibration of its maker',
        'calibration.teleop': 'the session names no teleop',
    }


def test_secrets_stay_out():
    kept = without_secrets(
        {
            'hub_token': 'abc',
            'policy': {'path': 'https://me:hunter2@host/x', 'note': 'use hf_' + 'a' * 30},
            'list': [{'API-key': 'k', 'apiKey': 'k'}, 'sk-' + 'b' * 20, 3, None, 1.5, True],
            'password': '',
            'dataset': {'repo_id': 'user/name', 'root': Path('/data')},
        }
    )
    text = json.dumps(kept)
    assert not any(secret in text for secret in ('abc', 'hunter2', 'aaaa', 'bbbb', '"k"'))
    assert kept['hub_token'] == REMOVED and kept['password'] == ''
    assert kept['dataset'] == {'repo_id': 'user/name', 'root': '/data'}
    assert kept['policy']['path'] == f'https://{REMOVED}@host/x'
    assert kept['list'][2:] == [3, None, 1.5, True]


@given(st.text(alphabet='abcXYZ09_-', min_size=12, max_size=40), st.sampled_from(['hf_', 'ghp_']))
def test_a_token_anywhere_in_a_text_is_removed(secret, kind):
    assert secret not in without_secrets(f'run --x={kind}{secret} now')


def git(folder, *arguments):
    who = ['-c', 'user.name=a', '-c', 'user.email=a@b.c']
    subprocess.run(['git', '-C', folder, *who, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_checkout_and_no_other(tmp_path):
    package = tmp_path / 'checkout' / 'package'
    package.mkdir(parents=True)
    file = package / 'code.py'
    file.write_text('1')
    assert provenance._of_checkout(file) is None
    git(tmp_path / 'checkout', 'init', '-q')
    assert provenance._of_checkout(file) is None, 'a repository that does not know the file'
    git(tmp_path / 'checkout', 'add', '-A')
    git(tmp_path / 'checkout', 'commit', '-qm', 'x')
    clean = provenance._of_checkout(file)
    assert clean is not None and len(clean) == 40
    file.write_text('2')
    assert provenance._of_checkout(file) == f'{clean}-dirty'


def test_what_nobody_knows_is_unknown(monkeypatch):
    monkeypatch.setattr(provenance, '_git', lambda *_: None)
    monkeypatch.setattr(provenance, '_of_pip', lambda: None)
    assert provenance.commit() == 'unknown'


@pytest.mark.parametrize('name', ['python', 'platform', 'numpy', 'pyarrow', 'commit'])
def test_versions_name_what_counts(name):
    assert provenance.versions()[name]
