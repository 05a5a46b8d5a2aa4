"""Robots that are named but not opened."""

from lerobot_drivers.common.config import build
from lerobot_drivers.robots import RobotConfig, make_robot, without_ports


def test_ports_of_what_is_not_opened_are_none_of_two_arms_too():
    assert without_ports({'type': 'viperx'}) == {'port': 'none', 'type': 'viperx'}
    both = without_ports({'type': 'aloha', 'left_arm_config': {'port': '/dev/l'}})
    assert both['right_arm_port'] == 'none' and 'left_arm_port' not in both
    assert len(make_robot(build(RobotConfig, both, 'robot')).joints) == 14
    assert without_ports({'id': 'x'}) == {'port': 'none', 'id': 'x'}
