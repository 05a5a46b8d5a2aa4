"""Checks of stats.json and of the statistics in meta/episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.finding import Findings
from lerobot_recorder.dataset.quantiles import QUANTILES
from lerobot_recorder.dataset.reading import parquet_table
from lerobot_recorder.dataset.statistics import NAMES

_NO_STATISTICS = ('string', 'language')


def check(root: Path, document: Mapping[str, Any], findings: Findings) -> None:
    """Check presence, shapes and values."""
    measured = {
        key: feature
        for key, feature in document['features'].items()
        if feature['dtype'] not in _NO_STATISTICS
    }
    _check_file(root, measured, findings)
    for path in layout.episodes_files(root):
        _check_columns(path, path.relative_to(root).as_posix(), measured, findings)


def _check_file(root: Path, features: schema.Features, findings: Findings) -> None:
    try:
        statistics = json.loads((root / layout.STATS).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        findings.error(layout.STATS, error, 'statistics; training cannot normalise without')
        return
    for key, feature in features.items():
        found = statistics.get(key) if isinstance(statistics, dict) else None
        if not isinstance(found, dict):
            findings.error(layout.STATS, f'nothing about {key!r}', 'statistics of every feature')
            continue
        for name in NAMES:
            problem = _problem(found.get(name), feature, name)
            if problem:
                severity = findings.warning if name in QUANTILES else findings.error
                severity(f'{layout.STATS} {key!r} {name}', problem, _expected(feature, name))


def _check_columns(path: Path, where: str, features: schema.Features, findings: Findings) -> None:
    try:
        table = parquet_table(path)
    except (OSError, pa.ArrowException):
        return
    for key, feature in features.items():
        for name in NAMES:
            column = f'stats/{key}/{name}'
            if column not in table.column_names:
                continue
            problems = {_problem(value, feature, name) for value in table[column].to_pylist()}
            for problem in sorted(p for p in problems if p):
                findings.error(f'{where} {column}', problem, _expected(feature, name))


def _problem(value: Any, feature: schema.Feature, name: str) -> str | None:
    if value is None:
        return 'missing'
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return 'not an array of numbers'
    if array.shape != _shape(feature, name):
        return f'shape {array.shape}'
    return None if np.isfinite(array).all() else 'not finite'


def _expected(feature: schema.Feature, name: str) -> str:
    return f'finite numbers of shape {_shape(feature, name)}'


def _shape(feature: schema.Feature, name: str) -> tuple[int, ...]:
    if name == 'count':
        return (1,)
    shape = schema.shape_of(feature)
    return (shape[-1], 1, 1) if schema.is_picture(feature) else (shape[-1],)
