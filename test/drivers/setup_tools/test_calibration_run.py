"""Calibration, step by step, on emulated arms."""

from __future__ import annotations

import pytest
from emulated import MIDDLE, SWEEP, EmulatedArm, HastyClock

from lerobot_drivers.common.errors import CalibrationError, DeviceError
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.aloha_arm import VIPERX
from lerobot_drivers.robots.hope_jr_arm import HOPE_JR_ARM
from lerobot_drivers.robots.hope_jr_hand import HANDS
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER, KOCH_LEADER
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun, JointRange

PLANS = {
    'hope_jr_arm': HOPE_JR_ARM,
    'hope_jr_hand_left': HANDS['left'],
    'so101_follower': SO_ARM,
    'so101_leader': SO_ARM,
    'koch_follower': KOCH_FOLLOWER,
    'koch_leader': KOCH_LEADER,
    'viperx': VIPERX,
}
TURN = (0, 4095)


class Stage:
    """An emulated arm, its bus and its calibration."""

    def __init__(self, model, clock=None):
        self.emulated = EmulatedArm(model, clock)
        self.plan = PLANS[model]
        self.bus = self.plan.bus(SerialPort(self.emulated.port), self.plan.motors)
        self.bus.connect()
        self.run = CalibrationRun(self.bus, self.plan)

    def hold(self):
        """Let it hold its pose, as a driver leaves it."""
        self.bus.prepare({servo.name: servo.registers for servo in self.plan.servos})
        self.bus.enable_torque()

    def home(self, **apart):
        self.run.begin()
        self.emulated.move(**{**MIDDLE, **apart})
        self.run.home()

    def sweep(self, *joints):
        for angle in SWEEP:
            self.emulated.move(
                **{name: 0.8 + angle / 2 if name == 'gripper' else angle for name in joints}
            )
            self.run.watch()

    def close(self):
        self.bus.disconnect()
        self.emulated.line.close()


@pytest.fixture
def stage():
    made = []

    def make(model, clock=None):
        made.append(Stage(model, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize('model', ['so101_follower', 'koch_follower'])
def test_the_middle_is_half_a_turn_and_the_ends_are_the_ranges(stage, model):
    arm = stage(model)
    arm.hold()
    arm.home()
    assert set(arm.bus.sync_read('Present_Position').values()) <= {2047, 2048}
    assert set(arm.bus.sync_read('Torque_Enable').values()) == {0}
    arm.sweep(*arm.run.ranges)
    made = arm.run.finish()
    assert arm.bus.read_calibration() == made
    assert list(made) == list(arm.plan.motors)
    reach = round(1.5 * 4096 / 6.283185)
    for name, entry in made.items():
        if name in arm.run.full_turn:
            assert (entry.range_min, entry.range_max) == TURN
        elif name != 'gripper':
            assert abs(entry.range_min - (2047 - reach)) <= 1
            assert abs(entry.range_max - (2047 + reach)) <= 1
    assert set(arm.bus.sync_read('Torque_Enable').values()) == {0}


def test_full_turns_are_lerobots():
    assert [joint.name for joint in SO_ARM.joints if joint.full_turn] == ['wrist_roll']
    for plan in (KOCH_FOLLOWER, KOCH_LEADER):
        turns = [joint.name for joint in plan.joints if joint.full_turn]
        assert turns == ['shoulder_pan', 'wrist_roll']


@pytest.mark.parametrize('model', ['so101_leader', 'koch_leader'])
def test_a_leader_is_calibrated_by_whoever_moves_it(stage, model):
    arm = stage(model, HastyClock())
    arm.run.begin()
    arm.run.home()
    for _ in range(4000):
        arm.run.watch()
        if not arm.run.problems:
            break
    made = arm.run.finish()
    assert arm.bus.read_calibration() == made
    turned = [name for name, entry in made.items() if entry.drive_mode]
    assert turned == (['elbow_flex'] if model == 'koch_leader' else [])


def test_motors_are_made_to_count_and_turn_as_calibrations_want_it(stage):
    leader = stage('koch_leader', HastyClock())
    leader.bus.disable_torque()
    profile_bit = 4
    leader.bus.write('Drive_Mode', 'elbow_flex', profile_bit)
    leader.bus.write('Drive_Mode', 'wrist_flex', 1)
    leader.run.begin()
    modes = leader.bus.sync_read('Drive_Mode')
    assert (modes['elbow_flex'], modes['wrist_flex']) == (profile_bit | 1, 0)
    assert set(leader.bus.sync_read('Operating_Mode').values()) == {4}

    follower = stage('so101_follower')
    follower.bus.disable_torque()
    counts_turns = follower.bus.read('Phase', 'wrist_roll') | 0x10
    follower.bus.write('Phase', 'wrist_roll', counts_turns)
    follower.run.begin()
    assert follower.bus.read('Phase', 'wrist_roll') == counts_turns & ~0x10


def test_what_did_not_move_far_enough_is_named(stage):
    arm = stage('so101_follower')
    with pytest.raises(CalibrationError, match='it has no middle'):
        arm.run.finish()
    arm.home()
    arm.sweep('shoulder_pan', 'shoulder_lift', 'wrist_flex')
    arm.emulated.move(gripper=0.9)
    arm.run.watch()
    assert arm.run.problems == {
        'elbow_flex': 'did not move',
        'gripper': 'moved only 5.7 degrees',
    }
    with pytest.raises(CalibrationError, match='elbow_flex did not move; gripper moved only'):
        arm.run.finish()
    arm.sweep('elbow_flex', 'gripper')
    arm.run.finish()


def test_a_joint_that_passes_the_end_of_its_turn_is_noticed_and_mended_from_the_middle(stage):
    arm = stage('so101_follower')
    arm.home(shoulder_lift=1.7)
    arm.sweep(*arm.run.ranges)
    assert arm.run.wrapped
    assert list(arm.run.problems) == ['shoulder_lift']
    assert 'not in the middle of its reach' in arm.run.problems['shoulder_lift']
    arm.home()
    arm.sweep(*arm.run.ranges)
    assert not arm.run.problems


def test_the_end_of_a_turn_is_seen_from_both_sides():
    assert JointRange.at(4000, 4096).moved_to(90).wrapped
    assert JointRange.at(90, 4096).moved_to(4000).wrapped
    assert JointRange.at(2047, 4096).moved_to(4100).problem.startswith('went past the end')
    assert JointRange.at(2047, 4096).moved_to(-3).wrapped
    assert not JointRange.at(2047, 4096).moved_to(4095).moved_to(2047).moved_to(0).wrapped


def test_who_gives_up_leaves_limp_motors_with_what_they_held(stage):
    arm = stage('koch_follower')
    before = arm.bus.read_calibration()
    arm.hold()
    arm.home()
    assert arm.bus.read_calibration() != before
    arm.run.abandon()
    assert arm.bus.read_calibration() == before
    assert set(arm.bus.sync_read('Torque_Enable').values()) == {0}


def test_giving_up_without_a_cable_raises_nothing(stage):
    arm = stage('so101_follower')
    arm.home()
    arm.emulated.line.close()
    arm.run.abandon()
    arm.emulated = EmulatedArm('so101_follower')


def test_a_middle_half_a_turn_away_is_held_as_far_as_a_feetech_can(stage):
    arm = stage('so101_follower')
    arm.run.begin()
    assert arm.run._offset('elbow_flex', 4095) == 2047
    assert arm.run._offset('elbow_flex', 0) == -2047
    koch = stage('koch_follower')
    assert koch.run._offset('elbow_flex', 4095) == -2048


ZERO_POSE = dict.fromkeys(VIPERX.names, 0.0) | {'gripper': 1.0}


def test_an_arm_with_shadows_is_homed_at_its_zeros_and_its_pairs_agree(stage):
    arm = stage('viperx')
    arm.bus.write('Homing_Offset', 'gripper', 33)
    arm.hold()
    arm.run = CalibrationRun(arm.bus, arm.plan)
    arm.run.begin()
    arm.emulated.move(**{**ZERO_POSE, 'shoulder': 0.1, 'wrist_rotate': -0.2})
    arm.run.home()
    at_home = arm.bus.sync_read('Present_Position')
    assert arm.bus.read('Homing_Offset', 'gripper') == 33
    gripper = at_home.pop('gripper')
    assert set(at_home.values()) == {2048}
    for shoulder, gripping in ((-1.0, 0.7), (1.1, 1.5)):
        arm.emulated.move(
            shoulder=shoulder, elbow=shoulder, wrist_angle=shoulder, gripper=gripping
        )
        arm.run.watch()
    made = arm.run.finish()
    assert arm.bus.read_calibration() == made
    assert list(made) == list(VIPERX.motors)
    for name in ('shoulder', 'elbow'):
        one, other = made[name], made[f'{name}_shadow']
        assert (one.range_min, one.range_max) == (other.range_min, other.range_max)
        assert one.drive_mode == 1 - other.drive_mode
    assert made['shoulder'].range_max == 2048 + round(1.0 * 4096 / 6.283185)
    assert made['gripper'].homing_offset == 33
    assert made['gripper'].range_min < gripper < made['gripper'].range_max


def test_a_pose_that_a_motor_cannot_hold_as_its_zero_is_refused(stage):
    arm = stage('viperx')
    arm.run.begin()
    arm.emulated.move(**{**ZERO_POSE, 'elbow': 1.6})
    with pytest.raises(CalibrationError, match=r'elbow by 92.*upper arm upright'):
        arm.run.home()
    with pytest.raises(CalibrationError, match='it has no middle'):
        arm.run.finish()


def test_a_hand_has_no_middle_and_its_turned_motors_are_marked(stage):
    hand = stage('hope_jr_hand_left')
    made_with = hand.emulated.arm.calibration
    hand.hold()
    assert not hand.run.is_homed
    hand.run.begin()
    hand.run.home()
    limits = hand.bus.read_calibration().values()
    assert {(entry.range_min, entry.range_max) for entry in limits} == {(0, 1023)}
    joints = hand.emulated.arm.model.joints
    for share in (0.0, 0.3, 0.7, 1.0):
        hand.emulated.move(**{joint.name: share * joint.upper for joint in joints})
        hand.run.watch()
    assert hand.run.ranges['thumb_cmc'].degrees == pytest.approx(
        (made_with['thumb_cmc']['range_max'] - made_with['thumb_cmc']['range_min']) * 300 / 1024
    )
    made = hand.run.finish()
    assert {name: vars(entry) for name, entry in made.items()} == made_with
    held = hand.bus.read_calibration()
    assert {name: (each.range_min, each.range_max) for name, each in held.items()} == {
        name: (entry.range_min, entry.range_max) for name, entry in made.items()
    }


def test_an_arm_of_two_models_of_motor_is_calibrated_as_others_are(stage):
    arm = stage('hope_jr_arm')
    assert arm.run.is_homed
    arm.run.begin()
    joints = arm.emulated.arm.model.joints
    arm.emulated.move(**{joint.name: 0.0 for joint in joints})
    arm.run.home()
    assert set(arm.bus.sync_read('Present_Position').values()) <= {2047, 2048}
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        arm.emulated.move(**{joint.name: share * joint.upper for joint in joints})
        arm.run.watch()
    made = arm.run.finish()
    assert arm.bus.read_calibration() == made
    widths = [entry.range_max - entry.range_min for entry in made.values()]
    assert widths == pytest.approx([2 * j.upper * 4096 / 6.283185 for j in joints], abs=2)


def test_a_pair_that_its_homing_offsets_do_not_bring_together_is_refused(stage):
    arm = stage('viperx')
    arm.bus.homing_sign = 1
    arm.run.begin()
    arm.emulated.move(**ZERO_POSE)
    with pytest.raises(DeviceError, match=r'disagree about its angle.*just written, did not help'):
        arm.run.home()
    arm.run.abandon()
