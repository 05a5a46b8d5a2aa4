"""Set-up commands find the arms of what has two."""

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.robots.aloha_arm import VIPERX
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_teleop.commands.device_choice import chosen_devices


@pytest.mark.parametrize(
    ('flag', 'device_type', 'arm_type', 'plan'),
    [
        ('robot', 'aloha', 'viperx', VIPERX),
        ('robot', 'bi_so_follower', 'so101_follower', SO_ARM),
        ('teleop', 'bi_so_leader', 'so101_leader', SO_ARM),
    ],
)
def test_left_then_right(flag, device_type, arm_type, plan):
    left, right = chosen_devices(
        [
            f'--{flag}.type={device_type}',
            f'--{flag}.id=duo',
            f'--{flag}.left_arm_port=/dev/l',
            f'--{flag}.right_arm_port=/dev/r',
        ]
    )
    assert (left.id, left.port) == ('duo_left', '/dev/l')
    assert (right.id, right.port) == ('duo_right', '/dev/r')
    assert {left.type, right.type} == {arm_type}
    assert left.plan is right.plan is plan
    assert left.calibration_file.name == 'duo_left.json'


def test_one_arm_stays_one_and_a_missing_port_is_asked_for():
    (only,) = chosen_devices(['--robot.type=viperx', '--robot.port=/dev/x', '--robot.id=me'])
    assert only.label == 'viperx me'
    with pytest.raises(ConfigError, match='needs one port for its right arm'):
        chosen_devices(['--robot.type=aloha', '--robot.left_arm_port=/dev/l'])
