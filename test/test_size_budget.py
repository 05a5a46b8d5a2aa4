"""No file and no function may outgrow a reader; the medians are reported."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

import pytest
from source_files import ROOT, other_files, product_files, tree_of

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_MEDIAN_FILE_LINES = 130
MAX_MEDIAN_FUNCTION_LINES = 10


def file_lines(path: Path) -> int:
    return len((ROOT / path).read_text(encoding='utf-8').splitlines())


def function_lines(tree: ast.Module) -> list[tuple[str, int, int]]:
    """Return name, first line and length of every function, decorators not counted."""
    return [
        (node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def too_long(path: Path, lines: int, tree: ast.Module) -> list[str]:
    """Return what is over budget in one file, one line each."""
    found = []
    if lines > MAX_FILE_LINES:
        found.append(f'{path} has {lines} lines, {MAX_FILE_LINES} are allowed: split it')
    return found + [
        f'{path}:{line} {name}() has {length} lines, {MAX_FUNCTION_LINES} are allowed'
        for name, line, length in function_lines(tree)
        if length > MAX_FUNCTION_LINES
    ]


def test_all_files_are_within_budget() -> None:
    found = [
        problem
        for path in [*product_files(), *other_files()]
        for problem in too_long(path, file_lines(path), tree_of(path))
    ]
    assert not found, '\n' + '\n'.join(found)


def test_medians(capsys: pytest.CaptureFixture[str]) -> None:
    files = [file_lines(path) for path in product_files()]
    functions = [
        length for path in product_files() for _, _, length in function_lines(tree_of(path))
    ]
    with capsys.disabled():
        print(  # noqa: T201
            f'\nproduct: {len(files)} files, median {median(files):.0f} lines, '
            f'longest {max(files)}; {len(functions)} functions, '
            f'median {median(functions):.0f} lines, longest {max(functions)}'
        )
    assert median(files) <= MAX_MEDIAN_FILE_LINES
    assert median(functions) <= MAX_MEDIAN_FUNCTION_LINES


def test_too_long_is_noticed() -> None:
    source = 'def f():\n' + '    pass\n' * MAX_FUNCTION_LINES
    found = too_long(Path('a.py'), MAX_FILE_LINES + 1, ast.parse(source))
    assert found == [
        'a.py has 401 lines, 400 are allowed: split it',
        'a.py:1 f() has 61 lines, 60 are allowed',
    ]
