"""Which state of this package made a recording."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path

NAME = 'lerobot_ros'
UNKNOWN = 'unknown'
VERSIONED = (
    NAME, 'rclpy', 'numpy', 'av', 'pyarrow', 'rosbags', 'opencv-python-headless', 'pydantic',
)  # fmt: skip
_GIT_S = 10.0


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of what makes a recording, and the commit of this package."""
    found = {'python': platform.python_version(), 'platform': platform.platform()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {**found, 'commit': commit()}


def commit() -> str:
    """Return the git commit of the running code, ``unknown`` where nothing tells.

    Told by the build (``data/commit``), by the checkout it runs from (with ``-dirty`` if files
    of it were changed), or by pip, where it installed from a repository.
    """
    built = resources.files('lerobot_recorder').joinpath('data/commit')
    if built.is_file():
        return built.read_text(encoding='utf-8').strip() or UNKNOWN
    return _of_checkout(Path(__file__).resolve()) or _of_pip() or UNKNOWN


def _of_checkout(path: Path) -> str | None:
    """Return the commit of the checkout that a tracked file lies in, None if it lies in none."""
    if _git(path.parent, 'ls-files', '--error-unmatch', path.name) is None:
        return None
    head = _git(path.parent, 'rev-parse', 'HEAD')
    changed = _git(path.parent, 'status', '--porcelain', '--untracked-files=no', '--', '..')
    return head if head is None or not changed else f'{head}-dirty'


def _of_pip() -> str | None:
    try:
        found: Distribution = distribution(NAME)
    except PackageNotFoundError:
        return None
    origin = json.loads(found.read_text('direct_url.json') or '{}')
    told = origin.get('vcs_info', {}).get('commit_id')
    return str(told) if told else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ['git', '-C', str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
