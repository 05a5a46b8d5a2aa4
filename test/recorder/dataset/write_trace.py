"""What a process wrote, synced and renamed below a folder, in order: read from strace's output."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    'open', 'openat', 'creat', 'close', 'write', 'pwrite64', 'writev', 'pwritev', 'lseek',
    'ftruncate', 'truncate', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir',
    'mkdirat', 'rmdir', 'link', 'linkat', 'symlink', 'symlinkat', 'fsync', 'fdatasync', 'syncfs',
    'sync_file_range', 'fallocate', 'copy_file_range', 'sendfile', 'splice', 'mmap', 'dup',
    'dup2', 'dup3', 'fcntl',
)  # fmt: skip
STRACE = ['strace', '-f', '-qq', '-xx', '-s', '100000000', '-e', 'trace=' + ','.join(CALLS)]
_LINE = re.compile(r'(\d+)\s+(.*)', re.DOTALL)
_CALL = re.compile(r'(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(?:\s.*)?$', re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HARMLESS = {'close', 'fcntl', 'dup', 'dup2', 'dup3', 'mmap'}


@dataclass(frozen=True)
class Op:
    """One change, or one promise.

    Attributes:
        kind: create, mkdir, write, truncate, rename, unlink, sync, said.
        path: What it is about, relative to the folder ('' is the folder itself).
        target: New path of a rename.
        at: Offset of a write, or the new size.
        data: What was written or said.
    """

    kind: str
    path: str = ''
    target: str = ''
    at: int = 0
    data: bytes = b''


@dataclass
class _Descriptor:
    path: str
    at: int = 0
    appends: bool = False


@dataclass
class Trace:
    """Follows file descriptors of one process."""

    root: str
    ops: list[Op] = field(default_factory=list)
    _open: dict[int, _Descriptor] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def feed(self, name: str, arguments: str, result: int) -> None:
        """Take in a call that succeeded."""
        texts = [bytes.fromhex(t.replace('\\x', '')) for t in _TEXT.findall(arguments)]
        plain = _TEXT.sub('""', arguments)
        numbers = [part.strip() for part in plain.split(',')]
        if name in ('open', 'openat', 'creat'):
            self._opened(self._path(name, numbers, texts[0], 0), plain, result)
        elif name == 'close':
            self._open.pop(int(numbers[0]), None)
        elif name in ('write', 'pwrite64', 'lseek', 'ftruncate', 'fsync', 'fdatasync', 'mmap',
                      'fcntl', 'dup', 'dup2', 'dup3'):  # fmt: skip
            self._on_descriptor(name, numbers, texts, result)
        elif name in ('rename', 'renameat', 'renameat2'):
            source = self._path(name, numbers, texts[0], 0)
            target = self._path(name, numbers, texts[1], 2)
            self._change(Op('rename', source, target))
        elif name in ('unlink', 'unlinkat', 'rmdir'):
            self._change(Op('unlink', self._path(name, numbers, texts[0], 0)))
        elif name in ('mkdir', 'mkdirat'):
            self._change(Op('mkdir', self._path(name, numbers, texts[0], 0)))
        elif texts and any(self._inside(os.fsdecode(text)) for text in texts):
            raise AssertionError(f'the replay does not know {name}({plain})')

    def _inside(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root + '/')

    def _path(self, name: str, numbers: list[str], text: bytes, at: int) -> str:
        """Return the absolute path of a call's argument, relative ones by their descriptor."""
        path = os.fsdecode(text)
        if path.startswith('/') or not name.endswith(('at', 'at2')):
            return path
        folder = numbers[at]
        known = self._open.get(int(folder)) if folder.isdigit() else None
        return f'{known.path}/{path}' if known else path

    def _change(self, op: Op) -> None:
        if self._inside(op.path):
            target = self._relative(op.target) if op.target else ''
            if op.kind == 'rename':
                self._renamed(op.path, op.target)
            elif op.kind == 'unlink':
                self._sizes.pop(op.path, None)
            self.ops.append(Op(op.kind, self._relative(op.path), target, op.at, op.data))

    def _renamed(self, old: str, new: str) -> None:
        def now(path: str) -> str:
            return new + path[len(old) :] if path == old or path.startswith(old + '/') else path

        self._sizes = {now(path): size for path, size in self._sizes.items() if path != new}
        for descriptor in self._open.values():
            descriptor.path = now(descriptor.path)

    def _relative(self, path: str) -> str:
        return path[len(self.root) + 1 :]

    def _opened(self, path: str, flags: str, descriptor: int) -> None:
        if not self._inside(path):
            self._open.pop(descriptor, None)
            return
        self._open[descriptor] = _Descriptor(path, 0, 'O_APPEND' in flags)
        if 'O_CREAT' in flags and path not in self._sizes:
            self._sizes[path] = 0
            self._change(Op('create', path))
        elif 'O_TRUNC' in flags:
            self._sizes[path] = 0
            self._change(Op('truncate', path))

    def _on_descriptor(
        self, name: str, numbers: list[str], texts: list[bytes], result: int
    ) -> None:
        number = int(numbers[4 if name == 'mmap' else 0])
        if name == 'write' and number == 1:
            self.ops.append(Op('said', data=texts[0][:result]))
        known = self._open.get(number)
        if known is None:
            return
        if name in ('dup', 'dup2', 'dup3') or 'F_DUPFD' in ' '.join(numbers):
            self._open[result] = known
        elif name == 'mmap':
            shared = any('MAP_SHARED' in part for part in numbers)
            assert not (shared and any('PROT_WRITE' in part for part in numbers)), known.path
        elif name == 'lseek':
            known.at = result
        elif name == 'ftruncate':
            self._sizes[known.path] = int(numbers[1])
            self._change(Op('truncate', known.path, at=int(numbers[1])))
        elif name in ('fsync', 'fdatasync'):
            self._change(Op('sync', known.path))
        elif name in ('write', 'pwrite64'):
            self._written(known, name, numbers, texts[0][:result])

    def _written(self, known: _Descriptor, name: str, numbers: list[str], data: bytes) -> None:
        at = int(numbers[3]) if name == 'pwrite64' else known.at
        if known.appends:
            at = self._sizes.get(known.path, 0)
        self._change(Op('write', known.path, at=at, data=data))
        self._sizes[known.path] = max(self._sizes.get(known.path, 0), at + len(data))
        if name == 'write':
            known.at = at + len(data)


def read(trace: Path, root: Path) -> list[Op]:
    """Return what happened below a folder, calls in the order in which they ended."""
    follower = Trace(str(root))
    begun: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match.groups()
        if text.endswith('<unfinished ...>'):
            begun[pid] = text.removesuffix('<unfinished ...>')
            # Another thread may get the same number before the call is seen to end.
            if text.startswith('close('):
                follower.feed('close', text[6:].split()[0].rstrip(')'), 0)
                begun[pid] = ''
            continue
        if text.startswith('<...'):
            text = begun.pop(pid, '') + text.partition('resumed>')[2]
        call = _CALL.match(text)
        if call and not call[3].startswith(('-', '?')):
            follower.feed(call[1], call[2], int(call[3], 0))
    return follower.ops
