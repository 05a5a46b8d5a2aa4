"""Checking a dataset on disk: everything LeRobot checks, and what it does not.

LeRobot's loader looks at little more than the presence of files; wrong indices, times or frame
counts give wrong data silently. Each check names what goes wrong otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import (
    episodes,
    info,
    layout,
    tasks,
    validate_data,
    validate_episodes,
    validate_info,
    validate_statistics,
    validate_videos,
)
from lerobot_recorder.dataset.finding import ERROR, WARNING, Finding, Findings
from lerobot_recorder.dataset.reading import guarded, parquet_table

__all__ = ['ERROR', 'WARNING', 'Finding', 'validate_dataset']


def validate_dataset(root: Path, decode: bool = False) -> list[Finding]:
    """Check a dataset.

    Args:
        root: Its folder.
        decode: Decode every picture, too (slow); otherwise videos are read, not decoded.

    Returns:
        What is wrong; empty for a dataset that LeRobot reads, resumes and merges.
    """
    findings = Findings()
    try:
        document = info.read(root)
    except DatasetFormatError as error:
        findings.error(layout.INFO, error, 'the description of a v3.0 dataset')
        return findings.all
    with _told(layout.INFO, findings):
        validate_info.check(document, findings)
    if any(finding.severity == ERROR for finding in findings.all):
        return findings.all
    _check_work_folder(root, findings)
    sentences: list[str] = []
    rows: list[episodes.EpisodeRow] | None = None
    with _told(layout.TASKS, findings):
        sentences = _check_tasks(root, document, findings)
    with _told('meta/episodes', findings):
        rows = _check_episodes(root, document, findings)
    with _told('data', findings):
        if rows is not None:
            data = validate_data.check(root, document, rows, findings)
            validate_data.check_tasks(rows, data, sentences, findings)
        validate_data.check_images(root, document, findings, decode)
    with _told('videos', findings):
        if rows is not None:
            validate_videos.check(root, document, rows, findings, decode)
    with _told(layout.STATS, findings):
        validate_statistics.check(root, document, findings)
    return findings.all


@contextmanager
def _told(where: str, findings: Findings) -> Iterator[None]:
    """Let a check that odd content breaks off be a finding, too."""
    try:
        with guarded(where):
            yield
    except DatasetFormatError as error:
        findings.error(where, error, 'what the format asks for')


def _check_work_folder(root: Path, findings: Findings) -> None:
    if (root / layout.RECORDING).exists():
        findings.warning(
            layout.RECORDING,
            'a recording is running or was interrupted',
            'none; resume or repair the dataset to recover its last episode',
        )


def _check_tasks(root: Path, document: dict[str, Any], findings: Findings) -> list[str]:
    path = root / layout.TASKS
    try:
        table = parquet_table(path)
    except (OSError, pa.ArrowException) as error:
        findings.error(layout.TASKS, f'cannot be read: {error}', 'a table of tasks')
        return []
    for problem in tasks.find_problems(table):
        findings.error(layout.TASKS, problem, 'one row per task; LeRobot takes the row position')
    if not tasks.has_index(table):
        findings.error(
            layout.TASKS,
            'no pandas metadata that makes task the index',
            'it; LeRobot would give numbers for sentences',
        )
    if document.get('total_tasks', 0) != len(table):
        findings.error(layout.INFO, f'total_tasks {document.get("total_tasks")}', len(table))
    name = tasks.column_name(table)
    return [str(task) for task in table[name].to_pylist()] if name else []


def _check_episodes(
    root: Path, document: dict[str, Any], findings: Findings
) -> list[episodes.EpisodeRow] | None:
    validate_episodes.check_files(root, document, findings)
    try:
        table = episodes.read_table(root)
        rows = episodes.from_table(table, int(document['fps']), document['features'])
    except DatasetFormatError as error:
        findings.error('meta/episodes', error, 'one readable row per episode')
        return None
    validate_episodes.check_rows(rows, table, document, findings)
    return rows
