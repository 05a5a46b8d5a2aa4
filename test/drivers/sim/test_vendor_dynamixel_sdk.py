"""The vendor's own SDK finds nothing wrong with our Dynamixels, and reads what ours reads."""

from __future__ import annotations

import contextlib

import pytest

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.pty_line import PtyLine

dxl = pytest.importorskip('dynamixel_sdk', reason='dynamixel-sdk is not installed')

IDS = range(1, 7)
MODELS = [1060, 1060, 1200, 1200, 1200, 1200]
BAUD, MODE, HOMING, TORQUE, GOAL, STATE, POSITION = 8, 11, 20, 64, 116, 126, 132
SECONDARY_ID, NOBODY = 12, 255
SHADOWS = {3: 2, 5: 4}
EXTENDED = 4
HARDWARE_ERROR, ALERT, OVERHEAT, OVERLOAD = 70, 0x80, 4, 32


class Host:
    def __init__(self, line: PtyLine) -> None:
        self.port = dxl.PortHandler(line.path)
        assert self.port.openPort()
        assert self.port.setBaudRate(1_000_000)
        self.packets = dxl.PacketHandler(2.0)

    def retried(self, call, *arguments, error=0):
        """A damaged answer is asked for again, as the SDK's users do."""
        for _ in range(20):
            *values, result, found = call(self.port, *arguments)
            if result == dxl.COMM_SUCCESS:
                assert found == error
                return values[0] if values else None
        raise AssertionError(self.packets.getTxRxResult(result))

    def repeated(self, call):
        for _ in range(20):
            result = call()
            if result == dxl.COMM_SUCCESS:
                return
        raise AssertionError(self.packets.getTxRxResult(result))

    def position(self, servo: int) -> int:
        return signed(self.retried(self.packets.read4ByteTxRx, servo, POSITION))

    def read_all(self, address: int, size: int, fast: bool = False) -> list[bytes]:
        group = dxl.GroupSyncRead(self.port, self.packets, address, size)
        for servo in IDS:
            assert group.addParam(servo)
        self.repeated(group.fastSyncRead if fast else group.txRxPacket)
        assert all(group.isAvailable(servo, address, size) for servo in IDS)
        return [bytes(group.data_dict[servo]) for servo in IDS]


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


@contextlib.contextmanager
def plugged_in(model):
    clock = SystemClock()
    arm = SimArm('arm', model, clock.now_ns())
    line = PtyLine(arm.transact, clock, arm.codec)
    line.arm = arm
    try:
        yield line
    finally:
        line.close()


@contextlib.contextmanager
def hosting(line, monkeypatch):
    # The SDK waits twice this [ms]; a busy machine may need longer.
    monkeypatch.setattr(dxl.port_handler, 'LATENCY_TIMER', 1000)
    host = Host(line)
    try:
        yield host
    finally:
        host.port.closePort()


@pytest.fixture
def line():
    with plugged_in('koch_follower') as made:
        yield made


@pytest.fixture
def host(line, monkeypatch):
    with hosting(line, monkeypatch) as made:
        yield made


@pytest.fixture
def aloha(monkeypatch):
    with plugged_in('viperx') as line, hosting(line, monkeypatch) as made:
        yield made


def test_ping(host):
    found = [host.retried(host.packets.ping, servo) for servo in IDS]
    assert found == MODELS


def test_broadcast_ping_finds_all(host):
    for _ in range(20):
        found, result = host.packets.broadcastPing(host.port)
        if result == dxl.COMM_SUCCESS and len(found) == len(IDS):
            break
    assert found == {servo: [model, 46] for servo, model in zip(IDS, MODELS, strict=True)}


def test_write_and_read_back_also_what_has_to_be_stuffed(host):
    for value in (0x00FDFFFF, 1234, -5 & 0xFFFFFFFF, 0xFDFFFF00):
        host.retried(host.packets.write4ByteTxRx, 3, HOMING, value)
        assert host.retried(host.packets.read4ByteTxRx, 3, HOMING) == value


def test_persistent_registers_are_closed_while_torque_is_on(host):
    host.retried(host.packets.write1ByteTxRx, 3, TORQUE, 1)
    host.retried(host.packets.write1ByteTxRx, 3, MODE, EXTENDED, error=7)
    assert host.retried(host.packets.read1ByteTxRx, 3, MODE) != EXTENDED


def test_reg_write_and_action(host):
    host.retried(host.packets.regWriteTxRx, 2, 65, 1, [1])
    assert host.retried(host.packets.read1ByteTxRx, 2, 65) == 0
    host.packets.action(host.port, dxl.BROADCAST_ID)
    assert host.retried(host.packets.read1ByteTxRx, 2, 65) == 1


@pytest.mark.parametrize('fast', [False, True])
def test_sync_reads_agree_with_single_reads(host, fast):
    single = [host.position(servo) for servo in IDS]
    blocks = host.read_all(POSITION, 4, fast)
    assert [int.from_bytes(block, 'little', signed=True) for block in blocks] == single
    assert [block[6:10] for block in host.read_all(STATE, 21, fast)] == blocks


@pytest.mark.parametrize('fast', [False, True])
def test_bulk_read_of_different_registers(host, fast):
    group = dxl.GroupBulkRead(host.port, host.packets)
    assert group.addParam(1, 0, 2) and group.addParam(4, POSITION, 4) and group.addParam(2, 7, 1)
    host.repeated(group.fastBulkRead if fast else group.txRxPacket)
    assert (group.getData(1, 0, 2), group.getData(2, 7, 1)) == (1060, 2)
    assert signed(group.getData(4, POSITION, 4)) == host.position(4)


def test_bulk_and_sync_writes_arrive(host):
    bulk = dxl.GroupBulkWrite(host.port, host.packets)
    assert bulk.addParam(1, 65, 1, [1]) and bulk.addParam(2, HOMING, 4, [9, 0, 0, 0])
    assert bulk.txPacket() == dxl.COMM_SUCCESS
    assert host.retried(host.packets.read1ByteTxRx, 1, 65) == 1
    assert host.retried(host.packets.read4ByteTxRx, 2, HOMING) == 9
    sync = dxl.GroupSyncWrite(host.port, host.packets, MODE, 1)
    for servo in IDS:
        assert sync.addParam(servo, [EXTENDED])
    assert sync.txPacket() == dxl.COMM_SUCCESS
    assert host.read_all(MODE, 1) == [bytes([EXTENDED])] * 6


def test_a_goal_is_reached(host):
    for servo in IDS:
        host.retried(host.packets.write1ByteTxRx, servo, MODE, EXTENDED)
    goal = host.position(1) + 200
    host.retried(host.packets.write4ByteTxRx, 1, GOAL, goal & 0xFFFFFFFF)
    host.retried(host.packets.write1ByteTxRx, 1, TORQUE, 1)
    for _ in range(10_000):
        if host.position(1) == goal:
            return
    raise AssertionError(f'at {host.position(1)}, goal {goal}')


def test_id_and_baud_rate_change_and_reboot(host):
    host.packets.write1ByteTxRx(host.port, 4, 7, 44)
    assert host.retried(host.packets.ping, 44) == 1200
    host.retried(host.packets.write1ByteTxRx, 44, TORQUE, 1)
    host.retried(host.packets.reboot, 44)
    assert host.retried(host.packets.read1ByteTxRx, 44, TORQUE) == 0
    host.packets.write1ByteTxRx(host.port, 44, BAUD, 1)
    assert host.port.setBaudRate(57_600)
    assert host.retried(host.packets.ping, 44) == 1200


def test_our_bus_reads_the_same(host, line):
    theirs = host.read_all(STATE, 21)
    host.port.closePort()
    bus = DynamixelMotorsBus(SerialPort(line.path), KOCH_FOLLOWER.motors)
    bus.connect()
    state = bus.read_state().registers
    bus.disconnect()
    position = [int.from_bytes(block[6:10], 'little', signed=True) for block in theirs]
    assert state['Present_Position'].tolist() == position
    assert state['Present_Temperature'].tolist() == [block[20] for block in theirs]


def test_shadows_obey_their_masters_ids_and_only_masters_answer(aloha):
    read, write = aloha.packets.read4ByteTxRx, aloha.packets.write4ByteTxRx
    found = [aloha.retried(aloha.packets.ping, servo) for servo in range(1, 10)]
    assert found == [1120] * 7 + [1020] * 2
    for shadow, master in SHADOWS.items():
        assert aloha.retried(aloha.packets.read1ByteTxRx, shadow, SECONDARY_ID) == master
        goal = aloha.position(master)
        assert abs(goal - aloha.position(shadow)) <= 1
        aloha.retried(write, master, GOAL, goal)
        aloha.retried(aloha.packets.write1ByteTxRx, master, TORQUE, 1)
        assert aloha.retried(aloha.packets.read1ByteTxRx, shadow, TORQUE) == 1
        assert aloha.retried(read, shadow, GOAL) == goal
    sync = dxl.GroupSyncWrite(aloha.port, aloha.packets, GOAL, 4)
    goals = {master: aloha.position(master) + 30 for master in SHADOWS.values()}
    for master, goal in goals.items():
        assert sync.addParam(master, list(goal.to_bytes(4, 'little')))
    assert sync.txPacket() == dxl.COMM_SUCCESS
    assert {shadow: aloha.retried(read, shadow, GOAL) for shadow in SHADOWS} == {
        shadow: goals[master] for shadow, master in SHADOWS.items()
    }


def test_a_shadow_of_nobody_obeys_itself_only(aloha):
    aloha.retried(aloha.packets.write1ByteTxRx, 3, SECONDARY_ID, NOBODY)
    aloha.retried(aloha.packets.write1ByteTxRx, 2, TORQUE, 1)
    assert aloha.retried(aloha.packets.read1ByteTxRx, 3, TORQUE) == 0
    aloha.retried(aloha.packets.write1ByteTxRx, 3, TORQUE, 1)
    assert aloha.retried(aloha.packets.read1ByteTxRx, 3, TORQUE) == 1


def test_our_driver_leaves_what_the_sdk_reads_as_set_up(monkeypatch):
    with plugged_in('viperx') as line:
        robot = make_robot(RobotConfig(type='viperx', port=line.path))
        robot.connect()
        robot.hang_up()
        with hosting(line, monkeypatch) as host:
            read = host.packets.read1ByteTxRx
            each = [host.retried(read, servo, TORQUE) for servo in range(1, 10)]
            modes = [host.retried(read, servo, MODE) for servo in range(1, 10)]
            read = host.packets.read4ByteTxRx
            goals = [host.retried(read, servo, GOAL) for servo in range(1, 10)]
            assert goals == pytest.approx([host.position(servo) for servo in range(1, 10)], abs=1)
    assert (each, modes) == ([1] * 9, [3] * 8 + [5])


def test_the_sdk_names_what_a_servo_complains_about(line, host):
    line.arm.inject('alert', 0, {'joints': ['elbow_flex'], 'causes': ['overload', 'overheat']})
    told = host.packets.read1ByteTxRx(host.port, 3, HARDWARE_ERROR)
    assert told == (OVERLOAD | OVERHEAT, dxl.COMM_SUCCESS, ALERT)
    assert 'Hardware error occurred' in host.packets.getRxPacketError(ALERT)
