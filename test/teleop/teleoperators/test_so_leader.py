"""The leader on scripted servos."""

import math

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, DeviceError, NotConnectedError
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_teleop.teleoperators import (
    TELEOPERATORS,
    TeleopConfig,
    make_teleoperator,
    make_teleoperator_from_config,
)
from lerobot_teleop.teleoperators.so_leader import SOLeader

TORQUE, LOCK, PRESENT = 40, 55, 56


@pytest.fixture
def leader(servos, tmp_path):
    entries = {
        name: MotorCalibration(number, 0, 0, 1000, 3000)
        for number, name in enumerate(JOINT_NAMES, start=1)
    }
    save_calibration(tmp_path / 'mine.json', entries)
    for number in servos.memory:
        servos.set_word(number, 9, 1000)
        servos.set_word(number, 11, 3000)
    values = {'type': 'so101_leader', 'id': 'mine', 'port': '/dev/fake'}
    config = build(TeleopConfig, {**values, 'calibration_dir': tmp_path}, 'teleop')
    return SOLeader(config, clock=ManualClock(), port_factory=lambda _: servos)


def test_torque_goes_off_and_never_on(leader, servos):
    for memory in servos.memory.values():
        memory[TORQUE] = 1
    leader.connect()
    assert [memory[TORQUE] for memory in servos.memory.values()] == [0] * 6
    assert (TORQUE, b'\x01') not in [write[1:] for write in servos.writes]
    assert [memory[LOCK] for memory in servos.memory.values()] == [1] * 6
    leader.disconnect()
    assert not servos.opened


def test_registers_are_lerobots(leader, servos):
    for memory in servos.memory.values():
        memory[7], memory[21], memory[33] = 250, 32, 3
    leader.connect()
    for memory in servos.memory.values():
        assert (memory[7], memory[33], memory[41], memory[85]) == (0, 0, 254, 254)
        assert memory[21] == 32


def test_reads_what_the_operator_does(leader, servos):
    leader.connect()
    servos.set_word(1, PRESENT, 2100)
    servos.set_word(6, PRESENT, 1500)
    action = leader.get_action()
    assert list(action) == list(leader.action_features)
    assert action['shoulder_pan.pos'] == 100 * 360 / 4095
    assert action['gripper.pos'] == 25.0
    assert leader.read_state().position[0] == pytest.approx(100 * 2 * math.pi / 4095)
    assert leader.health()['gripper.errors'] == 'none'


def test_feedback_is_refused(leader):
    leader.send_feedback({})
    assert leader.feedback_features == {}
    with pytest.raises(DeviceError, match='no feedback'):
        leader.send_feedback({'gripper.pos': 1.0})


def test_missing_motors_are_named(leader, servos):
    servos.silent = {6}
    with pytest.raises(NotConnectedError, match='gripper'):
        leader.connect()
    assert not leader.is_connected


def test_failure_to_let_go_fails_the_connection(leader, servos, monkeypatch):
    def fail():
        raise DeviceError('no')

    monkeypatch.setattr(
        'lerobot_drivers.motors.feetech.FeetechMotorsBus.release', lambda _: fail()
    )
    with pytest.raises(DeviceError, match='no'):
        leader.connect()
    assert not servos.opened


def test_table_and_yaml(tmp_path):
    for name in ('so100_leader', 'so101_leader'):
        assert issubclass(TELEOPERATORS.load(name), SOLeader)
    path = tmp_path / 'x.yaml'
    path.write_text('robot: {}\nteleop:\n  type: so100_leader\n  port: /dev/ttyACM1\n  id: 5\n')
    leader = make_teleoperator_from_config(path)
    assert (leader.config.id, leader.name) == ('5', 'so_leader')
    with pytest.raises(ConfigError, match='so101_leader'):
        make_teleoperator(TeleopConfig(type='joystick'))
