"""What is to go to which place on the Hub; all a worker process is told."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lerobot_drivers.common.errors import HubError

if TYPE_CHECKING:
    from lerobot_recorder.config import DatasetConfig

WHILE_RECORDING = 'while_recording'
PUSH_CHOICES = (False, True, WHILE_RECORDING)
"""What ``--dataset.push_to_hub`` may be."""
MAIN = 'main'
CHECK_NEW, CHECK, PUSH, FOLLOW = 'check-new', 'check', 'push', 'follow'
"""What a worker can do with a job: see whether it can be done, do it, do it as episodes come."""


@dataclass(frozen=True)
class Job:
    """A dataset and where it goes.

    Attributes:
        root: its folder.
        repo_id: its name on the Hub, ``user/name``.
        private: whether only its owner may see it; None leaves that to the Hub's settings.
        tags: words for the card, besides ``LeRobot``.
        branch: where it goes; only on ``main`` the tag of the format's version moves along.
        overwrite: replace another dataset that lies there.
    """

    root: Path
    repo_id: str
    private: bool | None = None
    tags: tuple[str, ...] = ()
    branch: str = MAIN
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.repo_id.count('/') != 1 or not all(self.repo_id.split('/')):
            raise HubError(
                f'on the Hub a dataset is called USER/NAME, found {self.repo_id!r}: '
                'set --dataset.repo_id'
            )

    @classmethod
    def of(cls, dataset: DatasetConfig) -> Job:
        """Return the job of a session.

        Raises:
            HubError: the repo_id is none of the Hub's.
        """
        tags = tuple(dataset.tags or ())
        return cls(dataset.folder.absolute(), dataset.repo_id, dataset.private, tags)

    @property
    def namespace(self) -> str:
        """The user or organisation it belongs to."""
        return self.repo_id.split('/')[0]

    def dumps(self) -> str:
        """Return it as text."""
        return json.dumps({**asdict(self), 'root': str(self.root)})

    @classmethod
    def loads(cls, text: str) -> Job:
        """Return what `dumps` made a text of."""
        job = cls(**json.loads(text))
        return replace(job, root=Path(job.root), tags=tuple(job.tags))

    def command(self) -> str:
        """Return the command line that does it, or the rest of it."""
        words = ['lerobot-ros', 'upload', str(self.root), f'--dataset.repo_id={self.repo_id}']
        if self.private is not None:
            words.append(f'--dataset.private={str(self.private).lower()}')
        if self.tags:
            words.append(f'--dataset.tags={json.dumps(list(self.tags))}')
        if self.branch != MAIN:
            words.append(f'--branch={self.branch}')
        return shlex.join(words)
