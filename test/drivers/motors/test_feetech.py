"""The Feetech bus on scripted servos: values, retries, stale replies, faults, stamps."""

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import (
    BusCorruptError,
    BusError,
    BusTimeoutError,
    ConfigError,
    DeviceError,
    NotConnectedError,
)
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.motors.motors_bus import BusSettings, Motor

NAMES = ('pan', 'lift', 'elbow')
PRESENT_POSITION, HOMING_OFFSET = 56, 31
TORQUE, GOAL, LOCK = 40, 42, 55


def make_bus(port, clock=None, model='sts3215', num_retry=2):
    motors = {name: Motor(number, model) for number, name in enumerate(NAMES, start=1)}
    settings = BusSettings(timeout_s=0.05, num_retry=num_retry)
    bus = FeetechMotorsBus(port, motors, clock or ManualClock(), settings)
    port.opened = True
    return bus


@pytest.fixture
def port(fake_servos):
    return fake_servos(ids=[1, 2, 3])


@pytest.fixture
def bus(port):
    return make_bus(port)


def test_values_are_decoded_with_their_sign(bus, port):
    port.set_word(2, HOMING_OFFSET, 0x0800 | 369)
    assert bus.read('Homing_Offset', 'lift') == -369
    port.memory[2][LOCK] = 0
    bus.write('Homing_Offset', 'lift', -12)
    assert port.word(2, HOMING_OFFSET) == 0x0800 | 12
    port.set_word(3, PRESENT_POSITION, 0x8000 | 5)
    assert bus.sync_read('Present_Position') == {'pan': 2010, 'lift': 2020, 'elbow': -5}
    assert bus.sync_read('Present_Position', ['lift']) == {'lift': 2020}


def test_sync_write_is_one_request_without_reply(bus, port):
    bus.sync_write('Goal_Position', {'elbow': 1234, 'pan': 4095})
    assert (port.word(3, GOAL), port.word(1, GOAL)) == (1234, 4095)
    assert len(port.requests) == 1
    bus.sync_write('Goal_Position', {})
    assert len(port.requests) == 1


def test_state_of_all_motors_is_one_transaction(bus, port):
    port.set_word(1, 58, 0x8000 | 100)
    port.set_word(2, 60, 0x0400 | 250)
    port.set_word(3, 69, 40)
    port.memory[2][65] = 32
    state = bus.read_state()
    assert len(port.requests) == 1
    registers = {name: column.tolist() for name, column in state.registers.items()}
    assert registers['Present_Position'] == [2010, 2020, 2030]
    assert registers['Present_Velocity'] == [-100, 0, 0]
    assert registers['Present_Load'] == [0, -250, 0]
    assert registers['Present_Voltage'] == [74, 74, 74]
    assert registers['Present_Temperature'] == [30, 30, 30]
    assert registers['Status'] == [0, 32, 0]
    assert registers['Present_Current'] == [0, 0, 40]


REQUEST_AND_REPLIES_NS = (8 + 3 + 3 * (6 + 15)) * 10_000


def test_stamp_is_the_middle_of_the_transaction_on_the_wire(fake_servos):
    clock = ManualClock(1_000_000_000)
    port = fake_servos(ids=[1, 2, 3], clock=clock)
    port.seconds_per_reply = 0.004
    state = make_bus(port, clock).read_state()
    assert state.stamp_ns == 1_000_000_000 + REQUEST_AND_REPLIES_NS // 2


def test_stamp_is_never_after_the_middle_of_what_was_measured(fake_servos):
    clock = ManualClock(1_000_000_000)
    port = fake_servos(ids=[1, 2, 3], clock=clock)
    port.seconds_per_reply = 0.0004
    state = make_bus(port, clock).read_state()
    assert state.stamp_ns == 1_000_200_000


def test_stamp_of_a_repeated_read_is_that_of_the_try_that_worked(fake_servos):
    clock = ManualClock(0)
    port = fake_servos(ids=[1, 2, 3], clock=clock)
    bus = make_bus(port, clock)
    port.seconds_per_reply = 0.010
    port.ignored_requests = 1
    state = bus.read_state()
    now = clock.now_ns()
    assert state.stamp_ns == now - 10_000_000 + REQUEST_AND_REPLIES_NS // 2


@pytest.mark.parametrize('fault', ['ignored_requests', 'corrupt_replies'])
def test_one_failed_read_is_repeated_and_counted(bus, port, fault):
    setattr(port, fault, 1)
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
    assert bus.statistics.retries == 1
    assert bus.statistics.failures == 0
    counted = (bus.statistics.timeouts, bus.statistics.corrupt)
    assert counted == ((1, 0) if fault == 'ignored_requests' else (0, 1))


def test_repeated_failures_name_port_and_motors(bus, port):
    port.silent = {2}
    with pytest.raises(BusTimeoutError) as caught:
        bus.read_state()
    said = str(caught.value)
    for part in ('/dev/fake', 'all motors', 'from lift (id 2);', '3 tries'):
        assert part in said
    assert bus.statistics.failures == 1
    port.silent = set()
    assert bus.read('Present_Position', 'lift') == 2020


def test_garbage_and_replies_of_others_are_corrupt(bus, port, monkeypatch):
    """Two servos with one id answer at once: what a host read once, published."""
    monkeypatch.setattr(port, 'status', lambda *_: bytes.fromhex('ff 60 18 fb ef') * 2)
    with pytest.raises(BusCorruptError, match='ff 60 18'):
        bus.read('Present_Position', 'pan')
    monkeypatch.undo()
    real = port.status
    monkeypatch.setattr(port, 'status', lambda number, data=b'': real(3, data))
    with pytest.raises(BusCorruptError, match='no reply of pan'):
        make_bus(port, num_retry=0).read('Present_Position', 'pan')


def test_a_babbling_line_ends(bus, port, monkeypatch):
    monkeypatch.setattr(port, 'read', lambda size, timeout_s: b'\xff' * size)
    with pytest.raises(BusCorruptError):
        bus.read('Present_Position', 'pan')


def test_lasting_corruption_is_a_corrupt_error(bus, port):
    port.corrupt_replies = 1000
    with pytest.raises(BusCorruptError, match='lift'):
        bus.read('Present_Position', 'lift')


def test_a_late_reply_never_answers_the_next_request(bus, port):
    """The vendor's SDK returns 56606 here, and success."""
    port.ignored_requests = 3
    with pytest.raises(BusTimeoutError):
        bus.read('Goal_Position', 'pan')
    port.late_reply(port.status(1, (56606).to_bytes(2, 'little')))
    assert bus.read('Present_Position', 'pan') == 2010


@pytest.mark.parametrize('prefix', [b'\x00', b'\x00\x00', b'\xff', b'\xff\xff', b'\xff\x00\xff'])
def test_bytes_echoed_in_front_are_skipped(bus, port, prefix):
    port.prefix = prefix
    assert bus.read('Present_Position', 'pan') == 2010
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
    assert bus.statistics.retries == 0


def test_an_adapter_that_echoes_whole_requests_works(bus, port):
    port.echo = True
    port.memory[1][LOCK] = 0
    bus.write('Homing_Offset', 'pan', 7)
    assert bus.read('Homing_Offset', 'pan') == 7
    assert bus.ping('pan') == 777
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
    assert bus.statistics.retries == 0


def test_a_status_that_equals_its_request_is_a_status(bus, port, monkeypatch):
    """Voltage error (1) makes a ping's reply byte for byte the ping."""
    original = port.status
    monkeypatch.setattr(port, 'status', lambda number, data=b'': original(number, data, error=1))
    assert bus.ping('pan') == 777
    assert bus.read_state().errors.tolist() == [1, 1, 1]


def test_connect_names_all_that_is_missing_or_wrong(bus, port):
    port.opened = False
    port.silent = {1}
    port.memory[3][3:5] = (1284).to_bytes(2, 'little')
    with pytest.raises(NotConnectedError) as caught:
        bus.connect()
    said = str(caught.value)
    assert 'pan (id 1, sts3215): does not answer; check its power' in said
    assert 'elbow (id 3, sts3215): is another model (number 1284, expected 777)' in said
    assert 'lift' not in said
    assert not port.opened


def test_an_arm_without_power_is_one_line(bus, port):
    port.silent = {1, 2, 3}
    with pytest.raises(NotConnectedError, match=r'no motor answers \(ids 1, 2, 3\)') as caught:
        bus.connect()
    assert '\n' not in str(caught.value)


def test_port_that_cannot_be_opened_is_passed_on(bus, port):
    port.open_error = NotConnectedError({'/dev/fake': 'there is no such port'})
    with pytest.raises(NotConnectedError, match='no such port'):
        bus.connect()


def test_unplugging_is_no_bus_error_and_is_not_repeated(bus, port):
    port.unplugged = True
    with pytest.raises(DeviceError, match='unplugged') as caught:
        bus.read_state()
    assert not isinstance(caught.value, BusError)
    assert bus.statistics.retries == 0
    assert not bus.is_connected


def test_torque_goes_on_behind_a_goal_that_is_the_present_position(bus, port):
    port.set_word(2, GOAL, 100)
    bus.enable_torque()
    for number in (1, 2, 3):
        writes = [(address, data) for each, address, data in port.writes if each == number]
        present = port.memory[number][56:58]
        assert writes == [(GOAL, bytes(present)), (TORQUE, b'\x01'), (LOCK, b'\x01')]


def test_torque_off_unlocks_and_lock_locks(bus, port):
    bus.disable_torque(['pan'])
    assert (port.memory[1][TORQUE], port.memory[1][LOCK]) == (0, 0)
    bus.lock()
    assert port.memory[1][LOCK] == 1


def test_release_reaches_all_motors_the_silent_one_too(bus, port):
    for memory in port.memory.values():
        memory[TORQUE] = 1
    port.silent = {1}
    with pytest.raises(BusTimeoutError, match='pan'):
        bus.release()
    assert [port.memory[number][TORQUE] for number in (1, 2, 3)] == [0, 0, 0]


def test_configure_writes_only_what_differs_and_keeps_torque_elsewhere(bus, port):
    for memory in port.memory.values():
        memory[TORQUE], memory[21] = 1, 16
    port.memory[2][21] = 32
    wanted = {name: {'P_Coefficient': 16} for name in NAMES}
    assert bus.configure(wanted) == ['lift']
    assert [port.memory[number][TORQUE] for number in (1, 2, 3)] == [1, 0, 1]
    assert port.memory[2][21] == 16
    assert {number for number, _, _ in port.writes} == {2}


def test_calibration_goes_into_the_motors_and_comes_back(bus, port):
    calibration = {
        name: MotorCalibration(number, 0, -100 * number, 800 + number, 3200)
        for number, name in enumerate(NAMES, start=1)
    }
    bus.write_calibration(calibration)
    assert bus.read_calibration() == calibration
    assert port.word(3, HOMING_OFFSET) == 0x0800 | 300


def test_velocity_unit_is_read_from_the_motor(bus, port):
    port.memory[2][18] = 8
    assert bus.velocity_units() == {'pan': 1.0, 'lift': 50.0, 'elbow': 1.0}


def test_scs_words_are_big_endian_and_read_one_by_one(fake_servos):
    port = fake_servos(ids=[1, 2, 3])
    bus = make_bus(port, model='scs0009')
    for memory in port.memory.values():
        memory[56:58] = (700).to_bytes(2, 'big')
    assert bus.sync_read('Present_Position') == {'pan': 700, 'lift': 700, 'elbow': 700}
    assert {request[4] for request in port.requests} == {2}
    bus.sync_write('Goal_Position', {'pan': 513})
    assert port.memory[1][GOAL : GOAL + 2] == b'\x02\x01'
    assert bus.read_state().registers['Present_Position'].tolist() == [700, 700, 700]


def test_two_motors_with_one_id_are_refused(port):
    with pytest.raises(ConfigError, match='same id'):
        FeetechMotorsBus(port, {'a': Motor(1, 'sts3215'), 'b': Motor(1, 'sts3215')})
