"""The policy node: it commands on fresh observations, yields to others and begins anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from lerobot_drivers import ros
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.policy_node import PolicyNode
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter

pytestmark = pytest.mark.ros

ROBOT = "robot: {type: so101_follower, port: 'sim://policy/follower'}\n"
SCRIPTED = ROBOT + 'policy: {type: scripted, fps: 50, max_age_s: 0.3}\n'
JOINTS = make_robot(RobotConfig(type='so101_follower', port='x')).joints
NAMES = [joint.name for joint in JOINTS]


class Bench:
    """The node, and a robot that obeys it at once while it talks."""

    def __init__(self, graph: Any, path: Path, **parameters: Any) -> None:
        self.graph = graph
        self.talks, self.obeys = True, True
        self.pose = [0.1] * 6
        self.commands = graph.listen(JointState, 'policy/joint_commands')
        self.stages = graph.listen(String, 'policy/stage', ros.qos_status())
        self.states = graph.peer.create_publisher(JointState, 'joint_states', 10)
        self.source = graph.peer.create_publisher(String, 'active_source', ros.qos_status())
        graph.peer.create_timer(0.01, self._talk)
        overrides = [Parameter('config_file', value=str(path))]
        overrides += [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = graph.add(PolicyNode(parameter_overrides=overrides))
        self.node.autostart()

    def _talk(self) -> None:
        if self.obeys and self.commands:
            self.pose = list(self.commands[-1].position)
        if self.talks:
            self.states.publish(ros.joint_state(ros.now_ns(self.graph.peer), NAMES, self.pose))

    def until_stage(self, stage: str) -> None:
        self.graph.until(lambda: self.stages and self.stages[-1].data == stage)

    def more_commands(self, count: int = 5) -> list[Any]:
        before = len(self.commands)
        self.graph.until(lambda: len(self.commands) >= before + count)
        return self.commands[before:]


def recorded(root: Path, actions: list[list[float]]) -> Path:
    names = [f'{name}.pos' for name in NAMES]
    feature = {'dtype': 'float32', 'shape': [6], 'names': names}
    with DatasetWriter.create(root, DatasetInfo(50, {'action': feature})) as writer:
        for action in actions:
            writer.add_frame({'action': np.array(action, np.float32)}, {}, 'wave')
        writer.save_episode()
    return root


def test_it_commands_from_where_the_robot_is(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    bench = Bench(graph, config_file(SCRIPTED))
    bench.until_stage('running')
    command = graph.until(lambda: bench.commands)[0]
    assert list(command.name) == NAMES
    assert list(command.position) == pytest.approx([0.1] * 6, abs=1e-3)
    sent = np.array([list(command.position) for command in bench.more_commands(50)])
    assert np.ptp(sent, axis=0).max() > 0.01
    assert np.abs(np.diff(sent, axis=0)).max() < 0.1


def test_without_fresh_joint_states_it_is_silent_and_says_so(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    health = graph.listen(DiagnosticArray, '/diagnostics')
    bench = Bench(graph, config_file(SCRIPTED))
    bench.more_commands()
    bench.talks = False
    graph.spin(0.5)
    before = len(bench.commands)
    graph.until(lambda: any('holds: nothing fresh' in h.status[0].message for h in health))
    assert len(bench.commands) == before
    bench.talks = True
    bench.more_commands()


def test_an_old_stamp_is_not_fresh_however_late_it_comes(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    bench = Bench(graph, config_file(SCRIPTED))
    bench.talks = False
    for _ in range(50):
        old = ros.now_ns(graph.peer) - 2 * 10**9
        bench.states.publish(ros.joint_state(old, NAMES, [0.1] * 6))
        graph.spin(0.02)
    assert bench.commands == []


def test_a_replay_comes_to_its_beginning_slowly_and_ends_the_process(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    root = recorded(tmp_path / 'set', [[40.0 + k] * 5 + [20.0] for k in range(20)])
    text = f'{ROBOT}policy: {{type: replay, path: {root}}}\n'
    bench = Bench(graph, config_file(text), exit_when_ended=True)
    bench.until_stage('ended')
    sent = np.array([list(command.position) for command in bench.commands])
    first = int(np.flatnonzero(np.isclose(sent[:, 0], math.radians(40), atol=1e-3))[0])
    assert first > 15, 'the robot jumped to the first action'
    assert sent[0] == pytest.approx([0.1] * 6, abs=0.1)
    assert np.abs(np.diff(sent[:, :5], axis=0)).max() < 0.1
    assert sent[-1, 0] == pytest.approx(math.radians(59), abs=math.radians(1.5))
    assert [stage.data for stage in bench.stages][-2:] == ['running', 'ended']
    assert bench.node.exit_code == 0


def test_while_another_commands_it_waits_at_its_beginning(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    root = recorded(tmp_path / 'set', [[5.0] * 6] * 100)
    bench = Bench(graph, config_file(f'{ROBOT}policy: {{type: replay, path: {root}}}\n'))
    bench.source.publish(String(data='teleop'))
    graph.until(lambda: bench.node._active_source == 'teleop')
    bench.obeys, bench.pose = False, [0.5] * 6
    graph.spin(0.3)
    for command in bench.more_commands(20):
        assert list(command.position) == pytest.approx([0.5] * 6, abs=1e-3)
    bench.source.publish(String(data='policy'))
    bench.obeys = True
    bench.until_stage('running')


def test_activated_again_it_begins_anew(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    root = recorded(tmp_path / 'set', [[6.0 + k] * 6 for k in range(40)])
    bench = Bench(graph, config_file(f'{ROBOT}policy: {{type: replay, path: {root}}}\n'))
    bench.until_stage('running')
    graph.until(lambda: bench.commands[-1].position[0] > math.radians(20))
    bench.node.trigger_deactivate()
    graph.spin(0.2)
    silent = len(bench.commands)
    graph.spin(0.3)
    assert len(bench.commands) == silent, 'inactive, and commands'
    bench.node.trigger_cleanup()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    again = bench.more_commands(3)
    assert again[0].position[0] == pytest.approx(bench.commands[silent - 1].position[0], abs=0.05)
    bench.until_stage('ended')
    assert min(command.position[0] for command in bench.commands[silent:]) < math.radians(8)
    assert graph.peer.count_publishers('policy/joint_commands') == 1


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        (ROBOT + 'policy: {type: gpt}', "unknown policy type 'gpt'"),
        (ROBOT, 'policy.type is missing'),
        (ROBOT + 'policy: {type: replay}', r'policy\.path is missing'),
        ('policy: {type: scripted}', 'robot.type is missing'),
    ],
)
def test_what_cannot_be_obeyed_is_told(
    graph: Any, config_file: Callable[[str], Path], text: str, told: str
) -> None:
    node = graph.add(PolicyNode(parameter_overrides=[
        Parameter('config_file', value=str(config_file(text)))]))  # fmt: skip
    with pytest.raises(ConfigError, match=told):
        node.autostart()


def test_it_begins_and_ends_with_the_policies_of_other_robots(
    graph: Any, config_file: Callable[[str], Path], tmp_path: Path
) -> None:
    root = recorded(tmp_path / 'set', [[8.0] * 6] * 10)
    config = ROBOT + f'policy: {{type: replay, path: {root}}}\n'
    bench = Bench(graph, config_file(config), together_with='/hand', exit_when_ended=True)
    other = graph.peer.create_publisher(String, '/hand/policy/stage', ros.qos_status())
    other.publish(String(data='approaching'))
    bench.until_stage('ready')
    bench.more_commands()
    assert bench.stages[-1].data == 'ready'
    other.publish(String(data='ready'))
    bench.until_stage('ended')
    graph.spin(0.1)
    assert bench.node.exit_code is None
    other.publish(String(data='ended'))
    graph.until(lambda: bench.node.exit_code == 0)
