"""ALOHA's arms: golden values worked by hand from Interbotix' and ALOHA's published numbers."""

import math

import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import NormMode
from lerobot_drivers.robots import ROBOTS, RobotConfig, make_robot
from lerobot_drivers.robots.aloha_arm import VIPERX, WIDOWX

NAMES = (
    'waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper',
)  # fmt: skip
"""As in the LeRobot datasets of ALOHA: aloha_sim_transfer_cube_human, aloha_mobile_*."""
MOTORS = {
    'waist': 1, 'shoulder': 2, 'shoulder_shadow': 3, 'elbow': 4, 'elbow_shadow': 5,
    'forearm_roll': 6, 'wrist_angle': 7, 'wrist_rotate': 8, 'gripper': 9,
}  # fmt: skip
VIPERX_DEGREES = {
    ('waist', 0): -180.0, ('waist', 2048): 0.0, ('waist', 4095): 179.912109375,
    ('shoulder', 841): -106.083984375, ('shoulder', 2867): 71.982421875,
    ('elbow', 898): -101.07421875, ('elbow', 3094): 91.93359375,
    ('wrist_angle', 830): -107.05078125, ('wrist_angle', 3504): 127.96875,
    ('wrist_rotate', 3072): 90.0, ('forearm_roll', 1024): -90.0,
}  # fmt: skip
"""(tick - 2048) * 360 / 4096; the ends of a range are Interbotix' URDF limits to 0.2 degrees."""
URDF_DEGREES = {
    'viperx': {'shoulder': (-106, 72), 'elbow': (-101, 92), 'wrist_angle': (-107, 128)},
    'widowx': {'shoulder': (-108, 114), 'elbow': (-123, 92), 'wrist_angle': (-100, 123)},
}
FINGERS = {
    2452: (0.0440, 0.0),  # 0.6197 rad, FOLLOWER_GRIPPER_JOINT_CLOSE and POSITION_CLOSE
    2560: (0.0480217, 0.289331),  # pi/4: 0.022 sin + sqrt(0.036^2 - (0.022 cos)^2)
    3072: (0.0580, 1.007194),  # pi/2: 0.022 + 0.036
    3105: (0.0579, 1.0),  # 1.6214 rad, FOLLOWER_GRIPPER_JOINT_OPEN and POSITION_OPEN
}
"""Tick -> finger [m], (finger - 0.0440) / (0.0579 - 0.0440)."""
HANDLES = {2012: 0.0, 2300: 0.4992, 2589: 1.0}
"""Tick -> (angle + 0.0552) / (0.8298 + 0.0552), LEADER_GRIPPER_JOINT_NORMALIZE_FN."""


def viperx(**settings):
    return make_robot(RobotConfig(type='viperx', port='/dev/x', **settings))


def scales(robot):
    return dict(zip(robot.plan.names, robot.arm.scales, strict=True))


@pytest.mark.parametrize(('joint', 'tick'), VIPERX_DEGREES)
def test_ticks_angles_and_dataset_values(joint, tick):
    scale, angle = scales(viperx())[joint], math.radians(VIPERX_DEGREES[joint, tick])
    assert scale.ticks_to_topic(tick) == pytest.approx(angle, abs=1e-12)
    assert scale.ticks_to_dataset(tick) == pytest.approx(angle, abs=1e-12)
    assert scale.topic_to_ticks(angle) == scale.dataset_to_ticks(angle) == tick


def test_the_pose_that_interbotix_calls_sleep():
    sleep = {'shoulder': (-1.80, 875), 'elbow': (1.55, 3058), 'wrist_angle': (-1.57, 1025)}
    found = scales(viperx())
    assert {name: found[name].topic_to_ticks(angle) for name, (angle, _) in sleep.items()} == {
        name: tick for name, (_, tick) in sleep.items()
    }


@pytest.mark.parametrize('tick', FINGERS)
def test_a_followers_gripper(tick):
    finger, share = FINGERS[tick]
    scale = scales(viperx())['gripper']
    assert scale.ticks_to_topic(tick) == pytest.approx(finger, abs=6e-5)
    assert scale.ticks_to_dataset(tick) == pytest.approx(share, abs=4e-3)
    if tick < 3072:
        assert scale.dataset_to_ticks(scale.ticks_to_dataset(tick)) == tick


@pytest.mark.parametrize('tick', HANDLES)
def test_a_leaders_handle(tick):
    joint = WIDOWX.joint('gripper')
    scale = joint.scale(joint.nominal, joint.unit, 4096)
    assert scale.ticks_to_dataset(tick) == pytest.approx(HANDLES[tick], abs=1e-3)
    asked = 0.0440 + scale.ticks_to_dataset(tick) * 0.0139
    assert scale.ticks_to_topic(tick) == pytest.approx(asked)


@pytest.mark.parametrize(('plan', 'name'), [(VIPERX, 'viperx'), (WIDOWX, 'widowx')])
def test_limits_are_those_of_the_urdf(plan, name):
    for joint, (low, high) in URDF_DEGREES[name].items():
        nominal = plan.joint(joint).nominal
        ends = [(tick - 2048) * 360 / 4096 for tick in (nominal.range_min, nominal.range_max)]
        assert ends == pytest.approx([low, high], abs=0.2)


@pytest.mark.parametrize('plan', [VIPERX, WIDOWX])
def test_shadows_turn_the_other_way_and_obey_their_masters(plan):
    assert plan.names == NAMES
    assert {name: motor.id for name, motor in plan.motors.items()} == MOTORS
    for servo in plan.servos:
        obeyed = {'shoulder_shadow': 2, 'elbow_shadow': 4}.get(servo.name, 255)
        assert servo.registers['Secondary_ID'] == obeyed
        assert servo.registers['Velocity_Limit'] == 131
    for name in ('shoulder', 'elbow'):
        master, shadow = plan.joint(name), plan.joint(f'{name}_shadow')
        assert shadow.drive_mode == 1 - master.drive_mode
        assert shadow.motor.model == master.motor.model
        limits = [(s.nominal.range_min, s.nominal.range_max) for s in (master, shadow)]
        assert limits[0] == limits[1]
    assert VIPERX.joint('shoulder').drive_mode == 1
    assert WIDOWX.joint('shoulder').drive_mode == 0


def test_fourteen_values_left_then_right_without_a_calibration_file():
    ports = {'left_arm_port': '/dev/l', 'right_arm_port': '/dev/r'}
    for name in ('aloha', 'bi_viperx'):
        robot = make_robot(RobotConfig(type=name, **ports))
        keys = [f'{side}_{joint}.pos' for side in ('left', 'right') for joint in NAMES]
        assert list(robot.action_features) == keys
        assert robot.name == 'aloha'
        assert robot.is_calibrated
        modes = [joint.unit.mode for joint in robot.joints]
        assert modes == ([NormMode.RADIANS] * 6 + [NormMode.RANGE_0_1]) * 2
    assert {'viperx', 'aloha', 'bi_viperx'} <= set(ROBOTS.names())


def test_a_gripper_is_moved_in_metres():
    gripper = viperx(max_velocity=0.01).joints[-1]
    assert (gripper.lower, gripper.upper) == pytest.approx((0.0440, 0.0579), abs=1e-4)
    assert gripper.velocity == 0.01
    assert viperx().joints[-1].velocity == 0.02


def test_degrees_are_refused():
    config = build(RobotConfig, {'type': 'viperx', 'port': '/dev/x', 'use_degrees': True}, 'robot')
    with pytest.raises(ConfigError, match='has radians in its datasets'):
        make_robot(config).connect()
