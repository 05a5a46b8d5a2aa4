from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from synthetic_messages import MS, T0, S

from lerobot_recorder.messages import RawMessage, StampClock
from lerobot_recorder.stamps import ABSURD_NS, StampChooser

LIES = [50 * MS, 2 * S, 9 * S, 3600 * S]


class Device:
    """A stream: header stamps, latencies, and what a chooser makes of them."""

    def __init__(self, hertz=30.0, latency_ms=30.0, jitter_ms=2.0, **chooser):
        self.period = round(S / hertz)
        self.latency_ms, self.jitter_ms = latency_ms, jitter_ms
        self.chooser = StampChooser(**chooser)
        self.chance = random.Random(1)
        self.now = T0

    def true(self) -> int:
        self.now += self.period
        return self.now

    def arrival(self, stamp, late_ms=0.0):
        jitter = self.chance.uniform(-1, 1) * self.jitter_ms
        return stamp + round((self.latency_ms + jitter + late_ms) * MS)

    def hear(self, header, arrival):
        raw = RawMessage('/x', 'sensor_msgs/msg/Image', b'', arrival, arrival + MS)
        return self.chooser.choose(header, raw)

    def tell(self, count, off_ns=0):
        """Let it send so many messages, their headers off by some time; return the errors."""
        errors = []
        for _ in range(count):
            stamp = self.true()
            chosen = self.hear(stamp + off_ns if off_ns is not None else 0, self.arrival(stamp))
            errors.append(None if chosen is None else chosen - stamp)
        return errors

    @property
    def counts(self):
        return self.chooser.counts


def test_the_header_is_believed_first():
    device = Device()
    assert device.tell(100) == [0] * 100
    assert device.counts.used == {'header': 100}
    assert (device.counts.missing, device.counts.doubtful) == (0, 0)


@pytest.mark.parametrize('header', [0, None])
def test_without_a_header_stamp_the_source_is_believed_then_the_receive_time(header):
    chooser = StampChooser()
    assert chooser.choose(header, RawMessage('/x', 't', b'', T0 + MS, T0 + 2 * MS)) == T0 + MS
    assert chooser.choose(header, RawMessage('/x', 't', b'', 0, T0 + 2 * MS)) == T0 + 2 * MS
    assert chooser.counts.used == {'source': 1, 'receive': 1} and chooser.counts.missing == 2


@pytest.mark.parametrize('sign', [-1, 1])
def test_an_absurd_header_stamp_is_noticed(sign):
    raw = RawMessage('/x', 't', b'', T0, T0 + MS)
    chooser = StampChooser()
    assert chooser.choose(T0 + sign * (ABSURD_NS + 1), raw) == T0
    assert chooser.counts.absurd == 1
    assert chooser.choose(T0 + sign * ABSURD_NS, raw) == T0 + sign * ABSURD_NS


def test_the_clock_that_was_declared_is_obeyed():
    for clock, expected in (
        (StampClock.HEADER, T0 - 3600 * S),
        (StampClock.SOURCE, T0 + MS),
        (StampClock.RECEIVE, T0 + 2 * MS),
        (StampClock.AUTO, T0 + MS),
    ):
        raw = RawMessage('/x', 't', b'', T0 + MS, T0 + 2 * MS)
        assert StampChooser(clock).choose(T0 - 3600 * S, raw) == expected


@pytest.mark.parametrize('hertz', [10, 30, 100])
@pytest.mark.parametrize('sign', [-1, 1])
@pytest.mark.parametrize('lie', LIES)
def test_a_single_lie_is_found_and_replaced(hertz, sign, lie):
    device = Device(hertz)
    device.tell(40)
    (error,) = device.tell(1, sign * lie)
    assert abs(error) <= 4 * MS
    assert device.tell(40) == [0] * 40
    assert (device.counts.doubtful, device.counts.clock_jumps) == (1, 0)
    assert device.counts.absurd == (lie > ABSURD_NS)


@pytest.mark.parametrize('lie', [*LIES, None])
def test_a_reading_of_doubtful_stamp_is_left_out(lie):
    device = Device(100, 1, 0.5, may_drop=True)
    device.tell(40)
    assert device.tell(1, lie) == [None]
    assert device.tell(40) == [0] * 40
    assert device.counts.dropped == 1


def test_a_single_zero_stamp_is_replaced_less_the_usual_latency():
    device = Device()
    device.tell(40)
    (error,) = device.tell(1, None)
    assert abs(error) <= 4 * MS and device.counts.missing == 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), hertz=st.sampled_from([10, 30, 50, 100]))
def test_lies_now_and_then_never_become_the_truth(seed, hertz):
    chance = random.Random(seed)
    device = Device(hertz)
    device.tell(20)
    lied = 0
    for _ in range(200):
        off = chance.choice(LIES) * chance.choice([-1, 1]) if chance.random() < 0.08 else 0
        lied += off != 0
        (error,) = device.tell(1, off)
        assert abs(error) <= (4 * MS if off else 0)
    assert device.counts.doubtful == lied


@pytest.mark.parametrize('jump', [60 * MS, 2 * S, -2 * S, -60 * MS])
def test_a_clock_that_was_set_is_believed_after_a_few_messages(jump):
    device = Device()
    device.tell(40)
    errors = device.tell(40, jump)
    assert all(abs(error) <= 4 * MS or error == jump for error in errors[:4])
    assert errors[4:] == [jump] * 36
    assert device.counts.clock_jumps == 1
    assert 2 <= device.counts.lying <= 4 and device.counts.delayed <= 2
    assert device.tell(1, jump - 9 * S)[0] <= 4 * MS + jump
    device.chooser.begin_take()
    assert device.counts.clock_jumps == 0


def test_headers_that_stay_absurd_leave_the_stream_on_its_source_clock():
    device = Device(may_drop=True)
    device.tell(40)
    errors = device.tell(40, 3600 * S)
    assert errors[:4] == [None] * 4
    assert max(abs(error) for error in errors[4:]) <= 4 * MS


@pytest.mark.parametrize('stall_ms', [60, 400, 2000])
@pytest.mark.parametrize('hertz', [10, 30, 100])
def test_a_stall_and_the_burst_after_it_are_believed(hertz, stall_ms):
    device = Device(hertz)
    device.tell(40)
    end = device.now + stall_ms * MS
    while device.now < end:
        stamp = device.true()
        assert device.hear(stamp, max(end, device.arrival(stamp))) == stamp
    assert device.tell(100) == [0] * 100
    assert device.counts.doubtful == 0
    assert device.counts.delayed > 0 or stall_ms == 60


def test_a_burst_with_losses_is_believed():
    device = Device(30)
    device.tell(40)
    end = device.now + S
    for k in range(30):
        stamp = device.true()
        if k > 15 and k % 3:
            assert device.hear(stamp, max(end, device.arrival(stamp))) == stamp
    assert device.counts.doubtful == 0


def test_every_message_twice_is_not_doubted():
    device = Device(30)
    stamps = [device.true() for _ in range(100)]
    heard = [(device.arrival(stamp), stamp) for stamp in stamps]
    heard += [(device.arrival(stamp, 80), stamp) for stamp in stamps[20:]]
    for arrival, stamp in sorted(heard):
        assert device.hear(stamp, arrival) == stamp
    assert (device.counts.doubtful, device.counts.clock_jumps) == (0, 0)


def test_a_second_publisher_of_another_latency_is_believed_after_a_few_messages():
    device = Device(30)
    device.tell(40)
    errors = []
    for _ in range(50):
        stamp = device.true()
        device.hear(stamp, device.arrival(stamp))
        other = stamp - 10 * MS
        errors.append(device.hear(other, device.arrival(other, 60)) - other)
    assert errors[10:] == [0] * 40
    assert device.counts.clock_jumps == 0


def test_steady_drift_of_a_clock_is_no_lie():
    device = Device(30)
    for k in range(30 * 600):
        stamp = device.true()
        device.hear(round(stamp + k * S / 30 * 200e-6), device.arrival(stamp))
    assert device.counts.doubtful == 0


@pytest.mark.parametrize('pace', [0.3, 3.0])
def test_a_header_clock_of_another_pace_is_believed_for_its_rhythm(pace):
    device = Device(30)
    arrival = T0
    for _ in range(200):
        arrival += round(device.period / pace)
        if abs(arrival - device.now) < 9 * S:
            assert device.hear(device.true(), arrival) == device.now
    assert device.counts.lying == 0


@settings(max_examples=40, deadline=None)
@example(seed=208, hertz=30)
@given(seed=st.integers(0, 10_000), hertz=st.sampled_from([30, 50, 100]))
def test_a_busy_machine_makes_no_liars(seed, hertz):
    """Stamps and arrivals both shaken, now and then held up for long: nothing is doubted."""
    chance = random.Random(seed)
    device = Device(hertz, 2, 1)
    arrival = at = T0
    for k in range(400):
        held = chance.choice([0, 0, 0, 0, 0, 0, 5, 20, 60, 150]) if k > 50 else 0
        shaken = device.true() + round(chance.uniform(0, 0.3) * device.period)
        at = max(shaken, arrival - MS, at + 1)
        arrival = max(arrival + 1, device.arrival(at, held))
        assert device.hear(at, arrival) == at
    assert device.counts.doubtful == 0
