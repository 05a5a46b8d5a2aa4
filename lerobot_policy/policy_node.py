"""A policy as a node: it sees the robot's topics and asks the command mux.

Topics: ``policy/joint_commands`` and, for a mobile base, ``policy/cmd_vel`` out, the
robot's own topics and the mux's
``active_source`` in, the latched ``policy/stage``, ``/diagnostics``.
"""

from __future__ import annotations

import sys
from typing import Any

# isort: split (ros before messages: it says in one line that rclpy is missing)
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare,
    declare_config_file,
    joint_state,
    now_ns,
    qos_commands,
    qos_status,
    run_node,
)

# isort: split
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.common.health import Health, Level
from lerobot_drivers.common.naming import ACTIVE_SOURCE, source_topic, velocity_topic
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.ros_base import VelocityPublisher
from lerobot_policy.config import PolicyConfig
from lerobot_policy.inference_loop import Command, InferenceLoop, Stage, policy_mapping
from lerobot_policy.policies import make_policy
from lerobot_policy.processors import make_policy_processors
from lerobot_recorder.live_view import LiveView
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.robot_mapping import robot_features
from lerobot_recorder.ros import TopicSubscriber
from lerobot_recorder.row_plan import RowPlan

REFRESH_S = 0.5
SOURCE = 'policy'
"""What the mux knows it as."""
STAGE = 'policy/stage'
THERE = {Stage.READY.value, Stage.RUNNING.value, Stage.ENDED.value}
"""Stages of a policy whose robot is, or was, where it begins."""


class PolicyNode(AutostartLifecycleNode):
    """Configure makes the policy, activate lets it command, each time from its beginning."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('policy', **kwargs)
        self._config_file = declare_config_file(self)
        self._exit_when_ended = declare(
            self, 'exit_when_ended', False, 'end the process when the policy has no more actions'
        )
        told = declare(
            self,
            'together_with',
            '',
            'namespaces of robots whose policies begin and end with this one',
        )
        self._others = dict.fromkeys((name for name in told.split(',') if name), '')
        self._subscribers: list[TopicSubscriber] = []
        self._entities: list = []
        self._tickers: list = []

    def do_configure(self) -> None:
        """Make the policy and open the topics."""
        sections = read_yaml(self._config_file)
        robot = build(RobotConfig, sections.get('robot') or {}, 'robot')
        self._config = build(PolicyConfig, sections.get('policy') or {}, 'policy')
        made = make_robot(robot)
        self._joints = made.elements
        self._policy = make_policy(self._config, self._joints)
        self._fps = self._config.fps or self._policy.fps
        features = robot_features(robot, self.get_namespace())
        self._processors = make_policy_processors(
            self._policy, self._joints, self._config, processor_config(sections)
        )
        needs_all = self._processors.needs_all
        self._mapping = policy_mapping(self._policy, features, self._fps, needs_all)
        topics = self._mapping.topics()
        self._subscribers = [TopicSubscriber(self, topic, self._on_message) for topic in topics]
        self._commands = self.create_publisher(JointState, source_topic(SOURCE), qos_commands())
        drives = made.base is not None
        self._base = VelocityPublisher(self, velocity_topic(SOURCE)) if drives else None
        self._stage = self.create_publisher(String, STAGE, qos_status())
        self._active_source = ''
        self._entities = [
            self.create_subscription(String, ACTIVE_SOURCE, self._on_source, qos_status()),
            *(self._stage_of(name) for name in self._others),
        ]
        self._diagnostics = DiagnosticsPublisher(self, 'policy', self._health)

    def do_activate(self) -> None:
        """Observe and command at the policy's rate, from the policy's beginning."""
        self._view = LiveView(RowPlan(self._mapping))
        self._loop = InferenceLoop(
            self._policy, self._view, self._config, self._joints, self._processors
        )
        self._told: Stage | None = None
        self._refresh()
        self._tickers = [
            self.create_timer(REFRESH_S, self._refresh),
            self.create_timer(1.0 / self._fps, self._on_timer),
        ]

    def do_deactivate(self) -> None:
        """Command no more; the mux takes the silence as letting go."""
        self._drive(None)
        for timer in self._tickers:
            self.destroy_timer(timer)
        for subscriber in self._subscribers:
            subscriber.close()

    def do_cleanup(self) -> None:
        """Leave the topics."""
        if not self._entities:
            return
        self._diagnostics.destroy()
        for entity in self._entities:
            self.destroy_subscription(entity)
        self._entities = []
        self.destroy_publisher(self._stage)
        self.destroy_publisher(self._commands)
        if self._base is not None:
            self._base.destroy()

    def _on_message(self, raw: RawMessage) -> None:
        self._view.add(raw)

    def _on_source(self, message: String) -> None:
        self._active_source = message.data

    def _stage_of(self, namespace: str) -> Any:
        """Subscribe to the stage of another policy."""

        def note(message: String) -> None:
            self._others[namespace] = message.data

        return self.create_subscription(String, f'{namespace}/{STAGE}', note, qos_status())

    def _refresh(self) -> None:
        for subscriber in self._subscribers:
            subscriber.refresh()

    def _on_timer(self) -> None:
        for subscriber in self._subscribers:
            subscriber.drain()
        stamp_ns = now_ns(self)
        self._loop.must_wait = not set(self._others.values()) <= THERE
        command = self._loop.step(stamp_ns, self._active_source in ('', SOURCE))
        if command is not None:
            self._commands.publish(joint_state(stamp_ns, command.names, command.positions))
        self._drive(command)
        if self._loop.stage is not self._told:
            self._told = self._loop.stage
            self._stage.publish(String(data=self._told.value))
        if self._told is Stage.ENDED and self._exit_when_ended and self._others_have_ended:
            self.request_exit()

    @property
    def _others_have_ended(self) -> bool:
        return set(self._others.values()) <= {Stage.ENDED.value}

    def _drive(self, command: Command | None) -> None:
        if self._base is not None:
            self._base.publish(None if command is None else command.velocity)

    def _health(self) -> Health:
        loop = self._loop
        values = {'stage': loop.stage.value, 'ticks held': loop.held}
        if loop.is_holding:
            topics = ', '.join(self._mapping.topics())
            return Health(Level.WARN, f'holds: nothing fresh on all of {topics}', values)
        return Health(Level.OK, loop.stage.value, values)


def main() -> int:
    """Run the node; the entry point ``policy_node``."""
    return run_node(PolicyNode)


if __name__ == '__main__':
    sys.exit(main())
