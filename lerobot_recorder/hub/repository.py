"""One dataset repository on the Hub: what is there, and one step at a time what is to be."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.dataset.layout import CODEBASE_VERSION
from lerobot_recorder.hub import faults
from lerobot_recorder.hub.job import MAIN, Job
from lerobot_recorder.hub.snapshot import LocalFile

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

DATASET = 'dataset'
TIMEOUTS_S = (15.0, 300.0, 60.0, None)
"""Connect, read, write, pool: the Hub may take minutes for a commit of many files."""
INFO_TIMEOUT_S = 60.0
THREADS = 3


@dataclass(frozen=True)
class RemoteFile:
    """A file on the Hub.

    Attributes:
        size: its size [bytes].
        sha256: name of its content if that is large, else None.
        git_sha1: git's name of its content, or of the pointer to it.
    """

    size: int
    sha256: str | None
    git_sha1: str

    def is_same(self, file: LocalFile) -> bool:
        """Return whether the content is that of a file here, which is read."""
        if self.size != file.size:
            return False
        if self.sha256 is not None:
            return self.sha256 == file.sha256()
        return self.git_sha1 == file.git_sha1()


@dataclass(frozen=True)
class RemoteState:
    """What a branch holds.

    Attributes:
        head: its last commit.
        private: whether only its owner may see it.
        files: path -> file.
    """

    head: str
    private: bool
    files: Mapping[str, RemoteFile] = field(default_factory=dict)


def open_api() -> HfApi:
    """Return huggingface_hub's client, quiet and not patient without end.

    The token (``HF_TOKEN`` or the file of ``hf auth login``), the place of the Hub
    (``HF_ENDPOINT``) and being offline are huggingface_hub's to know; no token passes through
    our hands.

    Raises:
        HubError: huggingface_hub is not installed.
    """
    os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')
    os.environ.setdefault('HF_HUB_DISABLE_PROGRESS_BARS', '1')
    os.environ.setdefault('HF_HUB_VERBOSITY', 'error')
    try:
        from huggingface_hub import HfApi, get_session
    except ModuleNotFoundError as error:
        raise HubError(
            f'the Python package {error.name} is missing: pip install lerobot_ros brings it; '
            'beside a ROS 2 installation, pip install -r requirements-pip.txt'
        ) from error
    get_session().timeout = TIMEOUTS_S
    return HfApi(library_name='lerobot_ros')


class Repository:
    """The repository of one job.

    All methods raise `HubBusyError` where trying again may help, and `HubError` where not.

    Args:
        job: which dataset on which branch.
        api: huggingface_hub's client.
    """

    def __init__(self, job: Job, api: HfApi) -> None:
        self._job, self._api = job, api
        self._names: dict[str, Any] = {'repo_id': job.repo_id, 'repo_type': DATASET}
        self._operations: dict[str, tuple[LocalFile, CommitOperationAdd]] = {}

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f'{self._api.endpoint}/datasets/{self._job.repo_id}'

    def account(self) -> dict[str, Any]:
        """Return what the Hub knows of the owner of the token."""
        with self._told():
            return dict(self._api.whoami())

    def state(self) -> RemoteState | None:
        """Return what is there, None if the repository or the branch is not."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
        from huggingface_hub.hf_api import RepoFile

        with self._told():
            try:
                found = self._api.repo_info(
                    **self._names, revision=self._job.branch, timeout=INFO_TIMEOUT_S
                )
            except RevisionNotFoundError:
                return None
            except RepositoryNotFoundError as error:
                if error.response.status_code == 404:
                    return None
                raise
            head = str(found.sha)
            entries = self._api.list_repo_tree(**self._names, revision=head, recursive=True)
            files = {
                entry.path: RemoteFile(
                    entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id
                )
                for entry in entries
                if isinstance(entry, RepoFile)
            }
        return RemoteState(head, bool(found.private), files)

    def create(self) -> None:
        """Make the repository and the branch, unless they are there."""
        with self._told():
            self._api.create_repo(**self._names, private=self._job.private, exist_ok=True)
            if self._job.branch != MAIN:
                self._api.create_branch(**self._names, branch=self._job.branch, exist_ok=True)

    def read(self, path: str) -> bytes:
        """Return the content of a small file there."""
        with self._told(), tempfile.TemporaryDirectory() as folder:
            found = self._api.hf_hub_download(
                **self._names, filename=path, revision=self._job.branch, local_dir=folder
            )
            return Path(found).read_bytes()

    def send(self, files: Mapping[str, LocalFile]) -> None:
        """Bring contents to the Hub's store; nothing appears in the repository yet."""
        with self._told():
            additions = [self._operation(path, file) for path, file in files.items()]
            self._api.preupload_lfs_files(
                self._job.repo_id,
                additions,
                repo_type=DATASET,
                revision=self._job.branch,
                num_threads=THREADS,
            )

    def commit(
        self,
        files: Mapping[str, LocalFile],
        deletions: Iterable[str],
        message: str,
        parent: str,
    ) -> str:
        """Change the repository in one step.

        Args:
            files: what is new or other.
            deletions: what goes.
            message: what it is about.
            parent: the commit that this is thought for; another one is there by now: busy.

        Returns:
            The new commit.
        """
        from huggingface_hub import CommitOperationDelete

        additions = [self._operation(path, file) for path, file in files.items()]
        removals = [CommitOperationDelete(path) for path in deletions]
        with self._told():
            done = self._api.create_commit(
                **self._names,
                operations=[*additions, *removals],
                commit_message=message,
                revision=self._job.branch,
                parent_commit=parent,
                num_threads=THREADS,
            )
        for path in files:
            self._operations.pop(path)
        return str(done.oid)

    def tag(self, head: str) -> None:
        """Let the tag of the format's version, which LeRobot asks for, name a commit."""
        from huggingface_hub.errors import RevisionNotFoundError

        with self._told():
            refs = self._api.list_repo_refs(**self._names)
            if any(t.name == CODEBASE_VERSION and t.target_commit == head for t in refs.tags):
                return
            with contextlib.suppress(RevisionNotFoundError):
                self._api.delete_tag(**self._names, tag=CODEBASE_VERSION)
            self._api.create_tag(**self._names, tag=CODEBASE_VERSION, revision=head, exist_ok=True)

    def _operation(self, path: str, file: LocalFile) -> CommitOperationAdd:
        """Return huggingface_hub's view of a file, which remembers that it was sent."""
        from huggingface_hub import CommitOperationAdd

        known = self._operations.get(path)
        if known is None or known[0] != file:
            source = file.source if isinstance(file.source, bytes) else str(file.source)
            known = file, CommitOperationAdd(path, source)
            self._operations[path] = known
        return known[1]

    def _told(self) -> AbstractContextManager[None]:
        return faults.told(self._job, self._api.endpoint)
