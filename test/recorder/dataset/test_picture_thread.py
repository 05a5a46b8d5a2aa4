"""The thread behind a camera: room, repeats, giving up, failing."""

from __future__ import annotations

import threading

import pytest

from lerobot_recorder.dataset.picture_thread import EncodingError, PictureThread, Sink


class Gate(Sink):
    """Writes as soon as it is let; remembers what."""

    def __init__(self, fails_at=None):
        self.written, self.fails_at = [], fails_at
        self.go, self.begun = threading.Event(), threading.Event()

    def open(self):
        pass

    def write(self, picture, sampled):
        self.begun.set()
        assert self.go.wait(20)
        if len(self.written) == self.fails_at:
            raise OSError('full')
        self.written.append(picture)

    def close(self):
        pass


def held(gate, room=2):
    """A thread whose sink has the first picture in hand, so that all its room is free."""
    thread = PictureThread('front', gate, room)
    thread.add('first')
    assert gate.begun.wait(20)
    return thread


def in_background(action):
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_without_room_the_picture_before_is_written_again():
    gate = Gate()
    thread = held(gate)
    assert [thread.add_or_repeat(name) for name in 'abcd'] == [True, True, False, False]
    assert (thread.fed, thread.behind) == (5, 4)
    gate.go.set()
    assert thread.finish() == 5
    assert gate.written == ['first', 'a', 'b', 'b', 'b']


def test_room_comes_back():
    gate = Gate()
    thread = held(gate, 1)
    assert thread.add_or_repeat('a') and not thread.add_or_repeat('b')
    gate.go.set()
    thread.add('c')
    assert thread.finish() == 4
    assert gate.written == ['first', 'a', 'a', 'c']


def test_giving_up_wakes_whoever_waits_for_room():
    gate = Gate()
    thread = held(gate, 1)
    thread.add('a')
    waiting = in_background(lambda: thread.add('b'))
    thread.abandon()
    waiting.join(20)
    assert not waiting.is_alive()
    gate.go.set()
    assert thread.join(20) and gate.written == ['first']


def test_a_failure_wakes_whoever_waits_for_room_and_is_told_to_the_next():
    gate = Gate(fails_at=1)
    thread = held(gate, 1)
    thread.add('a')
    waiting = in_background(lambda: thread.add('b'))
    gate.go.set()
    waiting.join(20)
    assert not waiting.is_alive()
    with pytest.raises(EncodingError, match='front: encoding failed after 1 pictures: full'):
        thread.finish()
    for add in (thread.add, thread.add_or_repeat):
        with pytest.raises(EncodingError):
            add('c')
