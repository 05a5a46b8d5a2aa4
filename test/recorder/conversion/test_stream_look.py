"""What is told of a topic, against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_messages import MS, T0, S

from lerobot_recorder.conversion import stream_look
from lerobot_recorder.conversion.stream_look import StreamLook, StreamLooker
from lerobot_recorder.messages import RawMessage


def looked(stamps, lags=None, header=lambda stamp: stamp) -> StreamLook:
    looker = StreamLooker('/t', 'x/msg/X')
    for stamp, lag in zip(stamps, lags if lags is not None else [0] * len(stamps), strict=True):
        raw = RawMessage('/t', 'x/msg/X', b'', 0, int(stamp + lag))
        looker.add(raw, header(int(stamp)))
    return looker.look()


def test_rate_gaps_doubles_and_disorder():
    stamps = [T0 + k * 20 * MS for k in range(5000) if not 1000 <= k < 1050 and k != 3000]
    stamps[40:40] = [stamps[39]]
    stamps[2100], stamps[2101] = stamps[2101], stamps[2100]
    look = looked(stamps)
    assert (look.count, look.gaps, look.duplicates, look.out_of_order) == (len(stamps), 1, 1, 1)
    assert look.rate_hz == pytest.approx(50) and look.received_hz == pytest.approx(49.5, abs=0.02)
    assert look.longest_gap_s == pytest.approx(1.02)
    assert (look.first_ns, look.last_ns) == (T0, T0 + 4999 * 20 * MS)


@pytest.mark.parametrize('portion', [1, 2, 7, 10_000])
def test_portions_make_no_difference(portion, monkeypatch):
    random = np.random.default_rng(1)
    stamps = T0 + np.cumsum(random.integers(-3, 40, 500)) * MS
    expected = looked(stamps)
    monkeypatch.setattr(stream_look, '_PORTION', portion)
    found = looked(stamps)
    for name in ('count', 'duplicates', 'out_of_order', 'longest_gap_s', 'first_ns', 'last_ns'):
        assert getattr(found, name) == getattr(expected, name), name
    newest = np.maximum.accumulate(stamps)[:-1]
    assert found.out_of_order == int((stamps[1:] < newest).sum())
    assert found.duplicates == int((stamps[1:] == newest).sum())


def test_lag_of_many_messages_is_told_of_some_of_them():
    lags = np.random.default_rng(2).gamma(2.0, 5 * MS, 100_000)
    look = looked(T0 + np.arange(len(lags)) * MS, lags)
    half, most = np.percentile(lags.astype(int), [50, 99]) / 1e6
    assert look.lag_ms == pytest.approx((half, most), rel=0.05)
    assert look.clock == 'header'


def test_clocks():
    stamps = [T0 + k * S // 10 for k in range(20)]
    assert looked(stamps, header=lambda stamp: None).clock == 'log time: it has no header'
    assert looked(stamps, header=lambda stamp: 0).clock == (
        'log time: its stamps are no use (20 zero)'
    )
    some = looked(stamps, header=lambda stamp: 5 if stamp > stamps[15] else stamp)
    assert some.clock == 'header (4 absurd)' and some.last_ns == stamps[-1]


def test_few_messages():
    one = looked([T0])
    assert (one.count, one.rate_hz, one.received_hz, one.gaps) == (1, None, None, 0)
    assert StreamLooker('/t', 'x').look() == StreamLook('/t', 'x', 0)
