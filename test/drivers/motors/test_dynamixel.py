"""The Dynamixel bus on scripted servos: values, refusals, alerts, reboot, torque, calibration."""

import pytest
from fake_dynamixels import FakeDynamixels

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import (
    BusCorruptError,
    BusRefusedError,
    BusTimeoutError,
    NotConnectedError,
)
from lerobot_drivers.motors.calibration import MotorCalibration
from lerobot_drivers.motors.dynamixel import VELOCITY_UNIT, DynamixelMotorsBus, OperatingMode
from lerobot_drivers.motors.motors_bus import BusSettings, Motor

MODELS = {'pan': 'xl430-w250', 'lift': 'xl330-m288', 'grip': 'xl330-m288'}
NUMBERS = (1060, 1200, 1200)
MODE, HOMING, CURRENT_LIMIT, MAX, MIN = 11, 20, 38, 48, 52
TORQUE, GOAL, CURRENT, VELOCITY, PRESENT = 64, 116, 126, 128, 132


def make_bus(port, num_retry=2):
    motors = {name: Motor(number, model) for number, (name, model) in enumerate(MODELS.items(), 1)}
    settings = BusSettings(timeout_s=0.05, num_retry=num_retry)
    port.opened = True
    return DynamixelMotorsBus(port, motors, ManualClock(), settings)


@pytest.fixture
def port():
    return FakeDynamixels(NUMBERS)


@pytest.fixture
def bus(port):
    return make_bus(port)


def test_connect_checks_every_motor_and_its_model(port):
    make_bus(port).connect()
    port.silent = {2}
    port.memory[3][0:2] = (1190).to_bytes(2, 'little')
    with pytest.raises(NotConnectedError) as caught:
        make_bus(port).connect()
    failures = caught.value.failures
    assert len(failures) == 2
    said = str(caught.value)
    for part in ('lift (id 2, xl330-m288)', 'does not answer', '1190, expected 1200', '/dev/fake'):
        assert part in said


def test_values_are_twos_complement(bus, port):
    port.set_number(2, HOMING, -1500)
    assert bus.read('Homing_Offset', 'lift') == -1500
    bus.write('Homing_Offset', 'lift', -3)
    assert port.memory[2][HOMING : HOMING + 4] == b'\xfd\xff\xff\xff'
    port.set_number(3, PRESENT, -5)
    assert bus.sync_read('Present_Position') == {'pan': 2010, 'lift': 2020, 'grip': -5}


def test_values_that_have_to_be_stuffed_come_through(bus, port):
    for value in (0x00FDFFFF, -513, -131073):
        bus.write('Homing_Offset', 'lift', value)
        assert port.number(2, HOMING) == value
        assert bus.read('Homing_Offset', 'lift') == value
    for number in (1, 2, 3):
        port.set_number(number, PRESENT, 0x00FDFFFF - number)
    port.set_number(2, PRESENT, 0x00FDFFFF)
    assert bus.sync_read('Present_Position')['lift'] == 0x00FDFFFF
    assert bus.read_state().registers['Present_Position'][1] == 0x00FDFFFF
    assert bus.statistics.retries == 0


def test_state_of_all_motors_is_one_transaction(bus, port):
    port.set_number(1, CURRENT, -250, 2)
    port.set_number(2, CURRENT, 875, 2)
    port.set_number(2, VELOCITY, -100)
    state = bus.read_state()
    assert len(port.requests) == 1
    assert state.registers['Present_Position'].tolist() == [2010, 2020, 2030]
    assert state.registers['Present_Velocity'].tolist() == [0, -100, 0]
    assert bus.effort(state).tolist() == [-0.25, 0.5, 0]
    pan, lift, _ = bus.motor_health(state)
    assert (pan.voltage, pan.temperature, pan.load, pan.current) == (12.0, 30.0, -0.25, None)
    assert (lift.current, lift.errors) == (pytest.approx(0.875), 'none')


def test_velocity_is_in_turns_a_minute():
    assert pytest.approx(0.229, abs=0.0005) == VELOCITY_UNIT / 4096 * 60


def test_sync_write_is_one_request_without_reply(bus, port):
    bus.sync_write('Goal_Position', {'grip': -1234, 'pan': 0x00FDFFFF})
    assert (port.number(3, GOAL), port.number(1, GOAL)) == (-1234, 0x00FDFFFF)
    assert len(port.requests) == 1


@pytest.mark.parametrize('fault', ['ignored_requests', 'corrupt_replies', 'misheard'])
def test_one_failed_transaction_is_repeated_and_counted(bus, port, fault):
    setattr(port, fault, 1)
    assert bus.read('Present_Position', 'lift') == 2020
    statistics = bus.statistics
    assert (statistics.retries, statistics.failures) == (1, 0)
    assert statistics.timeouts == (fault == 'ignored_requests')


def test_a_motor_that_hears_nothing_but_damage_says_so(port):
    bus, port.misheard = make_bus(port, num_retry=0), 1
    with pytest.raises(BusCorruptError, match=r'lift \(id 2\) received a damaged request'):
        bus.read('Present_Position', 'lift')


def test_a_refused_write_is_told_at_once_and_not_repeated(bus, port):
    port.memory[2][TORQUE] = 1
    with pytest.raises(BusRefusedError) as caught:
        bus.write('Operating_Mode', 'lift', 4)
    for part in ('/dev/fake', 'write Operating_Mode', 'lift (id 2)', 'torque is on'):
        assert part in str(caught.value)
    assert len(port.writes) == 1
    assert (bus.statistics.failures, bus.statistics.retries) == (1, 0)
    sent = len(port.requests)
    assert bus.read('Present_Position', 'lift') == 2020
    assert len(port.requests) == sent + 1, 'it owes nothing: it answered'


def test_a_late_acknowledgement_under_alert_is_no_value(bus, port):
    port.alerted = {2}
    port.prefix = port.status(2)
    assert bus.read('Present_Position', 'lift') == 2020


def test_alert_is_told_by_the_state_and_named_by_the_register(bus, port):
    assert bus.hardware_errors() == {}
    port.alerted = {2}
    port.memory[2][70] = 0b10100100
    assert bus.read('Present_Position', 'lift') == 2020
    state = bus.read_state()
    assert [health.errors for health in bus.motor_health(state)] == [
        'none',
        'overheat, overload, unknown 0x80',
        'none',
    ]
    assert bus.hardware_errors() == {'lift': 'overheat, overload, unknown 0x80'}
    bus.reboot('lift')
    assert bus.hardware_errors() == {}
    assert not bus.read_state().errors.any()


def test_goal_is_acknowledged_before_torque(bus, port):
    for number in (1, 2, 3):
        port.memory[number][MODE] = OperatingMode.EXTENDED_POSITION
        port.set_number(number, PRESENT, -7000 * number)
    bus.enable_torque()
    for number in (1, 2, 3):
        mine = [(address, data) for who, address, data in port.writes if who == number]
        present = (-7000 * number).to_bytes(4, 'little', signed=True)
        assert mine == [(GOAL, present), (TORQUE, b'\x01')]


def test_without_a_goal_there_is_no_torque_and_the_others_hold(bus, port):
    port.silent = {2}
    with pytest.raises(BusTimeoutError):
        bus.enable_torque()
    assert (2, TORQUE, b'\x01') not in port.writes
    assert (3, TORQUE, b'\x01') in port.writes


@pytest.mark.parametrize(('present', 'seed'), [(900, 1000), (1500, 1500), (3500, 3000)])
def test_a_seed_beyond_the_limits_is_the_limit_where_goals_beyond_are_refused(
    bus, port, present, seed
):
    port.set_number(2, MIN, 1000)
    port.set_number(2, MAX, 3000)
    port.set_number(2, PRESENT, present)
    bus.enable_torque(['lift'])
    assert port.number(2, GOAL) == seed
    port.memory[2][TORQUE] = 0
    port.memory[2][MODE] = OperatingMode.EXTENDED_POSITION
    bus.enable_torque(['lift'])
    assert port.number(2, GOAL) == present


def test_only_what_differs_is_configured_and_the_rest_keeps_its_torque(bus, port):
    port.memory[1][9] = port.memory[3][9] = 0
    for number in (1, 2, 3):
        port.memory[number][TORQUE] = 1
    bus.prepare({'grip': {'Operating_Mode': 5}})
    assert port.writes == [
        (2, TORQUE, b'\x00'),
        (2, 9, b'\x00'),
        (3, TORQUE, b'\x00'),
        (3, MODE, b'\x05'),
    ]


def test_calibration_is_written_with_torque_off_and_read_back(bus, port):
    port.memory[2][TORQUE] = 1
    port.memory[2][10] = 4
    wanted = {
        name: MotorCalibration(number, number % 2, -1000 * number, 10 * number, 4000 + number)
        for number, name in enumerate(MODELS, start=1)
    }
    bus.write_calibration(wanted)
    assert port.memory[2][TORQUE] == 0
    assert port.memory[2][10] == 4, 'bits of drive mode that are not ours stay'
    assert bus.read_calibration() == wanted


def test_release_tries_all_and_tells_the_first_failure(bus, port):
    for memory in port.memory.values():
        memory[TORQUE] = 1
    port.silent = {2}
    with pytest.raises(BusTimeoutError, match='lift'):
        bus.release()
    assert [memory[TORQUE] for memory in port.memory.values()] == [0, 0, 0]


def test_an_adapter_that_echoes_is_put_up_with(bus, port):
    port.echo = True
    bus.connect()
    assert bus.sync_read('Present_Position') == {'pan': 2010, 'lift': 2020, 'grip': 2030}
    bus.write('LED', 'lift', 1)
    assert bus.statistics.retries == 0


def test_firmware_is_a_number(bus):
    assert bus.firmware() == dict.fromkeys(MODELS, '46')


READ, FAST, SYNC_READ = 0x02, 0x8A, 0x82


def instructions(port):
    return [request[7] for request in port.requests]


def test_motors_that_know_the_fast_sync_read_are_read_so(bus, port):
    bus.connect()
    assert bus.is_fast
    port.requests.clear()
    port.set_number(2, PRESENT, 0x00FDFFFF)
    port.alerted = {3}
    state = bus.read_state()
    bus.read_state()
    assert instructions(port) == [FAST, READ, FAST], 'the cause of an alert is asked for once'
    assert state.registers['Present_Position'].tolist() == [2010, 0x00FDFFFF, 2030]
    assert [health.errors for health in bus.motor_health(state)][1:] == ['none', 'hardware error']
    assert bus.sync_read('Present_Position', ['grip', 'pan']) == {'grip': 2030, 'pan': 2010}


def test_motors_that_do_not_are_read_in_turn(bus, port):
    port.knows_fast = False
    bus.connect()
    assert not bus.is_fast
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
    port.requests.clear()
    bus.read_state()
    assert instructions(port) == [SYNC_READ]
    assert bus.statistics.failures == 0


@pytest.mark.parametrize('fault', ['ignored_requests', 'corrupt_replies'])
def test_a_failed_fast_read_is_repeated_and_stays_fast(bus, port, fault):
    bus.connect()
    setattr(port, fault, 1)
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
    assert (bus.statistics.retries, bus.is_fast) == (1, True)


def test_who_is_silent_in_a_chain_is_named(bus, port):
    bus.connect()
    port.silent = {2}
    with pytest.raises(BusTimeoutError, match=r'no reply from lift \(id 2\);'):
        bus.read_state()
    port.silent = set()
    assert bus.read_state().registers['Present_Position'].tolist() == [2010, 2020, 2030]
