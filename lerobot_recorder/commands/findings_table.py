"""The pre-flight check as a table, one line per stream."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.health import Level
from lerobot_recorder.findings import Finding

_MARKS = {Level.OK: ('ok', 'green'), Level.WARN: ('warn', 'yellow'), Level.ERROR: ('error', 'red')}


def findings_table(findings: Sequence[Finding], title: str = 'pre-flight') -> Table:
    """Return the findings as a table; advice is a column if there is any.

    Args:
        findings: one row each.
        title: head of the first column.
    """
    advised = any(finding.advice for finding in findings)
    columns = [title, 'of', 'found', *(['what to do'] if advised else [])]
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for finding in findings:
        word, style = _MARKS.get(finding.level, _MARKS[Level.ERROR])
        texts = [finding.subject, finding.all_text, *([finding.advice] if advised else [])]
        table.add_row(Text(word, style=style), *(Text(text, overflow='fold') for text in texts))
    return table
