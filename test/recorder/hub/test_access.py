"""What is checked before a recording starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_scene import REPO, Uploader, record

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.hub.access import check_access, check_token
from lerobot_recorder.hub.job import Job

pytestmark = pytest.mark.filterwarnings('ignore:Use .content:DeprecationWarning')


def account(role='write', granted=None, org_role='write'):
    token = {'role': role, 'fineGrained': granted or {}}
    return {
        'name': 'me',
        'orgs': [{'name': 'lab', 'roleInOrg': org_role}],
        'auth': {'accessToken': token},
    }


def scope(name, *permissions):
    return {'scoped': [{'entity': {'name': name}, 'permissions': permissions}]}


@pytest.mark.parametrize(
    ('repo_id', 'owner'),
    [
        ('me/x', account()),
        ('lab/x', account()),
        ('lab/x', account(org_role='contributor')),
        ('me/x', account('fineGrained', scope('me', 'repo.write'))),
        ('me/x', account('fineGrained', scope('me/x', 'repo.content.read', 'repo.write'))),
        ('me/x', {'name': 'me'}),
    ],
)
def test_who_may_write_passes(repo_id, owner):
    check_token(Job(Path('x'), repo_id), owner)


@pytest.mark.parametrize(
    ('repo_id', 'owner', 'told'),
    [
        ('you/x', account(), 'set --dataset.repo_id=me/x, or log in'),
        ('me/x', account('read'), 'may only read: make one'),
        ('lab/x', account(org_role='read'), 'me may only read in lab'),
        ('me/x', account('fineGrained'), 'may not write to the repositories of me'),
        ('me/x', account('fineGrained', scope('me', 'repo.content.read')), 'may not write'),
        ('lab/x', account('fineGrained', scope('me', 'repo.write')), 'repositories of lab'),
    ],
)
def test_who_may_not_is_told_what_to_do(repo_id, owner, told):
    with pytest.raises(HubError, match=told):
        check_token(Job(Path('x'), repo_id), owner)


@pytest.mark.parametrize('repo_id', ['x', 'a/b/c', '/x', 'me/'])
def test_a_name_that_the_hub_does_not_take(repo_id):
    with pytest.raises(HubError, match='is called USER/NAME'):
        Job(Path('x'), repo_id)


def check(uploader, is_new):
    return check_access(uploader.job, uploader.repository, is_new)


def test_a_free_place_and_ones_own_pass(uploader, root):
    assert check(uploader, True).endswith('(a new dataset)')
    uploader.repository.create()
    assert check(uploader, True).endswith('(public)')
    uploader.run()
    assert check(uploader, False).endswith('(public)')


def test_a_new_dataset_finds_its_place_taken(uploader):
    uploader.run()
    with pytest.raises(HubError, match=f'{REPO} on the Hub holds a dataset already'):
        check(uploader, True)


def test_going_on_with_another_dataset_is_told_early(uploader, tmp_path):
    uploader.run()
    other = Uploader(record(tmp_path / 'other', 1))
    with pytest.raises(HubError, match='holds 3 episodes that are not in'):
        check(other, False)


def test_private_asked_for_and_public_found(hub, uploader, root):
    uploader.repository.create()
    with pytest.raises(HubError, match='is public on the Hub'):
        check(Uploader(root, private=True), True)
