"""The operator's view: what is large, what fits, what comes first."""

from __future__ import annotations

import pytest
from rich.console import Console

from lerobot_drivers.common.health import Level
from lerobot_recorder.commands.big_text import HEIGHT, big_text
from lerobot_recorder.commands.live_panel import line, panel
from lerobot_recorder.recorder_status import RecorderStatus
from lerobot_recorder.stream_health import StreamLine

STREAMS = (
    StreamLine('/front/image_raw', Level.OK, 30.0, 30.0, 40.0, 'ok'),
    StreamLine('/joint_states', Level.STALE, 0.0, 100.0, 3000.0, 'silent for 3.0 s'),
    StreamLine('/wrist/image_raw', Level.WARN, 24.3, 30.0, 40.0, '24.3 of 30 Hz'),
)


def status_of(**more):
    values = {
        'phase': 'recording', 'saved': 11, 'accepted': 12, 'wanted': 50, 'frames': 45,
        'episode_frames': 1800, 'waiting_for': (), 'left_s': 0.0, 'task': 'fold', 'message': '',
    }  # fmt: skip
    return RecorderStatus(**values | more)


def shown(columns=80, lines=24, **more):
    status = status_of(**more)
    console = Console(width=columns, height=lines, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(panel(status, 30, columns, lines))
    return capture.get().splitlines()


def blocks(word: str, number: str) -> list[str]:
    rows = zip(big_text(word), big_text(number), strict=True)
    return [f' {left}        {right}'.rstrip() for left, right in rows]


@pytest.mark.parametrize(
    ('more', 'word', 'number'),
    [
        ({}, 'REC', '1.5'),
        ({'phase': 'resetting', 'left_s': 41.6}, 'RESET', '42'),
        ({'phase': 'resetting', 'paused': True}, 'PAUSE', '12'),
        ({'phase': 'done'}, 'DONE', '12/50'),
    ],
)
def test_phase_and_number_can_be_read_from_afar(more, word, number):
    lines = [line.rstrip() for line in shown(**more)]
    assert lines[:HEIGHT] == blocks(word, number)
    assert max(map(len, lines)) <= 80


def test_a_plain_line_tells_the_episode_and_in_the_end_how_many_there_are():
    assert line(status_of()) == 'recording: episode 13 of 50'
    assert line(status_of(phase='done')) == 'done: 12 of 50 episodes'
    assert line(status_of(phase='done', accepted=0)) == 'done: 0 of 50 episodes'


def test_a_letter_is_as_high_as_the_others():
    for text in ('RESET', '0123456789', 'a/b.c:d-e', ''):
        rows = big_text(text)
        assert len(rows) == HEIGHT and len({len(row) for row in rows}) == 1


def test_the_worst_stream_stands_first_and_says_why():
    text = shown(streams=STREAMS)
    rows = [line for line in text if line.startswith('●')]
    assert [row.split()[1] for row in rows] == [
        '/joint_states', '/wrist/image_raw', '/front/image_raw',
    ]  # fmt: skip
    assert rows[0].rstrip().endswith('silent for 3.0 s') and 'ok' not in rows[2]


def test_a_low_terminal_shows_the_worst_streams_only():
    text = shown(lines=13, streams=STREAMS)
    assert len([line for line in text if line.startswith('●')]) == 1


@pytest.mark.parametrize(('columns', 'lines'), [(60, 24), (80, 8)])
def test_a_small_terminal_gets_no_large_letters(columns, lines):
    text = shown(columns, lines)
    assert len(text) == 1 or columns < 80
    assert 'RECORDING' in text[0] and '█' not in ''.join(text)
