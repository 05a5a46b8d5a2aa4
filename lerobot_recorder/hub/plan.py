"""What has to change on the Hub so that it holds what lies here; and what must not be touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.edits.records import deleted_ids
from lerobot_recorder.hub.job import Job
from lerobot_recorder.hub.repository import RemoteFile, RemoteState
from lerobot_recorder.hub.snapshot import LocalFile, Snapshot, record_ids

TREES = ('data/', 'videos/', 'meta/')
"""What in a repository belongs to a dataset; all else is somebody's own and stays."""
AHEAD = ('videos/', 'meta/ros/')
"""Nobody looks there but for what a row of meta/episodes names: these may come before it ..."""
AHEAD_OF_ALL = ('data/', *AHEAD)
"""... and these as long as there is no info.json, without which nothing is a dataset."""
_GLOBBED = ('data/', layout.EPISODES + '/')
COMMIT_FILES = 500
SEND_FILES = 16
SEND_BYTES = 64 << 20
KnownFiles = dict[str, tuple[LocalFile, RemoteFile]]


@dataclass(frozen=True)
class Plan:
    """The difference between here and there.

    Attributes:
        additions: path -> file that is missing there or another one.
        new: those of them that are missing there.
        deletions: what is there and not here any more.
        is_first: whether there is no dataset yet.
    """

    additions: Mapping[str, LocalFile]
    new: frozenset[str]
    deletions: tuple[str, ...]
    is_first: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether both are the same already."""
        return not self.additions and not self.deletions

    def ahead(self) -> list[dict[str, LocalFile]]:
        """Return what goes into commits of its own, before the one that makes it count."""
        if len(self.additions) <= COMMIT_FILES:
            return []
        trees = AHEAD_OF_ALL if self.is_first else AHEAD
        paths = [path for path in self.additions if path in self.new and path.startswith(trees)]
        return [
            {path: self.additions[path] for path in paths[at : at + COMMIT_FILES]}
            for at in range(0, len(paths), COMMIT_FILES)
        ]


def make_plan(
    snapshot: Snapshot, remote: RemoteState, known: KnownFiles, in_haste: bool = False
) -> Plan:
    """Compare what is here with what is there; a file of equal size is read.

    Args:
        snapshot: what is here.
        remote: what is there.
        known: pairs that were found equal before; added to.
        in_haste: do not read videos, which may be very much: equal size is enough.
    """
    new = frozenset(path for path in snapshot.files if path not in remote.files)
    additions = {}
    for path, file in snapshot.files.items():
        there = remote.files.get(path)
        if there is not None and known.get(path) == (file, there):
            continue
        trusted = in_haste and path.startswith('videos/')
        if there is not None and (there.size == file.size if trusted else there.is_same(file)):
            known[path] = file, there
        else:
            additions[path] = file
    gone = sorted(
        path for path in remote.files if path.startswith(TREES) and path not in snapshot.files
    )
    return Plan(additions, new, tuple(gone), layout.INFO not in remote.files)


def check_related(job: Job, snapshot: Snapshot, remote: RemoteState, plan: Plan) -> None:
    """Refuse to replace a dataset that is not an earlier state of this one.

    Raises:
        HubError: it lies there.
    """
    changed = [path for path in plan.additions if path not in plan.new]
    replaced = [path for path in (*plan.deletions, *changed) if path.startswith(TREES)]
    known = record_ids(snapshot.files) | deleted_ids(job.root)
    strangers = record_ids(remote.files) - known
    mixed = plan.new and any(path.startswith(_GLOBBED) for path in remote.files)
    related = bool(record_ids(remote.files)) and not strangers
    if job.overwrite or related or not (replaced or mixed):
        return
    what = f'{len(strangers)} episodes that are not' if strangers else 'files that are others than'
    raise HubError(
        f'{job.repo_id} on the Hub holds {what} in {job.root}; take another --dataset.repo_id, '
        'or replace what is there with lerobot-ros upload ... --overwrite=true'
    )


def batches(files: Mapping[str, LocalFile]) -> Iterator[dict[str, LocalFile]]:
    """Yield files in portions that can be sent at once."""
    batch: dict[str, LocalFile] = {}
    size = 0
    for path, file in sorted(files.items()):
        if batch and (len(batch) >= SEND_FILES or size + file.size > SEND_BYTES):
            yield batch
            batch, size = {}, 0
        batch[path] = file
        size += file.size
    if batch:
        yield batch
