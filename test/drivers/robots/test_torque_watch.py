"""Which motors count as fallen out, on a bus of two that is told rather than simulated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.torque_watch import TorqueWatch

SECOND_NS = 10**9
STATE: Any = None


class Bus:
    motors = ('pan', 'lift')
    port = SimpleNamespace(name='/dev/ttyACM0')

    def __init__(self) -> None:
        self.torque = {'pan': 1, 'lift': 1}
        self.errors = {'pan': 'none', 'lift': 'none'}
        self.asked: list[str] = []

    def read(self, register: str, motor: str) -> int:
        assert register == 'Torque_Enable'
        self.asked.append(motor)
        return self.torque[motor]

    def motor_health(self, _state: Any) -> list[Any]:
        return [SimpleNamespace(errors=self.errors[name]) for name in self.motors]


@pytest.fixture
def bus() -> Any:
    return Bus()


@pytest.fixture
def watch() -> TorqueWatch:
    made = TorqueWatch(('pan', 'lift'))
    made.begin(0)
    return made


def seconds(watch: TorqueWatch, bus: Any, first: int, last: int) -> None:
    for at_ns in range(first * SECOND_NS, last * SECOND_NS, SECOND_NS // 100):
        watch.check(bus, STATE, at_ns)


def test_each_is_asked_once_in_a_second_while_it_is_to_hold(watch: TorqueWatch, bus: Any) -> None:
    seconds(watch, bus, 0, 3)
    assert bus.asked == ['pan', 'lift'] * 2 + ['pan']
    watch.end()
    seconds(watch, bus, 3, 5)
    assert len(bus.asked) == 5


def test_who_fell_out_is_named(watch: TorqueWatch, bus: Any) -> None:
    bus.torque['lift'] = 0
    with pytest.raises(DeviceError, match='ttyACM0: lift is limp without having been asked'):
        seconds(watch, bus, 0, 2)


def test_who_let_go_to_protect_itself_is_left_so_until_somebody_wants_it_to_hold(
    watch: TorqueWatch, bus: Any
) -> None:
    bus.errors['lift'], bus.torque['lift'] = 'overheat', 0
    seconds(watch, bus, 0, 2)
    bus.errors['lift'] = 'none'
    seconds(watch, bus, 2, 4)
    watch.begin(4 * SECOND_NS)
    with pytest.raises(DeviceError, match='lift'):
        seconds(watch, bus, 4, 6)
