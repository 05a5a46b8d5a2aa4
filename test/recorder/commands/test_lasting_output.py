"""Output to a terminal that is held, closed, or no terminal at all."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lerobot_recorder.commands.lasting_output import MAX_CHARACTERS, LastingOutput

ROOT = Path(__file__).resolve().parents[3]


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


LAST_WORDS = """
import sys, time
from lerobot_recorder.commands.lasting_output import LastingOutput
output = LastingOutput(sys.stdout)
for _ in range(int(sys.argv[1])):
    output.write('x' * 100)
time.sleep(float(sys.argv[2]))
"""


def ended(lines: int, reads: bool) -> tuple[int, bytes]:
    """Return how a process ended that wrote and went, and what came."""
    words = [sys.executable, '-c', LAST_WORDS, str(lines), '0' if reads else '0.5']
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    if not reads:
        process.wait(timeout=60)
    said, error = process.communicate(timeout=60)
    assert not error, error
    return process.returncode, said


def test_the_last_words_of_a_process_are_written():
    assert ended(2000, reads=True) == (0, b'x' * 200_000)


def test_a_process_ends_well_though_nobody_reads_its_last_words():
    code, said = ended(2000, reads=False)
    assert code == 0 and said == b'x' * len(said)
