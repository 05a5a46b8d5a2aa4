"""A policy as a node: it sees the robot's topics and asks the command mux.

Topics: ``policy/joint_commands`` out, the robot's own topics in, and the latched
``policy/stage``.
"""

from __future__ import annotations

import sys

# isort: split (ros before messages: it says in one line that rclpy is missing)
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
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
from lerobot_drivers.common.naming import source_topic
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.config import PolicyConfig
from lerobot_policy.inference_loop import InferenceLoop, Stage
from lerobot_policy.policies import make_policy
from lerobot_recorder.live_view import LiveView
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.robot_mapping import robot_features
from lerobot_recorder.ros import TopicSubscriber
from lerobot_recorder.row_plan import RowPlan

REFRESH_S = 0.5


class PolicyNode(AutostartLifecycleNode):
    """Configure makes the policy, activate lets it command."""

    def __init__(self) -> None:
        super().__init__('policy')
        self._config_file = declare_config_file(self)
        self._exit_when_ended = declare(
            self, 'exit_when_ended', False, 'end the process when the policy has no more actions'
        )

    def do_configure(self) -> None:
        """Make the policy and its view of the world; open the topics."""
        sections = read_yaml(self._config_file)
        robot = build(RobotConfig, sections.get('robot') or {}, 'robot')
        config = build(PolicyConfig, sections.get('policy') or {}, 'policy')
        joints = make_robot(robot).joints
        policy = make_policy(config, joints)
        self._fps = config.fps or policy.fps
        features = robot_features(robot, self.get_namespace())
        wanted = {key: features[key] for key in policy.observation_keys}
        mapping = build_mapping({'features': wanted, 'fps': self._fps}, 'policy')
        self._view = LiveView(RowPlan(mapping))
        self._loop = InferenceLoop(policy, self._view, config, joints)
        self._subscribers = [TopicSubscriber(self, t, self._on_message) for t in mapping.topics()]
        self._commands = self.create_publisher(JointState, source_topic('policy'), qos_commands())
        self._stage = self.create_publisher(String, 'policy/stage', qos_status())
        self._told: Stage | None = None

    def do_activate(self) -> None:
        """Observe and command at the policy's rate."""
        self._refresh()
        self._tickers = [
            self.create_timer(REFRESH_S, self._refresh),
            self.create_timer(1.0 / self._fps, self._on_timer),
        ]

    def do_deactivate(self) -> None:
        """Command no more; the mux takes the silence as letting go."""
        for timer in self._tickers:
            self.destroy_timer(timer)

    def _on_message(self, raw: RawMessage) -> None:
        self._view.add(raw)

    def _refresh(self) -> None:
        for subscriber in self._subscribers:
            subscriber.refresh()

    def _on_timer(self) -> None:
        stamp_ns = now_ns(self)
        command = self._loop.step(stamp_ns)
        if command is not None:
            self._commands.publish(joint_state(stamp_ns, command.names, command.positions))
        if self._loop.stage is not self._told:
            self._told = self._loop.stage
            self._stage.publish(String(data=self._told.value))
            if self._told is Stage.ENDED and self._exit_when_ended:
                self.request_exit()


def main() -> int:
    """Run the node; the entry point ``policy_node``."""
    return run_node(PolicyNode)


if __name__ == '__main__':
    sys.exit(main())
