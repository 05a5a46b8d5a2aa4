"""Checks an install prefix made by colcon: where launch and ``ros2 run`` look, everything lies."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = 'lerobot_ros'


def nodes() -> list[str]:
    """Return the names of the nodes that setup.py declares."""
    for statement in ast.parse((ROOT / 'setup.py').read_text(encoding='utf-8')).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == 'NODES':
            return list(ast.literal_eval(statement.value))
    raise SystemExit('setup.py declares no NODES')


def problems(prefix: Path) -> list[str]:
    """Return what is missing in the prefix, one line each."""
    programs = [prefix / 'lib' / NAME / name for name in ['lerobot-ros', *nodes()]]
    found = [f'{path} is not executable' for path in programs if not os.access(path, os.X_OK)]
    share = prefix / 'share'
    files = [share / 'ament_index/resource_index/packages' / NAME, share / NAME / 'package.xml']
    files += [share / NAME / path.relative_to(ROOT) for path in (ROOT / 'launch').glob('*.py')]
    files += [share / NAME / path.relative_to(ROOT) for path in (ROOT / 'config').glob('*')]
    return found + [f'{path} is missing' for path in files if not path.is_file()]


def main(prefix: str) -> int:
    """Print what is wrong."""
    found = problems(Path(prefix))
    sys.stdout.write('\n'.join(found or ['colcon prefix is complete']) + '\n')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
