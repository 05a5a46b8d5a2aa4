"""What is shown of a session."""

from __future__ import annotations

import json

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_recorder.dashboard.board import FORGOTTEN_NS, STALE_NS, Board, RecorderSeen
from lerobot_recorder.dashboard.verbs import VERBS, shown
from lerobot_recorder.recorder_status import Phase

ALL = frozenset(name for verb in VERBS for name in verb.services)


@pytest.fixture
def clock():
    return ManualClock(1)


@pytest.fixture
def board(clock):
    return Board(clock)


def named(board):
    return [(entry['name'], entry['level']) for entry in board.view()['health']]


def test_the_worst_comes_first(board, clock):
    board.hear('old', 1, 'slow', {})
    clock.advance(STALE_NS / 1e9)
    for name, level in (('b', 0), ('a', 0), ('warned', 1), ('failed', 2), ('odd', 77)):
        board.hear(name, level, '', {})
    assert named(board) == [
        ('failed', 2), ('odd', 77), ('old', 3), ('warned', 1), ('a', 0), ('b', 0),
    ]  # fmt: skip


def test_an_error_stays_worse_than_silence(board, clock):
    board.hear('silent error', 2, 'broken', {})
    board.hear('silent', 0, 'ok', {})
    clock.advance(STALE_NS / 1e9)
    assert named(board) == [('silent error', 3), ('silent', 3)]


def test_who_left_long_ago_is_forgotten(board, clock):
    board.hear('gone', 0, 'ok', {})
    clock.advance(FORGOTTEN_NS / 1e9)
    board.hear('here', 0, 'ok', {})
    assert named(board) == [('here', 0)]


def test_a_status_with_less_and_more_than_is_known_is_passed_on(board):
    board.recorder = RecorderSeen('/arm', ALL)
    for status in ({}, {'phase': 'levitating', 'new': [1]}, {'root': None}):
        board.status = status
        view = board.view()
        assert view['status'] == status and board.root == ''
        json.dumps(view)


def test_a_phase_that_is_not_known_hides_no_button():
    assert [button['name'] for button in shown(ALL, 'levitating')] == [v.name for v in VERBS]


@pytest.mark.parametrize('phase', [phase.value for phase in Phase])
def test_every_phase_can_be_ended_but_the_last(phase):
    assert ('stop' in {button['name'] for button in shown(ALL, phase)}) == (phase != 'done')


def test_what_throws_away_or_ends_is_asked_again():
    asked = {button['name'] for button in shown(ALL, 'recording') if button['confirm']}
    assert asked == {'discard', 'stop'}
