"""What the recorder does, as an operator reads it from where the robot stands."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.health import Level
from lerobot_recorder.commands.big_text import big_text
from lerobot_recorder.recorder_status import RecorderStatus

SMALL_COLUMNS, SMALL_LINES = 78, 12
"""A terminal with less room gets a single line."""
BAR_COLUMNS = 60
"""With fewer, the bar would leave no room for what it is a picture of."""
PANEL_LINES = 12
"""Lines of the view besides those of the streams, and of what was said above it."""
KEYS = (
    '→ n keep/next', '← r again', 'space start', 'p pause', 's success', 'f failure', 'q Esc stop',
)  # fmt: skip
_BAR_WIDTH = 20
_STYLES = {
    'preparing': 'cyan', 'warming up': 'cyan', 'waiting': 'cyan', 'recording': 'bold red',
    'finishing': 'bold red', 'resetting': 'yellow', 'saving': 'blue', 'done': 'green',
}  # fmt: skip
_WORDS = {
    'preparing': 'PREP', 'warming up': 'PREP', 'waiting': 'PREP', 'recording': 'REC',
    'finishing': 'REC', 'resetting': 'RESET', 'saving': 'SAVE', 'done': 'DONE',
}  # fmt: skip
PAUSED_STYLE = 'magenta'
_LEVEL_STYLES = {
    Level.OK: 'green',
    Level.WARN: 'yellow',
    Level.ERROR: 'bold red',
    Level.STALE: 'bold red',
}


def panel(status: RecorderStatus, fps: int, columns: int, lines: int) -> RenderableType:
    """Return the view for a terminal of so many columns and lines."""
    if columns < SMALL_COLUMNS or lines < SMALL_LINES:
        return _line(status, fps, columns)
    style = _style(status)
    phase = 'PAUSED' if status.paused else status.phase.upper()
    told = Text.assemble((phase, style), f'  {episode(status)}  {detail(status, fps)}')
    large = Text('\n'.join(_large(status, fps, columns)), style=style)
    rows: list[RenderableType] = [large, Text(), told]
    if status.phase in ('recording', 'finishing'):
        bar = Table.grid()
        bar.add_row(_bar(status, columns - 2))
        rows.append(bar)
    keys = Text('  '.join(KEYS), style='dim')
    room = lines - PANEL_LINES
    return Group(*rows, _streams(status, room), Text(f'task: {status.task}', style='dim'), keys)


def _streams(status: RecorderStatus, room: int) -> Table:
    """Return a line per stream, the worst first, as many as there is room for."""
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow='ellipsis', no_wrap=True)
    worst = sorted(status.streams, key=lambda stream: -stream.level)
    for stream in worst[: max(room, 1)]:
        style = _LEVEL_STYLES[Level(stream.level)]
        rate = f'{stream.rate_hz:.1f} Hz'
        told = '' if stream.level == Level.OK else stream.text
        table.add_row(Text('●', style=style), stream.name, rate, Text(told, style=style))
    return table


def _line(status: RecorderStatus, fps: int, columns: int) -> Table:
    row = Table.grid(padding=(0, 2))
    for _ in range(3):
        row.add_column(no_wrap=True)
    row.add_column(ratio=1, overflow='fold')
    word = 'PAUSED' if status.paused else status.phase.upper()
    has_bar = columns >= BAR_COLUMNS and not status.waiting_for
    shown = _bar(status, _BAR_WIDTH) if has_bar else ''
    row.add_row(
        Text(f' {word} ', style=_style(status)), episode(status), shown, detail(status, fps)
    )
    return row


def _bar(status: RecorderStatus, width: int) -> ProgressBar:
    return ProgressBar(max(status.episode_frames, 1), status.frames, width)


def line(status: RecorderStatus) -> str:
    """Return a plain line, where there is no terminal."""
    if status.phase == 'saving':
        return f'saving: {_being_saved(status)}'
    if status.phase == 'done':
        return f'done: {status.accepted} of {status.wanted} episodes'
    word = f'{status.phase} (paused)' if status.paused else status.phase
    waiting = ', '.join(status.waiting_for)
    told = f'{word}: {episode(status)}'
    return f'{told}, waiting for {waiting}' if waiting else told


def episode(status: RecorderStatus) -> str:
    """Return which episode this is."""
    return f'episode {min(status.accepted + 1, status.wanted)} of {status.wanted}'


def detail(status: RecorderStatus, fps: int) -> str:
    """Return how far it is."""
    if status.waiting_for:
        return 'waiting for ' + ', '.join(status.waiting_for)
    if status.paused:
        return 'paused: p goes on'
    if status.phase in ('resetting', 'warming up'):
        by_hand = 'space starts the next one'
        return by_hand if status.by_hand else f'{status.left_s:.0f} s to {_purpose(status)}'
    if status.phase == 'saving':
        return _being_saved(status)
    return f'{status.frames / fps:.1f} s, {status.frames} frames'


def _purpose(status: RecorderStatus) -> str:
    return 'reset' if status.phase == 'resetting' else 'the first episode'


def _large(status: RecorderStatus, fps: int, columns: int) -> list[str]:
    """Return the phase and its number in large letters, as much as fits."""
    word = 'PAUSE' if status.paused else _WORDS.get(status.phase, status.phase.upper())
    number = _number(status, fps)
    for right in (number, number.partition('/')[0], ''):
        rows = [f' {a}        {b}' for a, b in zip(big_text(word), big_text(right), strict=True)]
        if max(map(len, rows)) <= columns:
            break
    return rows


def _number(status: RecorderStatus, fps: int) -> str:
    """Return the number that counts most now."""
    if status.phase in ('resetting', 'warming up') and not (status.by_hand or status.paused):
        return f'{status.left_s:.0f}'
    if status.phase in ('recording', 'finishing'):
        return f'{status.frames / fps:.1f}'
    return f'{status.accepted}/{status.wanted}'


def _style(status: RecorderStatus) -> str:
    return PAUSED_STYLE if status.paused else _STYLES.get(status.phase, 'cyan')


def _being_saved(status: RecorderStatus) -> str:
    waiting = max(status.accepted - status.saved, 0)
    return f'{status.saved} saved, {waiting} accepted and on the way to the disk'
