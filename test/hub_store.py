"""What the stand-in of the Hub keeps: repositories as whole trees, one per commit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Blob:
    content: bytes
    large: bool

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    @property
    def git_sha1(self):
        content = self.content
        if self.large:
            content = f'version 1\noid sha256:{self.sha256}\nsize {len(content)}\n'.encode()
        return hashlib.sha1(b'blob %d\0' % len(content) + content).hexdigest()


@dataclass
class Repo:
    """Commits as whole trees; `log` has their messages, newest last."""

    private: bool
    commits: dict = field(default_factory=dict)
    branches: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    log: list = field(default_factory=list)

    def __post_init__(self):
        self.add('main', {'.gitattributes': Blob(b'*.mp4 filter=lfs\n', False)}, 'initial commit')

    def add(self, branch, tree, message):
        oid = hashlib.sha1(f'{len(self.log)} {message}'.encode()).hexdigest()
        self.commits[oid], self.branches[branch] = dict(tree), oid
        self.log.append(message)
        return oid

    def resolve(self, revision):
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        return oid if oid in self.commits else None

    @property
    def files(self):
        """What the newest commit of main holds."""
        return {path: blob.content for path, blob in self.commits[self.branches['main']].items()}
