"""The sources as the gates see them: files, syntax trees, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ('lerobot_drivers', 'lerobot_teleop', 'lerobot_recorder', 'lerobot_policy')


@dataclass(frozen=True)
class Import:
    """One absolute name that a module imports: a module, or a name in one."""

    name: str
    line: int

    @property
    def package(self) -> str:
        return self.name.partition('.')[0]


def product_files() -> list[Path]:
    """Return the product's modules, relative to the root."""
    return sorted(
        path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob('*.py')
    )


def other_files() -> list[Path]:
    """Return tests, launch files, benchmarks and the packaging script, relative to the root."""
    folders = ('test', 'launch', 'benchmarks')
    found = [path for folder in folders for path in (ROOT / folder).rglob('*.py')]
    return sorted(path.relative_to(ROOT) for path in [*found, ROOT / 'setup.py'])


def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file given relative to the root.

    Read anew each time: a million nodes that are kept cost the garbage collector more.
    """
    return ast.parse((ROOT / path).read_text(encoding='utf-8'), filename=str(path))


def imports_of(tree: ast.Module, path: Path) -> Iterator[Import]:
    """Yield what a module imports anywhere in it, lazily or not, relative imports resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, path)
            for alias in node.names:
                yield Import(f'{base}.{alias.name}', node.lineno)


def _base(node: ast.ImportFrom, path: Path) -> str:
    if node.level == 0:
        return node.module or ''
    package = path.parent.parts[: len(path.parent.parts) - (node.level - 1)]
    return '.'.join([*package, *([node.module] if node.module else [])])
