"""Checks, inside an environment with ``pip install .``, that nothing was left unpackaged.

Run it from outside the checkout, or the checkout itself would be found.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

PACKAGES = ('lerobot_drivers', 'lerobot_teleop', 'lerobot_recorder', 'lerobot_policy')


def made_by_tools(path: Path) -> bool:
    """Whether a file is none of the sources: a cache of Python or of a linter."""
    return any(part.startswith(('.', '__pycache__')) for part in path.parts)


def missing_files(root: Path) -> list[str]:
    """Return the product's files that are not in this environment."""
    modules, data = (Path(sysconfig.get_path(kind)) for kind in ('purelib', 'data'))
    sources = [
        path.relative_to(root)
        for package in PACKAGES
        for path in (root / package).rglob('*')
        if path.is_file()
    ]
    expected = {modules / path for path in sources if not made_by_tools(path)}
    share = data / 'share' / 'lerobot_ros'
    expected |= {share / 'package.xml'}
    for folder in ('launch', 'config'):
        shipped = [path for path in (root / folder).iterdir() if path.is_file()]
        expected |= {share / folder / path.name for path in shipped}
    expected |= {data / 'share/ament_index/resource_index/packages/lerobot_ros'}
    return sorted(str(path) for path in expected if not path.is_file())


def main(root: str) -> int:
    """Print what is missing."""
    missing = missing_files(Path(root))
    if shutil.which('lerobot-ros', path=sysconfig.get_path('scripts')) is None:
        missing.append('the command lerobot-ros')
    for item in missing:
        sys.stdout.write(f'not installed: {item}\n')
    if not missing:
        sys.stdout.write('installed package is complete\n')
    return 1 if missing else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
