"""A leader of an arm that a robot carries under other names."""

from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_teleop.joint_names import on_robot


def names(kind, **ports):
    return [joint.name for joint in make_robot(RobotConfig(type=kind, **ports)).joints]


def test_the_arm_of_a_lekiwi_is_led_by_an_so101():
    kiwi = names('lekiwi', port='sim://t/kiwi')
    assert on_robot(JOINT_NAMES, kiwi) == [f'arm_{name}' for name in JOINT_NAMES] == kiwi


def test_the_own_names_stay():
    assert on_robot(JOINT_NAMES, names('so101_follower', port='sim://t/a')) == list(JOINT_NAMES)
    two = names('bi_so_follower', left_arm_port='sim://t/l', right_arm_port='sim://t/r')
    assert on_robot(two, two) == two


def test_one_of_two_arms_is_not_guessed_nor_an_arm_of_other_joints():
    two = names('bi_so_follower', left_arm_port='sim://t/l', right_arm_port='sim://t/r')
    assert on_robot(JOINT_NAMES, two) == list(JOINT_NAMES)
    other = ['waist', 'gripper']
    assert on_robot(other, names('lekiwi', port='sim://t/k')) == other
    assert on_robot([], two) == []
