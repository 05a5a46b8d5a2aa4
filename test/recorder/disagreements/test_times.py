from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_signals import MS, action, signal, state

from lerobot_recorder.disagreements.times import check_times


def told(*signals, fps=30) -> list[str]:
    return [str(finding) for finding in check_times(signals, fps)]


def test_streams_that_go_together():
    assert told(state(), action(), signal('observation.wrench', 1000.0, 5.0)) == []


def test_a_stream_slower_than_the_rows():
    assert told(state(hz=20.0)) == [
        'observation.state /state: comes at 20.0 Hz, the rows at 30: the rest is interpolated; '
        'lower --dataset.fps to 20, or leave it so on purpose'
    ]
    assert 'each is held until the next' in told(action(hz=5.0))[0]
    assert told(state(hz=29.0)) == []


def test_a_stream_without_a_header_beside_others():
    jitter = np.random.default_rng(1).normal(0, 5 * MS, 1000).astype(np.int64)
    bare = replace(action(), headers_ns=None)
    bare = replace(bare, arrivals_ns=bare.arrivals_ns + jitter)
    (line,) = [line for line in told(state(), bare) if 'header' in line]
    assert line.startswith('action /action: has no header, others have one: it is placed by its')
    assert 'varies by 1' in line  # 90th percentile of the difference of two normals, 11.6 ms
    zero = replace(action(), headers_ns=np.zeros(1000, np.int64))
    assert 'has header stamps of zero' in told(state(), zero)[0]
    assert told(bare) != told(state(), bare)  # alone it is not beside others
    assert not any('header' in line for line in told(bare))


@pytest.mark.parametrize(
    ('shift_ms', 'expected'),
    [(1200, 'its stamps are 1.20 s older on arrival'), (-700, 'its clock is 0.70 s ahead')],
)
def test_a_clock_of_its_own(shift_ms, expected):
    apart = replace(action(), arrivals_ns=action().arrivals_ns + shift_ms * MS)
    lines = told(state(), signal('observation.wrench'), apart)
    assert len(lines) == 1 and expected in lines[0]
    assert told(state(), replace(apart, arrivals_ns=action().arrivals_ns + 100 * MS)) == []


def test_a_clock_that_drifts():
    arrivals = action().arrivals_ns
    drifting = replace(action(), arrivals_ns=arrivals + (arrivals - arrivals[0]) // 100)
    (line,) = told(state(), drifting)
    assert 'run apart: +150 ms within 20 s' in line


def test_stamps_that_come_twice_or_go_back():
    stamps = action().headers_ns.copy()
    stamps[1::2] = stamps[::2]
    assert '50% of its messages have the stamp of the one before' in ' '.join(
        told(state(), replace(action(), headers_ns=stamps))
    )
    back = action().headers_ns.copy()
    back[10::10] -= 100 * MS
    assert '10% of its stamps lie before the one before' in ' '.join(
        told(state(), replace(action(), headers_ns=back))
    )


def test_commands_that_are_silent_most_of_the_time():
    assert (
        'action /action: is silent for 70% of the time'
        in told(replace(action(), silent_share=0.7))[0]
    )
    assert told(replace(action(), silent_share=0.3)) == []
    assert (
        told(replace(state(), silent_share=0.7)) == []
    )  # a gap in what is sensed is told as such
