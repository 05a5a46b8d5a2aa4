"""The mux node: sources in, one command stream out, on arrival."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from lerobot_drivers import ros
from lerobot_teleop.command_mux_node import CommandMuxNode

pytestmark = pytest.mark.ros


class Bench:
    def __init__(self, graph: Any, path: Path) -> None:
        self.graph = graph
        self.commands = graph.listen(JointState, 'joint_commands')
        overrides = [Parameter('config_file', value=str(path))]
        self.node = graph.add(CommandMuxNode(parameter_overrides=overrides))
        self.node.autostart()
        self.teleop = graph.publisher(JointState, 'teleop/joint_commands')
        self.policy = graph.publisher(JointState, 'policy/joint_commands')
        graph.until(lambda: self.node.count_subscribers('joint_commands'))
        self.active = graph.listen(String, 'active_source', ros.qos_status())
        graph.until(lambda: self.active)

    def send(self, publisher: Any, positions: dict[str, float], stamp: int = 7) -> None:
        names, values = list(positions), list(positions.values())
        publisher.publish(ros.joint_state(stamp, names, values))

    def until_active(self, source: str) -> None:
        self.graph.until(lambda: self.active[-1].data == source)


def test_without_a_robot_commands_pass_unchanged_with_their_stamp(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    bench = Bench(graph, config_file('mux: {}'))
    assert bench.active[-1].data == ''
    bench.send(bench.policy, {'b': 9.0, 'a': -9.0}, stamp=123)
    (command,) = graph.until(lambda: bench.commands)
    assert (list(command.name), list(command.position)) == (['b', 'a'], [9.0, -9.0])
    assert ros.stamp_ns(command.header.stamp) == 123
    assert (list(command.velocity), list(command.effort)) == ([], [])
    bench.until_active('policy')
    bench.until_active('')


def test_teleop_overrides_policy_and_lets_go_by_silence(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    bench = Bench(graph, config_file('mux: {}'))
    bench.send(bench.policy, {'a': 1.0})
    bench.until_active('policy')
    bench.send(bench.teleop, {'a': 2.0})
    bench.until_active('teleop')
    bench.send(bench.policy, {'a': 3.0})
    bench.until_active('')
    bench.send(bench.policy, {'a': 4.0})
    bench.until_active('policy')
    graph.until(lambda: len(bench.commands) == 3)
    assert [command.position[0] for command in bench.commands] == [1.0, 2.0, 4.0]


def test_with_a_robot_commands_are_limited_and_start_at_the_measured_pose(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    text = "robot: {type: so101_follower, port: 'sim://mux/follower', use_degrees: false}"
    bench = Bench(graph, config_file(text))
    bench.send(bench.teleop, {'gripper': 99.0})
    bench.until_active('teleop')
    assert bench.commands == []
    states = graph.publisher(JointState, 'joint_states')
    bench.send(states, {'gripper': 1.7})
    graph.spin(0.05)

    def arrived() -> bool:
        bench.send(bench.teleop, {'gripper': 99.0})
        graph.spin(0.02)
        return bool(bench.commands) and bench.commands[-1].position[0] > 1.74

    graph.until(arrived)
    positions = [command.position[0] for command in bench.commands]
    assert positions[0] == pytest.approx(1.7, abs=0.08)
    assert positions == sorted(positions)
    assert positions[-1] == pytest.approx(1.74533)


def test_deactivated_it_lets_nothing_through(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    bench = Bench(graph, config_file('mux: {}'))
    bench.node.trigger_deactivate()
    bench.send(bench.teleop, {'a': 1.0})
    graph.spin(0.3)
    assert bench.commands == []
    bench.node.trigger_activate()
    bench.send(bench.teleop, {'a': 1.0})
    graph.until(lambda: bench.commands)
