"""The teleop node on a simulated leader, moved by the scripted operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from lerobot_drivers import ros
from lerobot_drivers.arm_node import ArmNode
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


FOLLOWED = """
robot: {type: so101_follower, port: 'sim://teleop_node/follower', rate_hz: 50}
teleop: {type: so101_leader, port: 'sim://teleop_node/leader', rate_hz: 50}
processor:
  robot_action:
    - {type: %s:HoldWrist, degrees: 30}
    - {type: clip_joints_processor, limits: {shoulder_pan: [-3, 3]}}
"""


def test_robot_action_changes_what_the_arm_gets(
    graph: Any, config_file: Callable[[str], Path], my_steps: Path
) -> None:
    states = graph.listen(JointState, 'leader/joint_states')
    sent = graph.listen(JointState, 'joint_commands_sent')
    path = str(config_file(FOLLOWED % my_steps))
    overrides = [Parameter('config_file', value=path)]
    graph.add(ArmNode(parameter_overrides=overrides)).autostart()
    leader = graph.add(
        TeleopNode(
            parameter_overrides=overrides,
            cli_args=['--ros-args', '-r', 'joint_states:=leader/joint_states'],
        )
    )
    leader.autostart()
    graph.until(lambda: len(states) > 50 and len(sent) > 50)
    wrist, pan = JOINT_NAMES.index('wrist_roll'), JOINT_NAMES.index('shoulder_pan')
    got = [list(command.position) for command in sent[-20:]]
    assert {round(math.degrees(position[wrist])) for position in got} == {30}
    assert max(abs(math.degrees(position[pan])) for position in got) < 3.5
    asked = [math.degrees(state.position[wrist]) for state in states]
    assert max(abs(angle - 30) for angle in asked) > 5, 'the operator held the wrist there himself'


def test_a_step_that_fails_gives_no_command(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    steps = tmp_path / 'failing_steps.py'
    steps.write_text(FAILS)
    states = graph.listen(JointState, 'joint_states')
    commands = graph.listen(JointState, 'joint_commands')
    text = f'{CONFIG}\nprocessor: {{robot_action: [{{type: "{steps}:Fails"}}]}}'
    overrides = [Parameter('config_file', value=str(config_file(text)))]
    graph.add(TeleopNode(parameter_overrides=overrides)).autostart()
    graph.until(lambda: len(states) > 20)
    assert commands == []


FAILS = """
from lerobot_drivers.processors import RobotActionProcessorStep

class Fails(RobotActionProcessorStep):
    def action(self, action):
        raise RuntimeError('no')
"""
