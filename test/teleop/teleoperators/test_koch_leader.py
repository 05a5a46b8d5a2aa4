"""The Koch leader on scripted servos and on the emulator."""

import time

import pytest
from fake_dynamixels import FakeDynamixels

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator
from lerobot_teleop.teleoperators.koch_leader import KochLeader

NAMES = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')
TORQUE, GOAL, PRESENT = 64, 116, 132


@pytest.fixture
def port():
    made = FakeDynamixels([1190] * 6)
    for number, memory in made.memory.items():
        memory[10] = int(number == 3)
        made.set_number(number, 48, 3000)
        made.set_number(number, 52, 1000)
        made.set_number(number, PRESENT, 1500)
    return made


@pytest.fixture
def make(port, tmp_path):
    save_calibration(
        tmp_path / 'me.json',
        {n: MotorCalibration(i, int(i == 3), 0, 1000, 3000) for i, n in enumerate(NAMES, 1)},
    )

    def make(**settings):
        config = TeleopConfig(
            type='koch_leader', port='/dev/x', id='me', calibration_dir=tmp_path, **settings
        )
        return KochLeader(config, clock=ManualClock(), port_factory=lambda _: port)

    return make


@pytest.mark.parametrize(('opening', 'goal'), [(50.0, 2000), (20.0, 1400)])
def test_only_the_gripper_has_torque_and_springs_open(make, port, opening, goal):
    leader = make(gripper_open_pos=opening)
    leader.connect()
    assert [memory[TORQUE] for memory in port.memory.values()] == [0] * 5 + [1]
    goals = [(who, data) for who, address, data in port.writes if address == GOAL]
    assert goals == [(6, (1500).to_bytes(4, 'little')), (6, goal.to_bytes(4, 'little'))]
    torque = port.writes.index((6, TORQUE, b'\x01'))
    assert port.writes.index((6, GOAL, (1500).to_bytes(4, 'little'))) < torque
    leader.disconnect()
    assert not any(memory[TORQUE] for memory in port.memory.values())


def test_an_inverted_elbow_is_inverted_by_its_motor_and_not_again(make, port):
    leader = make()
    leader.connect()
    action = leader.get_action()
    assert action['elbow_flex.pos'] == action['shoulder_lift.pos'] == -50.0
    assert action['gripper.pos'] == 25.0


def test_a_failed_spring_leaves_the_port_closed(make, port, monkeypatch):
    monkeypatch.setattr(
        'lerobot_drivers.motors.dynamixel.DynamixelMotorsBus.enable_torque',
        lambda *_: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        make().connect()
    assert not port.opened


def test_on_the_emulator_it_follows_the_operator_and_its_elbow_turns_as_the_followers():
    with SimClient('koch-leader-tests') as world:
        leader = make_teleoperator(
            TeleopConfig(type='koch_leader', port='sim://koch-leader-tests/leader')
        )
        leader.connect()
        try:
            for _ in range(5):
                reading = leader.read_state()
                truth = world.truth('leader', reading.stamp_ns)['position']
                assert reading.position == pytest.approx(list(truth.values()), abs=0.05)
                time.sleep(0.2)
        finally:
            leader.disconnect()
        log = world.registers('leader')
        assert {w['id'] for w in log if w['address'] == TORQUE and w['data'] == [1]} == {6}
