"""Episodes told by a file: CSV with the columns ``start_s, end_s, task, outcome``."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.conversion.config import Times
from lerobot_recorder.conversion.span import EpisodeSpan, in_order
from lerobot_recorder.verbs import OUTCOMES

COLUMNS = ('start_s', 'end_s', 'task', 'outcome')
EPOCH_S = 1e8
"""Times above this are none since a bag's begin, but since 1970: it is three years [s]."""
_TOLD = 5


def read_spans(path: Path) -> list[EpisodeSpan]:
    """Return the parts of a bag that a file names, in order, times as they stand there [ns].

    Raises:
        ConfigError: it cannot be read; or names every line of it that is wrong.
    """
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            lines = [(n, row) for n, row in _rows(csv.reader(file)) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f'{path} cannot be read as CSV: {error}') from error
    columns: Sequence[str] = COLUMNS
    if lines and not _is_number(lines[0][1][0]):
        columns = _columns(path, *lines.pop(0))
    spans, problems = [], []
    for number, row in lines:
        try:
            spans.append(_span(dict(zip(columns, row, strict=False)), f'{path.name}:{number}'))
        except ValueError as error:
            problems.append(f'line {number}: {error}')
    ordered = in_order(spans)
    problems += [
        f'{one.where} and {other.where} overlap'
        for one, other in pairwise(ordered)
        if other.start_ns < one.end_ns
    ]
    if not lines:
        problems.append('there is no line in it')
    if problems:
        more = f'; {len(problems) - _TOLD} more' if len(problems) > _TOLD else ''
        raise ConfigError(f'{path}: {"; ".join(problems[:_TOLD])}{more}')
    return list(ordered)


def placed(spans: Sequence[EpisodeSpan], times: Times, first_ns: int, last_ns: int) -> list[str]:
    """Return what is wrong with the place of spans in a bag, one line each.

    Args:
        spans: as `on_clock` gives them.
        times: what their times count from.
        first_ns: where the bag begins [ns].
        last_ns: where it ends [ns].
    """
    lasts_s = (last_ns - first_ns) / NS_PER_S
    extent = f'{first_ns / NS_PER_S:.3f} to {last_ns / NS_PER_S:.3f}, which is {lasts_s:.3f} s'
    told = {Times.BAG: 'from its begin', Times.EPOCH: 'as stamps'}.get(times, 'as they stand')
    return [
        f'{span.where} lies outside the bag ({extent}; times are taken {told}, see '
        '--episodes.times)'
        for span in spans
        if span.end_ns < first_ns or span.start_ns > last_ns
    ]


def on_clock(spans: Sequence[EpisodeSpan], times: Times, first_ns: int) -> list[EpisodeSpan]:
    """Return spans on the clock of the stamps.

    Args:
        spans: as they stand in a file.
        times: what their times count from.
        first_ns: where the bag begins [ns].
    """
    if times is Times.AUTO:
        is_small = all(span.end_ns < EPOCH_S * NS_PER_S for span in spans)
        times = Times.BAG if is_small else Times.EPOCH
    if times is Times.EPOCH:
        return list(spans)
    return [
        replace(span, start_ns=span.start_ns + first_ns, end_ns=span.end_ns + first_ns)
        for span in spans
    ]


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(reader, start=1):
        cells = [cell.strip() for cell in row]
        if not cells or not cells[0].startswith('#'):
            yield number, cells


def _columns(path: Path, number: int, header: Sequence[str]) -> Sequence[str]:
    names = [name.lower() for name in header]
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in COLUMNS[:2] if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        raise ConfigError(
            f'{path}: line {number}: the columns are {", ".join(header)}, expected '
            f'{", ".join(COLUMNS)} (the last two may be missing)'
        )
    return names


def _span(cells: Mapping[str, str], where: str) -> EpisodeSpan:
    start_ns, end_ns = (_time_ns(cells, name) for name in COLUMNS[:2])
    if end_ns <= start_ns:
        raise ValueError(f'end_s {cells["end_s"]} must lie after start_s {cells["start_s"]}')
    outcome = cells.get('outcome') or None
    if outcome not in (*OUTCOMES, None):
        raise ValueError(f'outcome is {outcome!r}, expected {" or ".join(OUTCOMES)} or nothing')
    return EpisodeSpan(start_ns, end_ns, cells.get('task') or None, outcome, where)


def _time_ns(cells: Mapping[str, str], name: str) -> int:
    """Return a time, exact to the nanosecond however large it is [ns].

    Raises:
        ValueError: it is none.
    """
    text = cells.get(name, '')
    if not _is_number(text) or float(text) < 0:
        raise ValueError(f'{name} is {text!r}, expected a time in seconds')
    whole, point, rest = text.partition('.')
    if point and whole.isdecimal() and rest.isdecimal():
        return int(whole) * NS_PER_S + int(rest[:9].ljust(9, '0'))
    return round(float(text) * NS_PER_S)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
