"""What simulated servos complain about: in each status, in a register, and in what they do."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.wire import READ, WRITE, Request

FEETECH_STATUS, DYNAMIXEL_ERROR = 65, 70
OVERHEAT, OVERLOAD = 4, 32


class Wire:
    """A host's end of an arm's bus."""

    def __init__(self, model: str, word: int) -> None:
        self.arm = SimArm('alerts', model, 0)
        self.word = word
        self.now_ns = 0

    def ask(self, instruction: int, motor: int, address: int, *data: int) -> bytes:
        self.now_ns += 10_000_000
        head = address.to_bytes(self.word, 'little')
        length = data[0].to_bytes(self.word, 'little') if instruction == READ else bytes(data)
        request = Request(motor, instruction, head + length, self.word)
        return self.arm.transact(request, self.now_ns, 1_000_000).data

    def inject(self, fault: str, **arguments: object) -> None:
        self.arm.inject(fault, self.now_ns, arguments)


def feetech(status: bytes) -> tuple[int, bytes]:
    return status[4], status[5:-1]


def dynamixel(status: bytes) -> tuple[int, bytes]:
    return status[8], status[9:-2]


def test_a_feetech_tells_all_of_it_in_each_status_while_it_lasts() -> None:
    wire = Wire('so101_follower', 1)
    assert feetech(wire.ask(READ, 3, FEETECH_STATUS, 1)) == (0, b'\0')
    wire.inject('alert', joints=['elbow_flex'], causes=['overload'])
    wire.inject('heat', joints={'elbow_flex': 75})
    told = OVERLOAD | OVERHEAT
    assert feetech(wire.ask(READ, 3, FEETECH_STATUS, 1)) == (told, bytes([told]))
    assert feetech(wire.ask(WRITE, 3, 40, 1)) == (told, b'')
    assert feetech(wire.ask(READ, 4, FEETECH_STATUS, 1)) == (0, b'\0')
    wire.inject('clear')
    wire.inject('heat', joints={'elbow_flex': 30})
    assert feetech(wire.ask(READ, 3, FEETECH_STATUS, 1)) == (0, b'\0')


def test_a_dynamixel_tells_that_there_is_something_and_keeps_it_until_started_anew() -> None:
    wire = Wire('koch_follower', 2)
    wire.inject('heat', joints={'elbow_flex': 90})
    assert dynamixel(wire.ask(READ, 3, DYNAMIXEL_ERROR, 1)) == (0x80, bytes([OVERHEAT]))
    wire.inject('heat', joints={'elbow_flex': 30})
    assert dynamixel(wire.ask(READ, 3, DYNAMIXEL_ERROR, 1)) == (0x80, bytes([OVERHEAT]))
    wire.ask(WRITE, 3, 64, 1)
    assert dynamixel(wire.ask(READ, 3, 64, 1))[1] == b'\0', 'it stays limp'
    wire.inject('power_cycle')
    assert dynamixel(wire.ask(READ, 3, DYNAMIXEL_ERROR, 1)) == (0, b'\0')
    wire.ask(WRITE, 3, 64, 1)
    assert dynamixel(wire.ask(READ, 3, 64, 1))[1] == b'\1'


def test_an_unloaded_servo_gives_no_torque() -> None:
    wire = Wire('so101_follower', 1)
    wire.ask(WRITE, 3, 40, 1)
    assert 'elbow_flex' in wire.arm.truth(wire.now_ns)['goal']
    wire.inject('alert', joints=['elbow_flex'], causes=['overload'])
    assert 'elbow_flex' not in wire.arm.truth(wire.now_ns)['goal']


def test_a_weak_supply_is_complained_about() -> None:
    wire = Wire('so101_follower', 1)
    wire.inject('supply', volts=3.0)
    assert feetech(wire.ask(READ, 1, 62, 1)) == (1, bytes([30]))


def test_an_unknown_cause_is_told() -> None:
    with pytest.raises(ConfigError, match="fault 'alert' of arm alerts: 'boredom'"):
        Wire('so101_follower', 1).inject('alert', joints=['gripper'], causes=['boredom'])
