"""The arm node tells what its robot looks like to whoever comes, however late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from lerobot_drivers import ros_description
from lerobot_drivers.arm_node import ArmNode
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.ros import qos_status
from lerobot_drivers.urdf.description import missing_joints
from lerobot_drivers.urdf.models import robot_urdf

pytestmark = pytest.mark.ros
TWO_ARMS = """
robot: {type: bi_so_follower, left_arm_port: 'sim://urdf/left', right_arm_port: 'sim://urdf/right'}
"""
OWN = """
robot: {type: so101_follower, port: 'sim://urdf/follower', urdf: %s}
"""
MINE = '<robot name="mine"><link name="base_link"/></robot>'


def start(graph: Any, path: Path) -> Any:
    node = graph.add(ArmNode(parameter_overrides=[Parameter('config_file', value=str(path))]))
    node.autostart()
    return node


def test_two_arms_are_told_under_the_names_of_their_states(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    states = graph.listen(JointState, 'joint_states')
    node = start(graph, config_file(TWO_ARMS))
    graph.until(lambda: states)
    heard = graph.listen(String, 'robot_description', qos_status())
    graph.until(lambda: heard)
    assert heard[0].data == robot_urdf('bi_so_follower')
    assert missing_joints(heard[0].data, states[0].name) == []
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert not node.count_publishers('robot_description')


def test_a_file_of_ones_own_is_told_instead(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path, capfd: Any
) -> None:
    (tmp_path / 'mine.urdf').write_text(MINE)
    heard = graph.listen(String, 'robot_description', qos_status())
    start(graph, config_file(OWN % (tmp_path / 'mine.urdf')))
    graph.until(lambda: heard)
    assert heard[0].data == MINE
    assert 'lacks joints: shoulder_pan, shoulder_lift' in capfd.readouterr().err


def test_none_is_told_in_one_line(
    graph: Any, config_file: Callable[[str], Path], capfd: Any
) -> None:
    node = start(graph, config_file(OWN % 'none'))
    assert not node.count_publishers('robot_description')
    assert 'robot_description is not published: robot.urdf is none' in capfd.readouterr().err


def test_a_robot_without_one_is_told_too(
    graph: Any, config_file: Callable[[str], Path], capfd: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ros_description, 'description_of', lambda *_: None)
    start(graph, config_file(OWN.replace(', urdf: %s', '')))
    assert 'a so101_follower has none here' in capfd.readouterr().err


def test_a_file_that_is_none_keeps_the_node_from_starting(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    with pytest.raises(ConfigError, match=r'robot.urdf .*config.yaml: .*expected a plain URDF'):
        start(graph, config_file(OWN % config_file('')))
