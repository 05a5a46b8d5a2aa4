"""HOPE Jr on scripted servos: LeRobot's values and goals, both parts lists, goal before torque."""

import math

import numpy as np
import pytest
from fake_scs import FakeScs
from fake_servos import FakeServos

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import BusTimeoutError, ConfigError, NotConnectedError
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.hope_jr_arm import HOPE_JR_ARM, HopeJrArm
from lerobot_drivers.robots.hope_jr_hand import BENT, HANDS, HopeJrHand

TORQUE, GOAL, PRESENT = 40, 42, 56
HAND_READ = {
    ('right', 'thumb_cmc'): {
        186: 0.0, 191: 0.0, 192: 0.19305019305019305, 512: 61.969111969111964,
        600: 78.95752895752895, 709: 100.0, 716: 100.0,
    },
    ('right', 'index_ulnar_flexor'): {
        241: 100.0, 246: 100.0, 247: 99.80314960629921, 512: 47.637795275590555,
        600: 30.31496062992126, 754: 0.0, 761: 0.0,
    },
    ('right', 'pinky_pip_dip'): {351: 100.0, 357: 99.79508196721312, 600: 50.0, 851: 0.0},
    ('left', 'thumb_cmc'): {
        186: 100.0, 192: 99.8069498069498, 512: 38.030888030888036, 709: 0.0, 716: 0.0,
    },
    ('left', 'index_ulnar_flexor'): {241: 0.0, 247: 0.19685039370078738, 600: 69.68503937007874},
    ('left', 'pinky_pip_dip'): {351: 0.0, 357: 0.20491803278688525, 600: 50.0, 851: 100.0},
}  # fmt: skip
"""What LeRobot 0.6.1 makes of ticks: side, joint -> tick -> value in the dataset."""
HAND_WRITTEN = {
    ('right', 'thumb_cmc'): {
        -3.0: 191, 0.0: 191, 12.34: 254, 33.3: 363, 50.0: 450, 99.9: 708, 100.0: 709, 104.0: 709,
    },
    ('right', 'index_ulnar_flexor'): {
        -3.0: 754, 0.0: 754, 12.34: 691, 33.3: 584, 50.0: 500, 99.9: 246, 100.0: 246, 104.0: 246,
    },
    ('right', 'pinky_pip_dip'): {0.0: 844, 12.34: 783, 33.3: 681, 50.0: 600, 104.0: 356},
    ('left', 'thumb_cmc'): {
        -3.0: 709, 0.0: 709, 12.34: 645, 33.3: 536, 50.0: 450, 99.9: 191, 100.0: 191,
    },
    ('left', 'index_ulnar_flexor'): {0.0: 246, 12.34: 308, 33.3: 415, 50.0: 500, 99.9: 753},
    ('left', 'pinky_pip_dip'): {0.0: 356, 12.34: 416, 33.3: 518, 50.0: 600, 100.0: 844},
}  # fmt: skip
"""What goals it writes for values."""
ARM_READ = {
    'shoulder_pitch': {
        926: -100.0, 931: -100.0, 932: -99.90393852065321, 2047: 7.2046109510086325,
        2512: 51.873198847262245, 3013: 100.0, 3020: 100.0,
    },
    'wrist_pitch': {
        1112: -100.0, 1118: -99.89868287740629, 2047: -5.775075987841944,
        2512: 41.33738601823708, 3091: 100.0,
    },
}  # fmt: skip
ARM_WRITTEN = {
    'shoulder_pitch': {
        -130.0: 931, -100.0: 931, -33.3: 1625, 0.0: 1972, 12.34: 2100, 57.0: 2565, 100.0: 3013,
    },
    'wrist_pitch': {-33.3: 1775, 0.0: 2104, 12.34: 2225, 57.0: 2666, 130.0: 3091},
}  # fmt: skip


def hand_calibration(side):
    return {
        joint.name: MotorCalibration(
            joint.motor.id,
            joint.drive_mode,
            0,
            180 + 11 * joint.motor.id,
            700 + 9 * joint.motor.id,
        )
        for joint in HANDS[side].joints
    }


ARM_CALIBRATION = {
    name: MotorCalibration(m.id, 0, 17 * m.id - 60, 900 + 31 * m.id, 3000 + 13 * m.id)
    for name, m in HOPE_JR_ARM.motors.items()
}


class FakeArm(FakeServos):
    """Seven STS servos, of which the first is an SM8512BL that knows no sync-read."""

    def __init__(self, models=(11272, *[2825] * 6)):
        super().__init__(range(1, 8))
        for number, model in enumerate(models, start=1):
            self.set_word(number, 3, model)
            entry = ARM_CALIBRATION[HOPE_JR_ARM.names[number - 1]]
            self.set_word(number, 9, entry.range_min)
            self.set_word(number, 11, entry.range_max)
            offset = entry.homing_offset
            self.set_word(number, 31, -offset | 0x800 if offset < 0 else offset)

    def _serve(self, number, instruction, parameters):
        if instruction == 0x82 and 1 in parameters[2:]:
            return b''  # who waits for the reply of one that does not know it stays silent too
        return super()._serve(number, instruction, parameters)


@pytest.fixture
def hand_port():
    return FakeScs()


@pytest.fixture
def make_hand(hand_port, tmp_path):
    def made(side, **settings):
        for entry in hand_calibration(side).values():
            hand_port.set_word(entry.id, 9, entry.range_min)
            hand_port.set_word(entry.id, 11, entry.range_max)
        save_calibration(tmp_path / 'me.json', hand_calibration(side))
        fields = {'type': 'hope_jr_hand', 'side': side, 'port': '/dev/x', 'id': 'me', **settings}
        config = build(RobotConfig, {'calibration_dir': tmp_path, **fields}, 'robot')
        return HopeJrHand(config, clock=ManualClock(), port_factory=lambda _: hand_port)

    return made


@pytest.fixture
def make_arm(tmp_path):
    def made(port, **settings):
        save_calibration(tmp_path / 'me.json', ARM_CALIBRATION)
        fields = {'type': 'hope_jr_arm', 'port': '/dev/x', 'id': 'me', **settings}
        config = build(RobotConfig, {'calibration_dir': tmp_path, **fields}, 'robot')
        return HopeJrArm(config, clock=ManualClock(), port_factory=lambda _: port)

    return made


@pytest.mark.parametrize(('side', 'joint'), HAND_READ)
def test_ticks_of_a_hand_are_read_as_lerobots_values(make_hand, hand_port, side, joint):
    robot = make_hand(side)
    robot.connect()
    column = robot.plan.names.index(joint)
    for tick, value in HAND_READ[side, joint].items():
        hand_port.set_word(column + 1, PRESENT, tick)
        assert robot.get_observation()[f'{joint}.pos'] == pytest.approx(value, abs=1e-12)
        angle = robot.read_state().position[column]
        assert angle == pytest.approx(value / 100 * BENT[joint])
        assert robot.joints[column].unit.to_dataset(angle) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(('side', 'joint'), HAND_WRITTEN)
def test_values_for_a_hand_are_written_as_lerobots_goals(make_hand, hand_port, side, joint):
    robot = make_hand(side)
    robot.connect()
    number = robot.plan.motors[joint].id
    for value, tick in HAND_WRITTEN[side, joint].items():
        robot.send_action({f'{joint}.pos': value})
        assert hand_port.word(number, GOAL) == tick, value
        angle = np.full(16, math.nan)
        angle[number - 1] = value / 100 * BENT[joint]
        hand_port.set_word(number, GOAL, 0)
        robot.write_goal(angle)
        assert hand_port.word(number, GOAL) == tick, value


@pytest.mark.parametrize('joint', ARM_READ)
def test_ticks_and_values_of_an_arm_are_lerobots(make_arm, joint):
    port = FakeArm()
    robot = make_arm(port)
    robot.connect()
    number = HOPE_JR_ARM.motors[joint].id
    for tick, value in ARM_READ[joint].items():
        port.set_word(number, PRESENT, tick)
        assert robot.get_observation()[f'{joint}.pos'] == pytest.approx(value, abs=1e-12)
    for value, tick in ARM_WRITTEN[joint].items():
        robot.send_action({f'{joint}.pos': value})
        assert port.word(number, GOAL) == tick, value


def goal_then_torque(port, number, lock):
    mine = [(address, data) for who, address, data in port.writes if who == number]
    seed = bytes(port.memory[number][PRESENT : PRESENT + 2])
    assert mine[-3:] == [(GOAL, seed), (TORQUE, b'\x01'), (lock, b'\x01')]
    assert (TORQUE, b'\x01') not in mine[:-3]


@pytest.mark.parametrize('side', ['left', 'right'])
def test_a_hand_is_given_its_goals_before_torque_and_only_registers_it_has(
    make_hand, hand_port, side
):
    make_hand(side).connect()
    for number in range(1, 17):
        goal_then_torque(hand_port, number, lock=48)
        assert hand_port.memory[number][18] == 0x1C


def test_an_arm_is_given_its_goals_before_torque_and_starts_gently(make_arm):
    port = FakeArm()
    make_arm(port).connect()
    for number in range(1, 8):
        goal_then_torque(port, number, lock=55)
        assert (port.memory[number][41], port.memory[number][85]) == (30, 30)


@pytest.mark.parametrize('of_parts_list', [(), (2, 3, 4, 5), (4, 5, 6, 7)])
def test_an_arm_of_either_parts_list_is_taken(make_arm, of_parts_list):
    models = [777 if number in of_parts_list else 2825 for number in range(2, 8)]
    robot = make_arm(FakeArm([11272, *models]))
    robot.connect()
    names = {2825: 'sts3250', 777: 'sts3215'}
    found = [model.name for model in robot.arm.bus.models.values()]
    assert found == ['sm8512bl', *(names[model] for model in models)]


def test_a_motor_that_belongs_to_neither_is_named(make_arm):
    with pytest.raises(NotConnectedError) as caught:
        make_arm(FakeArm([2825, 1284, *[2825] * 5])).connect()
    said = str(caught.value)
    assert (
        'shoulder_pitch (id 1, sm8512bl): is another model (number 2825, expected 11272)' in said
    )
    assert 'shoulder_yaw (id 2, sts3250 or sts3215)' in said
    assert 'number 1284, expected 2825 or 777' in said


def test_an_arm_on_the_port_of_a_hand_and_the_other_way_round_is_one_line(
    make_arm, make_hand, hand_port, tmp_path
):
    with pytest.raises(NotConnectedError) as caught:
        make_arm(hand_port).connect()
    assert str(caught.value).endswith(
        'the motors there are scs0009, not sm8512bl, sts3250, sts3215; which arm is on this port?'
    )
    config = make_hand('left').config
    hand = HopeJrHand(config, clock=ManualClock(), port_factory=lambda _: FakeArm())
    with pytest.raises(
        NotConnectedError, match='the motors there are sm8512bl, sts3250, not scs0'
    ):
        hand.connect()


def test_the_shoulder_is_read_apart_the_others_together(make_arm):
    port = FakeArm()
    robot = make_arm(port)
    robot.connect()
    before = len(port.requests)
    positions = robot.read_state().position
    asked = [(request[2], request[4]) for request in port.requests[before:]]
    assert asked == [(0xFE, 0x82), (1, 0x02)]
    assert np.isfinite(positions).all()
    port.set_word(1, PRESENT, 2500)
    assert robot.read_state().position[0] > positions[0]


def test_one_motor_of_a_hand_that_is_not_heard_once_is_asked_again_alone(make_hand, hand_port):
    robot = make_hand('right')
    robot.connect()
    before = len(hand_port.requests)
    hand_port.ignored_requests = 1
    robot.read_state()
    assert len(hand_port.requests) - before == 16 + 2  # a fence, and the reading again
    hand_port.silent = {7}
    with pytest.raises(BusTimeoutError, match=r'read the state of index_pip_dip in 3 tries'):
        robot.read_state()


def test_velocity_and_effort_have_the_sign_of_the_joint(make_hand, hand_port):
    robot = make_hand('right')
    robot.connect()
    for number in (1, 2):  # the second is turned
        hand_port.set_word(number, 58, 100)
        hand_port.set_word(number, 60, 0x400 | 250)
    reading = robot.read_state()
    travel = 700 + 9 - (180 + 11)
    assert reading.velocity[0] == pytest.approx(100 / travel * BENT['thumb_cmc'])
    assert reading.velocity[1] < 0
    assert reading.effort[:2] == pytest.approx([-0.25, 0.25])


def test_a_hand_has_a_side_and_others_have_none(make_arm):
    with pytest.raises(ConfigError, match=r'--robot.side=left or right'):
        make_robot(RobotConfig(type='hope_jr_hand', port='/dev/x'))
    with pytest.raises(ConfigError, match='a hope_jr_arm has no side; found side=left'):
        make_arm(FakeArm(), side='left')


def test_a_calibration_of_the_other_hand_is_obeyed_and_told(
    make_hand, hand_port, tmp_path, caplog
):
    robot = make_hand('right')
    save_calibration(tmp_path / 'me.json', hand_calibration('left'))
    robot = HopeJrHand(robot.config, clock=ManualClock(), port_factory=lambda _: hand_port)
    robot.connect()
    assert 'thumb_cmc' in caplog.text and 'a HOPE Jr right hand' in caplog.text
    assert 'thumb_mcp' not in caplog.text
    hand_port.set_word(1, PRESENT, 192)
    assert robot.get_observation()['thumb_cmc.pos'] == pytest.approx(
        HAND_READ['left', 'thumb_cmc'][192]
    )


def test_an_arm_and_a_hand_in_one_process_keep_their_byte_orders(make_arm, make_hand, hand_port):
    port = FakeArm()
    arm, hand = make_arm(port), make_hand('left')
    for each in (arm, hand, hand, arm):
        if not each.is_connected:
            each.connect()
        each.send_action({f'{name}.pos': 50.0 for name in each.plan.names})
    assert port.word(2, GOAL) == 962 + (3026 - 962) * 3 // 4
    assert hand_port.word(1, GOAL) == 450
    assert hand.read_state().position.shape == (16,)
    assert arm.read_state().position.shape == (7,)


def test_names_and_rates():
    assert (HopeJrArm.name, HopeJrHand.name) == ('hope_jr_arm', 'hope_jr_hand')
    hand = make_robot(RobotConfig(type='hope_jr_hand', side='left', port='sim://x/hand'))
    assert list(hand.action_features) == [f'{name}.pos' for name in BENT]
    assert hand.rate_hz == 40.0
    slow = RobotConfig(type='hope_jr_hand', side='left', port='sim://x/hand', rate_hz=15)
    assert make_robot(slow).rate_hz == 15
