"""The vendor's own SDK finds nothing wrong with our servos."""

from __future__ import annotations

import time

import pytest

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.pty_line import PtyLine

scs = pytest.importorskip('scservo_sdk', reason='feetech-servo-sdk is not installed')

IDS = range(1, 7)
HANDS = ('hope_jr_hand_left', 'hope_jr_hand_right')
PATIENCE_S = 10.0
POSITION = 56
OVERLOAD = 32


class Host:
    def __init__(self, line: PtyLine, protocol: int = 0) -> None:
        self.port = scs.PortHandler(line.path)
        assert self.port.openPort()
        assert self.port.setBaudRate(1_000_000)
        self.packets = scs.PacketHandler(protocol)

    def retried(self, call, *arguments):
        """A damaged answer is asked for again, as the SDK's users do."""
        for _ in range(20):
            answer = call(self.port, *arguments)
            *values, result, error = answer
            if result == scs.COMM_SUCCESS:
                assert error == 0
                return values[0] if values else None
        raise AssertionError(self.packets.getTxRxResult(result))

    def read_all(self, address: int, size: int) -> list[int]:
        group = scs.GroupSyncRead(self.port, self.packets, address, size)
        for servo in IDS:
            assert group.addParam(servo)
        for _ in range(20):
            if group.txRxPacket() == scs.COMM_SUCCESS:
                break
        assert all(group.isAvailable(servo, address, size) for servo in IDS)
        return [group.getData(servo, address, min(size, 2)) for servo in IDS]


@pytest.fixture(params=['so101_follower'])
def host(monkeypatch, request):
    # The SDK waits twice this [ms] and takes a later reply for the next one's; a busy machine
    # may need longer.
    monkeypatch.setattr(scs.port_handler, 'LATENCY_TIMER', 1000)
    clock = SystemClock()
    arm = SimArm('arm', request.param, clock.now_ns())
    line = PtyLine(arm.transact, clock)
    host = Host(line, protocol=int(request.param in HANDS))
    host.arm = arm
    yield host
    host.port.closePort()
    line.close()


def test_ping(host):
    for servo in IDS:
        assert host.retried(host.packets.ping, servo) == 777


def test_the_sdk_names_what_a_servo_complains_about(host):
    host.arm.inject('alert', 0, {'joints': ['elbow_flex'], 'causes': ['overload']})
    _, result, error = host.packets.read2ByteTxRx(host.port, 3, POSITION)
    assert result == scs.COMM_SUCCESS
    assert error == OVERLOAD
    assert 'Overload' in host.packets.getRxPacketError(error)


def test_write_and_read_back(host):
    host.retried(host.packets.write1ByteTxRx, 3, 21, 16)
    assert host.retried(host.packets.read1ByteTxRx, 3, 21) == 16
    host.retried(host.packets.write2ByteTxRx, 3, 42, 1234)
    assert host.retried(host.packets.read2ByteTxRx, 3, 42) == 1234


def test_reg_write_and_action(host):
    host.retried(host.packets.regWriteTxRx, 2, 41, 1, [50])
    assert host.retried(host.packets.read1ByteTxRx, 2, 41) == 0
    host.packets.action(host.port, scs.BROADCAST_ID)
    assert host.retried(host.packets.read1ByteTxRx, 2, 41) == 50


def test_sync_read_agrees_with_single_reads(host):
    single = [host.retried(host.packets.read2ByteTxRx, servo, POSITION) for servo in IDS]
    assert host.read_all(POSITION, 2) == single
    assert host.read_all(POSITION, 15) == single


def test_sync_write_moves_all(host):
    start = host.read_all(POSITION, 2)
    low, high = host.read_all(9, 2), host.read_all(11, 2)
    goals = [
        a + 60 if a + 60 <= b else a - 60 if a - 60 >= c else a
        for a, b, c in zip(start, high, low, strict=True)
    ]
    group = scs.GroupSyncWrite(host.port, host.packets, 42, 2)
    for servo, goal in zip(IDS, goals, strict=True):
        assert group.addParam(servo, [goal & 0xFF, goal >> 8])
    assert group.txPacket() == scs.COMM_SUCCESS
    for servo in IDS:
        host.retried(host.packets.write1ByteTxRx, servo, 40, 1)
    deadline = time.monotonic() + PATIENCE_S
    while host.read_all(POSITION, 2) != goals and time.monotonic() < deadline:
        time.sleep(0.02)
    assert host.read_all(POSITION, 2) == goals
    assert goals != start


def test_id_change(host):
    host.retried(host.packets.write1ByteTxRx, 4, 55, 0)
    host.packets.write1ByteTxRx(host.port, 4, 5, 44)
    assert host.retried(host.packets.ping, 44) == 777


def test_baud_rate_change(host):
    host.packets.write1ByteTxRx(host.port, 1, 6, 1)
    assert host.packets.ping(host.port, 1)[1] != scs.COMM_SUCCESS
    assert host.port.setBaudRate(500_000)
    assert host.retried(host.packets.ping, 1) == 777


@pytest.mark.parametrize('host', HANDS, indirect=True)
def test_a_hand_reads_and_writes_big_endian_words_and_knows_no_sync_read(host):
    for servo in range(1, 17):
        assert host.retried(host.packets.ping, servo) == 1284
    start = host.retried(host.packets.read2ByteTxRx, 5, POSITION)
    low, high = (host.retried(host.packets.read2ByteTxRx, 5, address) for address in (9, 11))
    assert 0 < low < start < high < 1023
    goal = (low + high) // 2
    group = scs.GroupSyncWrite(host.port, host.packets, 42, 2)
    assert group.addParam(5, list(goal.to_bytes(2, 'big')))
    assert group.txPacket() == scs.COMM_SUCCESS
    host.retried(host.packets.write1ByteTxRx, 5, 40, 1)
    deadline = time.monotonic() + PATIENCE_S
    seen = [start]
    while seen[-3:] != [goal] * 3 and time.monotonic() < deadline:
        seen.append(host.retried(host.packets.read2ByteTxRx, 5, POSITION))
    assert seen[-3:] == [goal] * 3
    together = scs.GroupSyncRead(host.port, host.packets, POSITION, 2)
    assert together.addParam(5)
    assert together.txPacket() == scs.COMM_SUCCESS
    time.sleep(0.05)
    assert not host.port.readPort(1)
