"""The teleop node on a simulated leader, moved by the scripted operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from lerobot_drivers import ros
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_teleop.teleop_node import TeleopNode

pytestmark = pytest.mark.ros
CONFIG = "teleop: {type: so101_leader, port: 'sim://teleop_node/leader', rate_hz: 50}"


def test_the_leaders_states_and_the_commands_that_follow_share_their_stamps(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    states = graph.listen(JointState, 'joint_states')
    commands = graph.listen(JointState, 'joint_commands')
    diagnostics = graph.listen(DiagnosticArray, '/diagnostics')
    overrides = [Parameter('config_file', value=str(config_file(CONFIG)))]
    node = graph.add(TeleopNode(parameter_overrides=overrides))
    node.autostart()
    graph.until(lambda: len(states) > 30 and len(commands) > 30)
    by_stamp = {ros.stamp_ns(state.header.stamp): state for state in states}
    both = [(c, by_stamp.get(ros.stamp_ns(c.header.stamp))) for c in commands]
    pairs = [(command, state) for command, state in both if state is not None]
    assert len(pairs) > 25
    for command, state in pairs:
        assert tuple(command.name) == tuple(state.name) == JOINT_NAMES
        assert list(command.position) == list(state.position)
        assert len(state.velocity) == 6
    assert pairs[0][0].position != pairs[-1][0].position
    assert graph.until(lambda: diagnostics)[0].status[0].name == 'teleop: leader'
    node.trigger_deactivate()
    graph.spin(0.1)
    count = len(commands)
    graph.spin(0.2)
    assert len(commands) == count
