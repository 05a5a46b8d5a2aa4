from __future__ import annotations

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.log_warnings import QUIET_NS, LogWarnings


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def log(tmp_path, clock):
    class Log:
        path = tmp_path / 'arm.log'
        warnings = LogWarnings(path, clock)

        def write(self, text):
            with self.path.open('a') as file:
                file.write(text)
            return self.warnings.new()

    return Log()


def warning(text):
    return f'[WARN] [1795800754.453750536] [hand.arm]: {text}\n'


def test_warnings_are_told_once_and_nothing_else(log):
    assert log.warnings.new() == []
    told = log.write(
        '[INFO] [1.0] [arm]: fine\n' + warning('lost: [a] b: c') + '[ERROR] [1.0] [arm]: bad\nx\n'
    )
    assert told == ['lost: [a] b: c']
    assert log.warnings.new() == []
    assert log.write(warning('found again')) == ['found again']


def test_a_line_is_told_when_it_is_whole(log):
    line = warning('found again')
    assert log.write(line[:-5]) == []
    assert log.write(line[-5:]) == ['found again']


def test_what_repeats_itself_is_told_now_and_then(log, clock):
    def refused(age):
        return warning(f'joint command refused: stamped {age} s ago')

    assert len(log.write(refused(0.6) + refused(0.71) + warning('lost'))) == 2
    assert log.write(refused(1.2)) == []
    clock.advance(QUIET_NS / 1e9)
    assert len(log.write(refused(0.8))) == 1
