"""Before anything starts: is there a token, may it write there, and is the place free?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.dataset import layout
from lerobot_recorder.hub.faults import TOKENS
from lerobot_recorder.hub.job import Job
from lerobot_recorder.hub.plan import TREES
from lerobot_recorder.hub.repository import RemoteState, Repository
from lerobot_recorder.hub.snapshot import record_ids

READ = 'read'
FINE_GRAINED = 'fineGrained'
WRITE_PERMISSION = 'repo.write'


def check_access(job: Job, repository: Repository, is_new: bool) -> str:
    """Check that a dataset can be uploaded later on.

    Args:
        job: what is to go where.
        repository: the place.
        is_new: the dataset is about to be made, so nothing of it can be there.

    Returns:
        Who uploads where, for the user.

    Raises:
        HubError: it cannot; says what to do.
    """
    account = repository.account()
    check_token(job, account)
    remote = repository.state()
    if remote is not None:
        check_privacy(job, remote, repository.url)
        _check_place(job, remote, is_new)
    there = 'a new dataset' if remote is None else 'public' if not remote.private else 'private'
    return f'{account["name"]} uploads to {repository.url} ({there})'


def check_token(job: Job, account: Mapping[str, Any]) -> None:
    """Check that a token may write into a namespace.

    Args:
        job: what is to go where.
        account: what the Hub knows of the token's owner.

    Raises:
        HubError: it may not.
    """
    user, organisations = account['name'], account.get('orgs') or []
    roles = {item['name']: item.get('roleInOrg') for item in organisations}
    token = (account.get('auth') or {}).get('accessToken') or {}
    if job.namespace != user and job.namespace not in roles:
        raise HubError(
            f'the token is that of {user}, who does not belong to {job.namespace}: '
            f'set --dataset.repo_id={user}/{job.repo_id.split("/")[1]}, or log in as another user'
        )
    if roles.get(job.namespace) == READ:
        raise HubError(f'{user} may only read in {job.namespace}; ask its owners to let you write')
    if token.get('role') == READ:
        raise HubError(f'the token of {user} may only read: make one that may write at {TOKENS}')
    if token.get('role') == FINE_GRAINED and not _may_write(job, token.get('fineGrained') or {}):
        raise HubError(
            f'the token of {user} may not write to the repositories of {job.namespace}: '
            f'give it that permission at {TOKENS}'
        )


def check_privacy(job: Job, remote: RemoteState, url: str) -> None:
    """Refuse to put into the open what is to be private.

    Raises:
        HubError: the dataset there is public.
    """
    if job.private and not remote.private:
        raise HubError(
            f'{job.repo_id} is public on the Hub, but --dataset.private=true: make it private at '
            f'{url}/settings, or take another --dataset.repo_id'
        )


def _check_place(job: Job, remote: RemoteState, is_new: bool) -> None:
    """Tell early what the upload would refuse late."""
    if is_new and any(path.startswith(TREES) for path in remote.files):
        raise HubError(
            f'{job.repo_id} on the Hub holds a dataset already; take another --dataset.repo_id, '
            'or add to it with --resume=true'
        )
    here = record_ids({
        f'{layout.RECORDS}/{path.name}': path
        for path in (job.root / layout.RECORDS).glob('*.json')
    })  # fmt: skip
    strangers = record_ids(remote.files) - here
    if not is_new and strangers:
        raise HubError(
            f'{job.repo_id} on the Hub holds {len(strangers)} episodes that are not in '
            f'{job.root}; take another --dataset.repo_id'
        )


def _may_write(job: Job, granted: Mapping[str, Any]) -> bool:
    """Return whether a fine-grained token names the namespace, or the dataset, with writing."""
    places = {job.namespace, job.repo_id}
    return any(
        item.get('entity', {}).get('name') in places
        and WRITE_PERMISSION in item.get('permissions', ())
        for item in granted.get('scoped') or ()
    )
