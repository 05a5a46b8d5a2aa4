from __future__ import annotations

import os

import pytest
import serial
from bus_frames import packet

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.pty_line import PtyLine

PATIENCE_S = 10.0


@pytest.fixture
def line():
    clock = SystemClock()
    arm = SimArm('arm', 'so101_follower', clock.now_ns())
    line = PtyLine(arm.transact, clock)
    yield line
    if not line.closed:
        line.close()


def open_port(line: PtyLine, baud: int = 1_000_000, timeout_s: float = PATIENCE_S):
    return serial.Serial(line.path, baud, timeout=timeout_s)


def test_a_client_is_answered_and_may_come_again(line):
    for _ in range(3):
        with open_port(line) as port:
            port.write(packet(1, 1))
            assert port.read(6) == packet(1, 0)


def test_all_byte_values_pass_unchanged(line):
    with open_port(line) as port:
        for value in range(256):
            port.write(packet(1, 3, 43, value) + packet(1, 2, 43, 1))
            assert port.read(13) == packet(1, 0) + packet(1, 0, value)


def test_a_wrong_baud_rate_is_not_answered(line):
    with open_port(line, 115_200, timeout_s=0.2) as port:
        port.write(packet(1, 1))
        assert port.read(6) == b''
    with open_port(line) as port:
        port.write(packet(1, 1))
        assert port.read(6) == packet(1, 0)


def test_a_plain_opener_finds_the_right_speed_set(line):
    fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(fd, packet(2, 1))
        assert os.read(fd, 6) == packet(2, 0)
    finally:
        os.close(fd)


def test_unplugging_is_an_error_for_who_is_connected(line):
    port = open_port(line, timeout_s=1.0)
    path = line.path
    line.close()
    with pytest.raises(OSError):
        for _ in range(100):
            port.write(packet(1, 1))
            port.read(6)
    port.close()
    assert not os.path.exists(path)
