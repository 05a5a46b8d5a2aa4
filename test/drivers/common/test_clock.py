"""Clocks: the machine's, and one that moves by hand."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.clock import NS_PER_S, ManualClock, SystemClock


def test_the_machines_clocks():
    clock = SystemClock()
    before = time.time_ns()
    assert before <= clock.now_ns() <= time.time_ns()
    first = clock.monotonic_ns()
    clock.sleep(0.001)
    assert clock.monotonic_ns() - first >= 1_000_000


def test_a_manual_clock_stands_still():
    clock = ManualClock(7)
    assert (clock.now_ns(), clock.monotonic_ns()) == (7, 7)


@given(st.lists(st.floats(0, 1000)))
def test_a_manual_clock_moves_as_told(steps):
    clock = ManualClock(5)
    for number, step in enumerate(steps):
        (clock.sleep if number % 2 else clock.advance)(step)
    assert clock.now_ns() == 5 + sum(round(step * NS_PER_S) for step in steps)
    assert clock.monotonic_ns() == clock.now_ns()
