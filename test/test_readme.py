"""The commands of README and docs do what they say: run as a reader would paste them.

A fenced ``bash`` block is preceded by ``<!-- ci: NAME -->``: the blocks of one name run in
order, those of docs/ after the README's, in one shell, in a copy of the tree of their own.
``<!-- ci: no, REASON -->`` is a block that cannot run here. CI runs them
(``LEROBOT_ROS_RUN_README=1``); an ordinary test run only checks that every block is marked,
since one of the commands is to run the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from source_files import ROOT

PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
BLOCK = re.compile(
    r'(?:<!-- ci: (?P<mark>[^\n]*?) -->\n+)?^```bash\n(?P<text>.*?)^```$', re.M | re.S
)
NAME = re.compile(r'[a-z_]+')
NOT_RUN = re.compile(r'no, \S.*')
RUN_THEM = 'LEROBOT_ROS_RUN_README'
PYTHON = 'LEROBOT_ROS_README_PYTHON'
RESULTS = 'LEROBOT_ROS_README_RESULTS'
LIMIT_S = 840
NOT_THE_READERS = {
    RUN_THEM,
    RESULTS,
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'VIRTUAL_ENV',
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
}


def blocks(text: str) -> list[tuple[str, str]]:
    """Return mark and text of every bash block; the mark of an unmarked one is empty."""
    return [(found['mark'] or '', found['text']) for found in BLOCK.finditer(text)]


def commands() -> dict[str, str]:
    """Return what is to be run, by name."""
    found: dict[str, str] = {}
    for page in filter(Path.is_file, PAGES):
        for mark, text in blocks(page.read_text(encoding='utf-8')):
            if NAME.fullmatch(mark):
                found[mark] = found.get(mark, '') + text
    return found


def copy_of_the_tree(folder: Path) -> Path:
    """Copy what git tracks, or would, without anything built or installed."""
    listed = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split('\0')):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def readers_environment(name: str, folder: Path) -> dict[str, str]:
    """Return the environment of a fresh shell, with CI's choice of Python as ``python3``.

    If the command runs pytest, its results go to the folder of CI's results.
    """
    environment = {key: v for key, v in os.environ.items() if key not in NOT_THE_READERS}
    results = os.environ.get(RESULTS)
    if results:
        environment['PYTEST_ADDOPTS'] = f'--junit-xml={results}/readme_{name}.xml'
    python = os.environ.get(PYTHON)
    if python:
        folder.mkdir()
        (folder / 'python3').symlink_to(python)
        environment['PATH'] = f'{folder}{os.pathsep}{environment["PATH"]}'
    return environment


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_block_is_marked(page: Path) -> None:
    if not page.is_file():
        pytest.skip('no README in this tree')
    unclear = [
        text
        for mark, text in blocks(page.read_text(encoding='utf-8'))
        if not NAME.fullmatch(mark) and not NOT_RUN.fullmatch(mark)
    ]
    assert not unclear, 'bash blocks without <!-- ci: NAME --> before them:\n' + '\n'.join(unclear)
    assert commands(), 'the README has no command that CI runs'


def test_marks_are_read() -> None:
    text = (
        'a\n<!-- ci: one -->\n```bash\nls\npwd\n```\n'
        'b\n```bash\nrm\n```\n'
        '<!-- ci: no, why -->\n\n```bash\nx\n```\n'
    )
    assert blocks(text) == [('one', 'ls\npwd\n'), ('', 'rm\n'), ('no, why', 'x\n')]


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.skipif(RUN_THEM not in os.environ, reason=f'run by CI only ({RUN_THEM} is not set)')
@pytest.mark.parametrize('name', commands())
def test_command_works(name: str, tmp_path: Path) -> None:
    tree = tmp_path / 'lerobot_ros'
    tree.mkdir()
    finished = subprocess.run(
        ['bash', '-eo', 'pipefail', '-c', commands()[name]],
        cwd=copy_of_the_tree(tree),
        env=readers_environment(name, tmp_path / 'bin'),
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    )
    shutil.rmtree(tree, ignore_errors=True)
    assert finished.returncode == 0, f"the README's command {name!r} failed"
