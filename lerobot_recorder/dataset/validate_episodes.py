"""Checks of meta/episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_recorder.dataset import compatible, episodes, layout, schema
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.finding import Findings
from lerobot_recorder.dataset.reading import parquet_table
from lerobot_recorder.dataset.video_reader import TOLERANCE_S


def check_files(root: Path, document: Mapping[str, Any], findings: Findings) -> None:
    """Check that every file has all columns, and says which file it is."""
    expected = episodes.columns_for(document['features'], extra=False).names
    for path in layout.episodes_files(root):
        where = path.relative_to(root)
        try:
            table = parquet_table(path)
        except (OSError, pa.ArrowException) as error:
            findings.error(where, f'cannot be read: {error}', 'a complete Parquet file')
            continue
        missing = [name for name in expected if name not in table.column_names]
        if missing:
            listed = ', '.join(missing[:4]) + (' ...' if len(missing) > 4 else '')
            reason = 'them; LeRobot writes them when it appends, and then cannot load the dataset'
            report = findings.warning if _only_statistics(missing) else findings.error
            report(where, f'{len(missing)} columns are missing: {listed}', reason)
        _check_numbers(where, path, table, findings)


def check_rows(
    rows: Sequence[EpisodeRow], table: pa.Table, document: Mapping[str, Any], findings: Findings
) -> None:
    """Check order, numbering, totals and the videos' spans."""
    problem = compatible.gap(rows)
    if problem:
        expected = 'rows in order without gaps; LeRobot takes the row position for the episode'
        findings.error('meta/episodes', problem, expected)
    totals = {'total_episodes': len(rows), 'total_frames': sum(row.length for row in rows)}
    for key, value in totals.items():
        if document.get(key, 0) != value:
            findings.error(layout.INFO, f'{key} {document.get(key)}', f'{value}, as in the rows')
    _check_lengths(rows, table, findings)
    for key in schema.video_keys(document['features']):
        _check_spans(key, rows, table, document['fps'], findings)


def _only_statistics(missing: Sequence[str]) -> bool:
    return all(name.startswith('stats/') for name in missing)


def _check_numbers(where: Path, path: Path, table: pa.Table, findings: Findings) -> None:
    number = layout.file_index(path)
    if number is None:
        findings.error(where, 'a Parquet file with a name of its own', layout.EPISODES_PATH)
        return
    for name, value in zip(('chunk_index', 'file_index'), number, strict=True):
        column = f'meta/episodes/{name}'
        found = set(table[column].to_pylist() if column in table.column_names else [value])
        if None in found or max(found) < value:
            expected = f'{value}; LeRobot counts on from there and would overwrite files'
            findings.error(where, f'{column} {found}', expected)
        elif found != {value}:  # LeRobot's own merge leaves these
            findings.warning(where, f'{column} {found}', value)


def _check_lengths(rows: Sequence[EpisodeRow], table: pa.Table, findings: Findings) -> None:
    stops = table['dataset_to_index'].to_pylist()
    for position, (row, stop) in enumerate(zip(rows, stops, strict=True)):
        if row.length < 1 or stop != row.stop:
            found = f'length {row.length}, rows {row.start} to {stop}'
            findings.error(f'episode {position}', found, 'to - from = length > 0')


def _check_spans(
    key: str, rows: Sequence[EpisodeRow], table: pa.Table, fps: int, findings: Findings
) -> None:
    names = [f'videos/{key}/{name}' for name in ('from_timestamp', 'to_timestamp')]
    if not set(names) <= set(table.column_names):
        return
    starts, stops = (table[name].to_pylist() for name in names)
    for position, row in enumerate(rows):
        start, stop = starts[position], stops[position]
        first = row.video_starts[key]
        if abs(start - first / fps) > TOLERANCE_S:
            found = f'{key} starts at {start} s'
            findings.error(f'episode {position}', found, f'a multiple of 1/{fps} s')
        if stop is None or abs(stop - start - row.length / fps) > TOLERANCE_S:
            found = f'{key} lasts from {start} to {stop} s'
            findings.error(f'episode {position}', found, f'{row.length / fps} s')
