from __future__ import annotations

from lerobot_recorder.arrival_clock import ArrivalClock

MS = 1_000_000


def test_time_goes_on_while_nothing_comes():
    clock = ArrivalClock()
    clock.tick(1000 * MS)
    assert [clock.tick(t * MS) for t in (1020, 1040)] == [1000 * MS, 1020 * MS]


def test_after_a_stall_time_is_that_of_the_topic_furthest_behind():
    clock = ArrivalClock()
    clock.tick(0)
    clock.tick(20 * MS)
    told = []
    for turn in range(1, 31):
        clock.on_message('/slow', turn * 33 * MS)
        clock.on_message('/fast', turn * 10 * MS)
        told.append(clock.tick(1000 * MS + turn * MS))
    assert told[0] == 20 * MS or told[0] == 10 * MS
    assert told[-1] == 300 * MS
    assert all(now <= turn * 10 * MS or now == 20 * MS for turn, now in enumerate(told, 1))


def test_a_topic_that_fell_silent_does_not_hold_time_up():
    clock = ArrivalClock()
    clock.on_message('/dead', 5 * MS)
    for turn in range(1, 100):
        clock.on_message('/alive', turn * 20 * MS - MS)
        now = clock.tick(turn * 20 * MS)
    assert now >= 97 * 20 * MS


def test_time_never_goes_back():
    clock = ArrivalClock()
    clock.tick(100 * MS)
    assert clock.tick(120 * MS) == 100 * MS
    clock.on_message('/late', 30 * MS)
    assert clock.tick(140 * MS) == 100 * MS
