"""Reading a device through faults, against a tiny fake (the simulated arm: test/nodes)."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import BusTimeoutError, DeviceError, NotConnectedError
from lerobot_drivers.common.health import Alarm, Level
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots.robot import JointReading, Robot


class FakeArm:
    """Two joints; faults on demand."""

    base = None

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.position = np.array([0.1, 0.2])
        self.calls: list[str] = []
        self.wrong: list[Alarm] = []
        self.is_connected = False
        self.fault: DeviceError | None = None
        self.sent: list[NDArray[np.float64]] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fault is not None:
            raise self.fault

    def connect(self, calibrate: bool = False) -> None:
        self._call('connect')
        self.is_connected = True

    def read_state(self) -> JointReading:
        self._call('read')
        self.clock.advance(0.002)
        zeros = np.zeros(2)
        return JointReading(self.clock.now_ns() - 1_000_000, self.position.copy(), zeros, zeros)

    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        self._call('write')
        self.sent.append(np.clip(position, -1, 1))
        return self.sent[-1]

    def disconnect(self) -> None:
        self.calls.append('disconnect')
        self.is_connected = False

    def hang_up(self) -> None:
        self.calls.append('hang_up')
        self.is_connected = False

    def alarms(self) -> list[Alarm]:
        return self.wrong

    def health(self) -> dict[str, str | float]:
        return {'voltage': 7.4}


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock(10**18)
        self.arm = FakeArm(self.clock)
        self.warnings: list[str] = []
        robot = cast(Robot, cast(Any, self.arm))
        self.driver = ArmDriver(robot, 100.0, self.clock, self.warnings.append)

    def steps(self, seconds: float) -> list[JointReading | None]:
        readings = []
        for _ in range(round(seconds * 100)):
            self.clock.advance(0.01)
            readings.append(self.driver.step())
        return readings


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.driver.connect()
    return bench


def test_connecting_takes_the_measured_position_as_goal(bench: Bench) -> None:
    assert bench.driver.seeded
    np.testing.assert_array_equal(bench.driver.goal, [0.1, 0.2])


def test_what_was_sent_is_full_length_and_after_all_limits(bench: Bench) -> None:
    assert bench.driver.write(np.array([math.nan, 5.0]))
    np.testing.assert_array_equal(bench.driver.goal, [0.1, 1.0])


def test_single_faults_are_counted_and_survived(bench: Bench) -> None:
    bench.arm.fault = BusTimeoutError('no reply from id 3')
    assert bench.steps(0.1) == [None] * 10
    assert not bench.driver.write(np.zeros(2))
    bench.arm.fault = None
    assert None not in bench.steps(0.9)
    health = bench.driver.health({'more': 1})
    assert (health.level, health.message) == (
        Level.WARN,
        '11 failed transactions: no reply from id 3',
    )
    assert health.values['errors'] == 11
    assert (health.values['voltage'], health.values['more']) == (7.4, 1)
    assert not bench.driver.lost
    assert bench.warnings == []
    assert bench.driver.health().message.startswith('slow: 0.0 Hz')


def test_an_arm_that_does_not_answer_for_long_is_lost_and_tried_each_second(bench: Bench) -> None:
    bench.arm.fault = BusTimeoutError('no reply')
    bench.steps(5.3)
    assert bench.driver.lost
    assert bench.arm.calls.count('connect') == 1 + 4
    assert not bench.driver.write(np.zeros(2))
    assert 'write' not in bench.arm.calls
    health = bench.driver.health()
    assert (health.level, health.message) == (Level.ERROR, 'lost: no reply')
    assert bench.warnings == ['lost: no reply; trying again each second']


def test_an_arm_that_does_not_answer_is_not_let_fall(bench: Bench) -> None:
    bench.arm.fault = BusTimeoutError('no reply')
    bench.steps(5.3)
    assert bench.driver.lost
    assert 'hang_up' in bench.arm.calls
    assert 'disconnect' not in bench.arm.calls, 'torque would go off'


def test_an_unplugged_arm_comes_back_with_a_new_seed(bench: Bench) -> None:
    bench.driver.write(np.array([0.9, 0.9]))
    bench.driver.seeded = False
    bench.arm.is_connected = False
    bench.arm.fault = NotConnectedError({'arm': 'unplugged'})
    bench.steps(2.5)
    assert bench.driver.lost
    bench.arm.fault = None
    bench.arm.position = np.array([-0.5, -0.6])
    readings = bench.steps(1.0)
    assert readings[-1] is not None
    assert bench.driver.seeded
    np.testing.assert_array_equal(bench.driver.goal, [-0.5, -0.6])
    assert bench.driver.reconnects == 1
    lost = 'lost: arm: unplugged; trying again each second'
    assert bench.warnings == [lost, 'found again']


def test_rate_age_and_latency_are_measured(bench: Bench) -> None:
    bench.driver.health()
    bench.steps(1.0)
    health = bench.driver.health()
    assert health.level == Level.OK
    assert health.values['rate [Hz]'] == pytest.approx(100 / 1.2)
    assert health.values['age when published [ms]'] == pytest.approx(1.0)
    assert health.values['read latency, greatest [ms]'] == pytest.approx(2.0)


def test_the_worst_alarm_of_the_device_is_the_level_and_all_are_told(bench: Bench) -> None:
    bench.driver.health()
    bench.arm.wrong = [Alarm(Level.ERROR, 'lift: overload'), Alarm(Level.WARN, 'grip is hot')]
    bench.steps(1.0)
    health = bench.driver.health()
    assert (health.level, health.message) == (Level.ERROR, 'lift: overload; grip is hot')
