"""What a disk may hold when the power fails: a model of what is sure, and seeded adversity.

Sure is what was synced: a file's content up to its last fsync; names by the rules of the model.
`ordered`, as ext4 with its defaults: names change in one order for the whole disk, and every fsync
takes along all changes of names before it. `posix`, the weakest: a folder's names are sure only
after an fsync of that folder, and of what came after it any first part may be there, in each
folder for itself. A rename is one change in both models: the old name never goes before the new
one is there. Content that was not synced is there, in part, as zeros, or not at all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from write_trace import Op

MODELS = ('ordered', 'posix')


@dataclass
class _File:
    synced: bytes = b''
    writes: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.synced, self.writes = _applied(self.synced, self.writes), []

    def after_crash(self, rng: random.Random) -> bytes:
        fate = rng.choice(['none', 'all', 'part', 'zeros'])
        if fate == 'none':
            return self.synced
        kept = self.writes[: rng.randint(0, len(self.writes))] if fate == 'part' else self.writes
        if fate == 'zeros':
            kept = [(at, data and bytes(len(data))) for at, data in kept]
        return _applied(self.synced, kept)


def _applied(content: bytes, writes: Sequence[tuple[int, bytes | None]]) -> bytes:
    """Apply writes; data None sets the size."""
    result = bytearray(content)
    for at, data in writes:
        if data is None:
            del result[at:]
        end = at + len(data or b'')
        result.extend(bytes(max(0, end - len(result))))
        if data:
            result[at:end] = data
    return bytes(result)


@dataclass(frozen=True)
class _NameChange:
    """One change of one folder's names.

    Attributes:
        when: Position in the trace.
        name: The name.
        node: What it names from now on, None if nothing.
        partner: The folder in which a renamed thing gets its new name, for the loss of the old.
    """

    when: int
    name: str
    node: _File | _Folder | None
    partner: _Folder | None = None


@dataclass
class _Folder:
    changes: list[_NameChange] = field(default_factory=list)
    sure: int = 0
    names: dict[str, _File | _Folder] = field(default_factory=dict)


class Disk:
    """Follows a trace."""

    def __init__(self, ops: Sequence[Op]) -> None:
        self.base = _Folder()
        self._last_sync = -1
        for when, op in enumerate(ops):
            if op.kind != 'said':
                self._follow(when, op)

    def build(self, folder: Path, model: str, rng: random.Random) -> None:
        """Write what the disk may hold into a folder."""
        newest = max((c.when for f in self._folders() for c in f.changes), default=-1)
        until = rng.randint(self._last_sync, max(newest, self._last_sync))
        kept: dict[int, int] = {}
        for each in self._folders():
            if model == 'ordered':
                kept[id(each)] = sum(change.when <= until for change in each.changes)
            else:
                kept[id(each)] = rng.randint(each.sure, len(each.changes))
        self._build(self.base, folder, kept, rng)

    def _build(self, node: _Folder, path: Path, kept: dict[int, int], rng: random.Random) -> None:
        path.mkdir(exist_ok=True)
        for name, child in self._names(node, kept).items():
            if isinstance(child, _Folder):
                self._build(child, path / name, kept, rng)
            else:
                (path / name).write_bytes(child.after_crash(rng))

    @staticmethod
    def _names(node: _Folder, kept: dict[int, int]) -> dict[str, _File | _Folder]:
        names: dict[str, _File | _Folder] = {}
        for change in node.changes[: kept[id(node)]]:
            if change.node is not None:
                names[change.name] = change.node
            elif change.partner is None or _has(change.partner, change.when, kept):
                names.pop(change.name, None)
        return names

    def _folders(self) -> list[_Folder]:
        found, todo = [], [self.base]
        while todo:
            folder = todo.pop()
            if not any(folder is known for known in found):
                found.append(folder)
                todo += [c.node for c in folder.changes if isinstance(c.node, _Folder)]
        return found

    def _place(self, path: str) -> tuple[_Folder, str]:
        *parents, name = path.split('/')
        folder = self.base
        for parent in parents:
            child = folder.names[parent]
            assert isinstance(child, _Folder)
            folder = child
        return folder, name

    def _find(self, path: str) -> _File | _Folder:
        if not path:
            return self.base
        folder, name = self._place(path)
        return folder.names[name]

    def _rename_to(
        self, when: int, folder: _Folder, name: str, node: _File | _Folder | None,
        partner: _Folder | None = None,
    ) -> None:  # fmt: skip
        folder.changes.append(_NameChange(when, name, node, partner))
        if node is None:
            folder.names.pop(name, None)
        else:
            folder.names[name] = node

    def _follow(self, when: int, op: Op) -> None:
        if op.kind in ('create', 'mkdir'):
            new: _File | _Folder = _File() if op.kind == 'create' else _Folder()
            self._rename_to(when, *self._place(op.path), new)
        elif op.kind == 'rename':
            node = self._find(op.path)
            target, name = self._place(op.target)
            self._rename_to(when, target, name, node)
            self._rename_to(when, *self._place(op.path), None, target)
        elif op.kind == 'unlink':
            self._rename_to(when, *self._place(op.path), None)
        elif op.kind == 'sync':
            self._sync(when, self._find(op.path))
        else:
            file = self._find(op.path)
            assert isinstance(file, _File)
            file.writes.append((op.at, op.data if op.kind == 'write' else None))

    def _sync(self, when: int, node: _File | _Folder) -> None:
        self._last_sync = when
        if isinstance(node, _Folder):
            node.sure = len(node.changes)
        else:
            node.sync()


def _has(folder: _Folder, when: int, kept: dict[int, int]) -> bool:
    return any(change.when == when for change in folder.changes[: kept[id(folder)]])
