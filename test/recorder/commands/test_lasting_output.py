"""Output to a terminal that is held, closed, or no terminal at all."""

from __future__ import annotations

import io
import os
import pty
import threading
import time

import pytest

from lerobot_recorder.commands.lasting_output import MAX_CHARACTERS, LastingOutput


@pytest.fixture
def terminal():
    """Return a stream into a terminal, and the descriptor from which its screen is read."""
    screen, inside = pty.openpty()
    with os.fdopen(inside, 'w') as stream:
        yield stream, screen
    os.close(screen)


def read_all(screen: int, size: int) -> bytes:
    seen = b''
    while len(seen) < size:
        seen += os.read(screen, 65536)
    return seen


def test_a_terminal_that_nobody_reads_holds_nobody_up(terminal):
    stream, screen = terminal
    output = LastingOutput(stream)
    assert output.isatty() and not output.is_behind
    writer = threading.Thread(target=lambda: [output.write('x' * 100) for _ in range(1000)])
    writer.start()
    writer.join(timeout=10)
    assert not writer.is_alive() and output.is_behind
    began = time.monotonic()
    output.drain(0.2)
    assert output.is_behind and time.monotonic() - began < 10
    assert read_all(screen, 100_000) == b'x' * 100_000
    output.drain()
    assert not output.is_behind


def test_what_waits_is_bounded(terminal):
    stream, screen = terminal
    output = LastingOutput(stream)
    for _ in range(40):
        output.write('y' * 100_000)
    assert output._waiting <= MAX_CHARACTERS + 100_000
    while output._waiting:
        os.read(screen, 65536)


def test_lines_come_in_order_and_complete(terminal):
    stream, screen = terminal
    output = LastingOutput(stream)
    for number in range(50):
        output.write(f'{number}\n')
    expected = ''.join(f'{number}\r\n' for number in range(50)).encode()
    assert read_all(screen, len(expected)) == expected


def test_what_is_no_file_is_written_at_once():
    text = io.StringIO()
    output = LastingOutput(text)
    output.write('now')
    output.flush()
    output.drain()
    assert text.getvalue() == 'now' and not output.is_behind


def test_a_pipe_without_a_reader_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, 'w') as stream:
        output = LastingOutput(stream)
        for _ in range(3):
            output.write('lost')
        output.drain()
        assert not output.is_behind
