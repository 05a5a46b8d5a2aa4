from __future__ import annotations

import pytest
from bus_frames import packet, split, word

from lerobot_drivers.sim import memory as reg
from lerobot_drivers.sim.bus import ADAPTER_LATENCY_NS, ServoBus
from lerobot_drivers.sim.factory import build_servos
from lerobot_drivers.sim.so_arm import REST, SO101_FOLLOWER
from lerobot_drivers.sim.wire import RequestParser

BAUD = 1_000_000
BYTE_NS = 10_000


class Bench:
    """A bus and the times up to which its servos' time was let pass."""

    def __init__(self) -> None:
        self.servos = list(build_servos('arm', SO101_FOLLOWER, REST).values())
        self.times: list[int] = []
        self.bus = ServoBus(self.servos, self.times.append)

    def ask(self, raw: bytes, now_ns: int = 0, baud: int = BAUD) -> list[bytes]:
        (request,) = RequestParser().feed(raw)
        self.reply = self.bus.transact(request, now_ns, baud)
        return split(self.reply.data)


@pytest.fixture
def bench():
    return Bench()


def test_ping_and_model(bench):
    assert bench.ask(packet(3, 1)) == [packet(3, 0)]
    (status,) = bench.ask(packet(3, 2, reg.MODEL, 2))
    assert word(status, 5) == 777
    assert bench.ask(packet(9, 1)) == []


def test_broadcast_ping_is_answered_by_all(bench):
    assert [s[2] for s in bench.ask(packet(0xFE, 1))] == [1, 2, 3, 4, 5, 6]


def test_broadcast_read_is_not_answered(bench):
    assert bench.ask(packet(0xFE, 2, 56, 2)) == []


def test_wire_time_and_adapter_latency(bench):
    request = packet(0xFE, 0x82, 56, 15, 1, 2, 3, 4, 5, 6)
    replies = bench.ask(request, now_ns=1_000)
    wire_ns = (len(request) + 6 * 21) * BYTE_NS
    assert bench.reply.due_ns == 1_000 + wire_ns + ADAPTER_LATENCY_NS
    assert len(replies) == 6
    start = 1_000 + len(request) * BYTE_NS
    assert bench.times == [start, *(start + k * 21 * BYTE_NS for k in range(6))]
    bench.ask(packet(1, 2, 56, 2), baud=BAUD)
    first = bench.reply.due_ns
    for servo in bench.servos:
        servo.memory.set_byte(reg.BAUD_INDEX, 4)
    bench.ask(packet(1, 2, 56, 2), baud=115_200)
    assert bench.reply.due_ns > first + 16 * 70_000


def test_sync_read_keeps_the_hosts_order(bench):
    assert [s[2] for s in bench.ask(packet(0xFE, 0x82, 56, 2, 6, 2, 4))] == [6, 2, 4]


def test_sync_write_reaches_each_and_is_not_answered(bench):
    assert bench.ask(packet(0xFE, 0x83, 42, 2, 1, 10, 4, 6, 20, 5)) == []
    assert bench.servos[0].memory.word(42) == 10 + 4 * 256
    assert bench.servos[5].memory.word(42) == 20 + 5 * 256


def test_write_is_confirmed_unless_the_status_level_says_no(bench):
    assert bench.ask(packet(1, 3, 41, 7)) == [packet(1, 0)]
    assert bench.ask(packet(1, 3, reg.STATUS_LEVEL, 0)) == [packet(1, 0)]
    assert bench.ask(packet(1, 3, 41, 8)) == []
    assert bench.servos[0].memory.byte(41) == 8
    assert bench.ask(packet(1, 1)) == [packet(1, 0)]


def test_reg_write_waits_for_action(bench):
    bench.ask(packet(2, 4, 41, 99))
    assert bench.servos[1].memory.byte(41) == 0
    assert bench.ask(packet(0xFE, 5)) == []
    assert bench.servos[1].memory.byte(41) == 99


def test_an_unknown_instruction_is_ignored(bench):
    assert bench.ask(packet(1, 0x77, 1, 2)) == []


def test_id_and_baud_rate_can_be_rewritten(bench):
    bench.ask(packet(1, 3, reg.LOCK, 0))
    assert bench.ask(packet(1, 3, reg.ID, 17)) == [packet(1, 0)]
    assert bench.ask(packet(1, 1)) == []
    assert bench.ask(packet(17, 1)) == [packet(17, 0)]
    assert bench.ask(packet(17, 3, reg.BAUD_INDEX, 1)) == [packet(17, 0)]
    assert bench.ask(packet(17, 1)) == []
    assert bench.ask(packet(17, 1), baud=500_000) == [packet(17, 0)]


def test_every_write_is_logged_with_its_time(bench):
    bench.ask(packet(1, 3, 41, 7), now_ns=5_000)
    bench.ask(packet(0xFE, 0x83, 42, 2, 2, 1, 2, 3, 3, 4), now_ns=9_000_000)
    found = [(w.id, w.address, w.data) for w in bench.bus.writes]
    assert found == [(1, 41, b'\x07'), (2, 42, b'\x01\x02'), (3, 42, b'\x03\x04')]
    assert bench.bus.writes[0].stamp_ns == 5_000 + 8 * BYTE_NS


def test_silence(bench):
    bench.bus.faults.add_silence([2])
    assert [s[2] for s in bench.ask(packet(0xFE, 0x82, 56, 2, 1, 2, 3))] == [1, 3]
    assert bench.ask(packet(2, 1)) == []


def test_corruption_ends_after_its_count(bench):
    good = packet(1, 0)
    bench.bus.faults.add_corruption([1], 1)
    (bad,) = bench.ask(packet(1, 1))
    assert bad[:-1] == good[:-1]
    assert bad[-1] != good[-1]
    assert bench.ask(packet(1, 1)) == [good]


def test_delay_and_garbage(bench):
    bench.ask(packet(1, 1))
    usual = bench.reply.due_ns
    bench.bus.faults.add_delay(0.05, 1)
    bench.bus.faults.add_garbage(b'\x00\xff', 1)
    (request,) = RequestParser().feed(packet(1, 1))
    reply = bench.bus.transact(request, 0, BAUD)
    assert reply.due_ns == usual + 50_000_000
    assert reply.data == b'\x00\xff' + packet(1, 0)
    assert bench.ask(packet(1, 1)) == [packet(1, 0)]
    assert bench.reply.due_ns == usual
