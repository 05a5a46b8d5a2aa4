from __future__ import annotations

import pytest
from synthetic_messages import IMAGE, JOINT_STATE, MS, T0, S, joint_state, make, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.live_time import LiveTime, Restart
from lerobot_recorder.messages import CLOCK_TYPE, RawMessage
from lerobot_recorder.time_base import SimTime, on_time_base

WALL = T0
SIM = 100 * S


def clock(wall: int, sim: int) -> RawMessage:
    stamp = make('builtin_interfaces/msg/Time', sim // S, sim % S)
    return raw('/clock', make(CLOCK_TYPE, stamp), wall, wall - MS)


def running(pace=1.0, steps=100, every=10 * MS) -> SimTime:
    sim = SimTime()
    for k in range(steps):
        sim.on_clock(WALL + round(k * every / pace), SIM + k * every)
    return sim


@pytest.mark.parametrize('pace', [0.3, 1.0, 4.0])
def test_simulated_time_runs_at_its_own_pace(pace):
    sim = running(pace)
    for passed in (0.1, 0.2345, 0.5):
        wall = WALL + round(passed * S / pace)
        assert sim.time_ns(wall) == pytest.approx(SIM + passed * S, abs=10)


def test_it_stands_still_with_its_clock():
    sim = running()
    last = WALL + 990 * MS
    assert sim.time_ns(last + 5 * MS) == SIM + 995 * MS
    assert sim.time_ns(last + 60 * S) == SIM + 1000 * MS
    for k in range(50):
        sim.on_clock(last + k * 10 * MS, SIM + 990 * MS)
    assert sim.time_ns(last + 500 * MS) == SIM + 990 * MS


def test_before_the_clock_began_there_is_no_time():
    sim = running()
    assert sim.time_ns(WALL - 1) is None
    early = RawMessage('/x', JOINT_STATE, b'', 0, WALL - 1)
    assert on_time_base(early, sim) is None
    assert SimTime().time_ns(WALL) is None


def test_crossed_clock_messages_change_nothing_a_reset_does():
    sim = running()
    sim.on_clock(WALL + S, SIM + 980 * MS)
    assert (sim.resets, sim.latest_ns) == (0, SIM + 990 * MS)
    sim.on_clock(WALL + S, 0)
    assert (sim.resets, sim.latest_ns) == (1, 0)
    assert sim.time_ns(WALL + S - 1) is None


def test_it_does_not_grow():
    sim = running(steps=30_000)
    assert len(sim._times) <= 8000


def heard(live: LiveTime, until: int) -> list[RawMessage | Restart]:
    return list(live.release(until))


def test_messages_wait_for_the_clock_and_come_in_order_of_arrival():
    live = LiveTime(use_sim_time=True)
    assert live.begin(has_clock=True)
    live.add(raw('/x', joint_state(SIM + 20 * MS, 'a', [1]), WALL + 25 * MS, WALL + 22 * MS))
    live.add(raw('/y', joint_state(SIM, 'a', [1]), WALL + 12 * MS))
    for k in range(5):
        live.add(clock(WALL + k * 10 * MS, SIM + k * 10 * MS))
    assert [(m.topic, m.received_ns) for m in heard(live, WALL + 20 * MS)] == [
        ('/y', SIM + 12 * MS)
    ]
    (late,) = heard(live, WALL + 40 * MS)
    assert (late.received_ns, late.source_ns) == (SIM + 25 * MS, SIM + 23 * MS)
    assert live.now_ns(WALL + 40 * MS) == SIM + 40 * MS


def test_a_reset_comes_between_what_was_before_and_after_it():
    live = LiveTime(use_sim_time=True)
    for k in range(3):
        live.add(clock(WALL + k * 10 * MS, SIM + k * 10 * MS))
    live.add(clock(WALL + 30 * MS, 0))
    live.add(raw('/x', joint_state(SIM, 'a', [1]), WALL + 29 * MS))
    live.add(raw('/x', joint_state(1, 'a', [1]), WALL + 31 * MS))
    before, restart, after = heard(live, WALL + S)
    assert isinstance(before, RawMessage) and before.received_ns == SIM + 29 * MS
    assert restart == Restart(0)
    assert isinstance(after, RawMessage) and after.received_ns == 0


@pytest.mark.parametrize('simulated', [True, False])
def test_the_headers_tell_on_which_clock_they_run(simulated):
    live = LiveTime()
    assert live.begin(has_clock=True)
    live.add(clock(WALL, SIM))
    for k in range(6):
        stamp = (SIM if simulated else WALL) + k * MS
        live.add(raw('/x', joint_state(stamp, 'a', [1]), WALL + 2 * MS))
    assert live.is_simulated is simulated
    assert len(heard(live, WALL + S)) == 6, 'what was heard before it was known is lost'


def test_without_a_clock_there_is_nothing_to_find_out():
    live = LiveTime()
    assert not live.begin(has_clock=False)
    assert live.is_simulated is False and live.now_ns(WALL) == WALL


def test_headers_without_stamps_leave_it_open_until_patience_ends():
    live = LiveTime()
    live.begin(has_clock=True)
    live.add(clock(WALL, SIM))
    for _ in range(20):
        live.add(raw('/x', joint_state(0, 'a', [1]), WALL + MS))
    assert live.is_simulated is None
    live.decide()
    assert live.is_simulated is False
    live.check_clock(20)


def test_a_clock_that_never_comes_is_told():
    live = LiveTime(use_sim_time=True)
    live.begin(has_clock=False)
    live.decide()
    with pytest.raises(StreamError, match=r'^waited 20 s for /clock, .* use_sim_time to false$'):
        live.check_clock(20)


def test_pictures_waiting_for_a_clock_do_not_pile_up():
    live = LiveTime()
    assert live.begin(has_clock=True)
    picture = RawMessage('/x', IMAGE, bytes(1 << 20), 0, WALL)
    for _ in range(1000):
        live.add(picture)
    assert 10 < len(live._waiting) <= 128


def test_a_burst_of_many_topics_loses_nothing_once_the_clock_is_known():
    live = LiveTime(use_sim_time=True)
    for topic in ('/x', '/y', '/z'):
        for number in range(900):
            live.add(RawMessage(topic, IMAGE, b'', 0, WALL + number))
    assert len(live._waiting) == 2700
