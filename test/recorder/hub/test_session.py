"""The Hub before, in and after a session, as the commands use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hub_scene import REPO, local, remote
from hub_standin import Fault

from lerobot_drivers.cli import main
from lerobot_drivers.common.errors import DatasetError, HubError
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.hub import session
from lerobot_recorder.hub.job import Job

ROOT = Path(__file__).resolve().parents[3]


def dataset(root, push_to_hub=True, **settings):
    return DatasetConfig(
        repo_id=REPO, single_task='Pick', root=root, push_to_hub=push_to_hub, **settings
    )


def test_nothing_is_asked_of_the_hub_unless_it_was_wanted(hub, root):
    config = dataset(root, push_to_hub=False)
    session.check_upload(config, False, pytest.fail)
    session.upload_recorded(config, pytest.fail)
    assert session.upload_companions(config) == []
    assert hub.requests == []


def test_before_a_session_the_user_hears_who_uploads_where(hub, tmp_path):
    told = []
    session.check_upload(dataset(tmp_path / 'new'), False, told.append)
    assert told == [f'upload: me uploads to {hub.url}/datasets/{REPO} (a new dataset)']


def test_a_session_that_could_not_upload_does_not_begin(hub, root):
    hub.role = 'read'
    with pytest.raises(HubError, match=r'may only read.*or record with --dataset.push_to_hub=fal'):
        session.check_upload(dataset(root), False, pytest.fail)


def test_after_a_session_all_of_it_is_uploaded(hub, root):
    told = []
    session.upload_recorded(dataset(root, private=True, tags=['a']), told.append)
    (line,) = told
    assert line.startswith('3 episodes on the Hub: ')
    assert 'private' in line
    assert remote(hub) == local(root)
    assert b'- a\n' in remote(hub)['README.md']


def test_what_could_not_be_uploaded_is_told_with_the_command_that_does_it(hub, root):
    hub.faults = [Fault('whoami', 403, 'closed')]
    config = dataset(root, private=True, tags=['a b'])
    with pytest.raises(HubError, match='nothing is lost, upload it with: lerobot-ros upload') as e:
        session.upload_recorded(config, pytest.fail)
    assert str(e.value).endswith(
        f'upload {root} --dataset.repo_id={REPO} --dataset.private=true \'--dataset.tags=["a b"]\''
    )


def test_a_session_that_ends_with_an_error_tells_how_to_upload(root):
    told = []
    with pytest.raises(DatasetError), session.kept_for_upload(dataset(root), told.append):
        raise DatasetError('full')
    assert told == [
        f'not all of it is on the Hub; upload it with: {Job.of(dataset(root)).command()}'
    ]


def test_the_recorder_does_not_load_what_uploads():
    modules = 'lerobot_recorder.session_file', 'lerobot_recorder.commands.record'
    code = f'import sys, {", ".join(modules)}; assert "huggingface_hub" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)


def test_a_job_survives_its_way_to_the_worker(tmp_path):
    job = Job(tmp_path, REPO, True, ('a', 'b'), 'next', True)
    assert Job.loads(job.dumps()) == job


def test_the_command_uploads_a_folder_and_what_is_new_of_it(hub, root, capsys):
    assert main(['upload', str(root), f'--dataset.repo_id={REPO}']) == 0
    assert main(['upload', f'--dataset.root={root}', f'--dataset.repo_id={REPO}']) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f'3 episodes on the Hub: {hub.url}/datasets/{REPO} (20 files new)'
    assert second == f'3 episodes on the Hub: {hub.url}/datasets/{REPO} (as before)'


@pytest.mark.parametrize(
    ('flags', 'code', 'told'),
    [
        ([], 2, 'name the dataset on the Hub: --dataset.repo_id=USER/NAME'),
        (['--dataset.repo_id=pick'], 1, 'is called USER/NAME'),
        (['--dataset.repo_id=me/pick', '--dataset.private=maybe'], 1, 'dataset.private'),
        (['--dataset.repo_id=me/pick', '--dataset.tags=a'], 1, 'dataset.tags'),
        (['--dataset.repo_id=me/pick', '--force=true'], 2, 'unknown flag --force'),
        (['--dataset.repo_id=me/pick', '--dataset.fps=3'], 2, '--dataset.fps is not taken here'),
    ],
)
def test_a_wrong_command_line_is_one_line(root, flags, code, told, capsys):
    assert main(['upload', str(root), *flags]) == code
    assert told in capsys.readouterr().err.splitlines()[0]
