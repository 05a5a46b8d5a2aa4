"""What a base is asked for, step by step, against a base by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.base_driver import BaseDriver
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.base_config import BaseConfig
from lerobot_drivers.robots.mobile_base import MobileBase, within_ceilings

STEP_S = 0.01


class FakeBase(MobileBase):
    """Does what it is asked for, within ceilings."""

    axes = ()
    reading = None

    def __init__(self, config):
        self.config, self.asked, self.fault = config, [], None

    def limited(self, velocity):
        return within_ceilings(velocity, self.config)

    def drive(self, velocity):
        if self.fault is not None:
            raise self.fault
        self.asked.append(self.limited(velocity))
        return self.asked[-1]


class Bench:
    def __init__(self, **config):
        self.config = BaseConfig(**config)
        self.clock, self.base = ManualClock(), FakeBase(self.config)
        self.driver = BaseDriver(self.base, self.config, self.clock)

    def ask(self, *velocity, source='operator'):
        return self.driver.on_command(np.array(velocity, dtype=float), source)

    def run(self, seconds):
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance(STEP_S)
            self.driver.step()
        return self.driver.sent.tolist()


def test_it_gathers_speed_and_silence_brings_it_to_a_stand():
    bench = Bench(max_linear_acceleration=1.0, cmd_vel_timeout=0.5)
    bench.ask(0.2, 0.0, 0.0)
    assert bench.run(0.1) == pytest.approx([0.1, 0, 0])
    assert bench.run(0.3) == pytest.approx([0.2, 0, 0])
    assert bench.run(0.11) == pytest.approx([0.19, 0, 0]), 'half a second after the command'
    assert bench.run(0.2) == [0, 0, 0]
    assert bench.driver.active is None


def test_it_turns_aside_no_more_than_asked_for_on_the_way():
    bench = Bench(max_linear_acceleration=1.0)
    bench.ask(0.3, 0.4, 0.0)
    assert bench.run(0.1) == pytest.approx([0.06, 0.08, 0.0])


def test_too_fast_is_slowed_down_in_the_same_direction():
    bench = Bench(max_linear_velocity=0.1, max_angular_velocity=1.0, max_linear_acceleration=9.0)
    bench.ask(0.3, 0.4, 1.0)
    assert bench.run(0.2) == pytest.approx([0.06, 0.08, 0.2])
    bench.ask(0.0, 0.0, -2.0)
    assert bench.run(0.4) == pytest.approx([0.0, 0.0, -1.0])


def test_the_operator_comes_before_a_policy_until_he_is_silent():
    bench = Bench()
    bench.ask(0.1, 0, 0, source='policy')
    bench.ask(-0.1, 0, 0)
    assert bench.driver.active == 'operator'
    for _ in range(70):
        bench.ask(0.1, 0, 0, source='policy')
        bench.run(STEP_S)
    assert bench.driver.active == 'policy'


def test_numbers_that_are_none_are_refused():
    bench = Bench()
    assert not bench.ask(float('nan'), 0, 0)
    assert not bench.ask(0, float('inf'), 0)
    assert bench.driver.refused == 2
    assert bench.run(0.1) == [0, 0, 0]


def test_a_halt_is_at_once_and_until_the_next_command():
    bench = Bench()
    bench.ask(0.2, 0, 0)
    bench.run(0.3)
    bench.driver.halt()
    assert bench.base.asked[-1].tolist() == [0, 0, 0]
    assert bench.run(0.1) == [0, 0, 0]
    bench.ask(0.2, 0, 0)
    assert bench.run(0.05) == pytest.approx([0.05, 0, 0]), 'it gathers speed from a stand'


def test_a_halt_without_a_wire_forgets_too():
    bench = Bench()
    bench.ask(0.2, 0, 0)
    bench.run(0.3)
    bench.base.fault = DeviceError('unplugged')
    with pytest.raises(DeviceError):
        bench.driver.halt()
    bench.base.fault = None
    assert bench.run(0.1) == [0, 0, 0]


def test_a_long_pause_between_steps_is_no_leap():
    bench = Bench(cmd_vel_timeout=60.0, max_linear_acceleration=1.0)
    bench.ask(1.0, 0, 0)
    bench.clock.advance(5.0)
    assert bench.driver.step().tolist() == pytest.approx([0.1, 0, 0])
