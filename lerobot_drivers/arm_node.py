"""A follower arm as a node: joint states out, joint commands in, written on arrival.

Topics: ``joint_states`` (stamped in the middle of the bus transaction),
``joint_commands``, ``joint_commands_sent`` (the goals in force after all limits),
``/diagnostics``; for a mobile base ``cmd_vel``, ``cmd_vel_sent``, ``odom``. Silence is
no fault: the arm holds its last goal, a base stands still.
"""

from __future__ import annotations

import sys
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare,
    declare_config_file,
    joint_state,
    now_ns,
    qos_commands,
    qos_states,
    run_node,
    stamp_ns,
)

# isort: split
from sensor_msgs.msg import JointState

from lerobot_drivers.command_gate import CommandGate
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.health import Health
from lerobot_drivers.common.naming import JOINT_COMMANDS, JOINT_COMMANDS_SENT, JOINT_STATES
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import make_robot, robot_config
from lerobot_drivers.ros_base import make_base_topics

_COMMAND_DEPTH = 4
"""Room for partial commands that come together, none for a backlog."""


class ArmNode(AutostartLifecycleNode):
    """Configure connects (the arm holds its pose), activate streams and obeys.

    One thread does all, so a command waits for one bus transaction at most.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('arm', **kwargs)
        self._config = robot_config(declare_config_file(self))
        self._max_age_s = declare(
            self,
            'command_max_age_s',
            0.5,
            'commands whose stamp is older are refused [s]; a zero stamp is accepted',
            bounds=(0.001, 3600.0),
        )
        self._time = SystemClock()
        self._driver = ArmDriver(
            make_robot(self._config), self._config.rate_hz, self._time, self._warn
        )
        self._names: list[str] = []

    def do_configure(self) -> None:
        """Connect, and open the topics."""
        self._driver.connect()
        self._names = [joint.name for joint in self._driver.robot.joints]
        self._gate = CommandGate(self._names, self._max_age_s, self._warn)
        self._states = self.create_publisher(JointState, JOINT_STATES, qos_states())
        self._sent = self.create_publisher(JointState, JOINT_COMMANDS_SENT, qos_states())
        self._commands = self.create_subscription(
            JointState, JOINT_COMMANDS, self._on_command, qos_commands(_COMMAND_DEPTH)
        )
        self._base = make_base_topics(self, self._driver, self._config.base, self._warn)
        self._diagnostics = DiagnosticsPublisher(
            self, 'bus', self._health, hardware_id=str(self._config.port)
        )

    def do_activate(self) -> None:
        """Read at ``robot.rate_hz``."""
        self._timer = self.create_timer(1.0 / self._config.rate_hz, self._on_timer)

    def do_deactivate(self) -> None:
        """Read no more and obey no more; the arm holds, a base stands still."""
        self.destroy_timer(self._timer)
        self._driver.halt_base()

    def do_cleanup(self) -> None:
        """Leave the topics and disconnect."""
        if self._names:
            self._diagnostics.destroy()
            if self._base is not None:
                self._base.destroy()
            self.destroy_subscription(self._commands)
            self.destroy_publisher(self._sent)
            self.destroy_publisher(self._states)
            self._names = []
        self._driver.disconnect()

    def _on_timer(self) -> None:
        reading = self._driver.step()
        if reading is not None:
            rest = {'velocity': reading.velocity, 'effort': reading.effort}
            message = joint_state(reading.stamp_ns, self._names, reading.position, **rest)
            self._states.publish(message)
        if self._driver.seeded:
            self._driver.seeded = False
            self._publish_goal()
        if self._base is not None:
            self._base.publish(reading is not None, self._driver.drive())

    def _on_command(self, message: JointState) -> None:
        if not self.active:
            return
        stamp = stamp_ns(message.header.stamp)
        goal = self._gate.take(message.name, message.position, stamp, now_ns(self))
        if goal is not None and self._driver.write(goal):
            self._publish_goal()

    def _publish_goal(self) -> None:
        self._sent.publish(joint_state(self._time.now_ns(), self._names, self._driver.goal))

    def _health(self) -> Health:
        return self._driver.health(
            {f'commands refused, {kind}': count for kind, count in self._gate.refused.items()}
        )

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text)


def main() -> int:
    """Run the node; the entry point ``arm_node``."""
    return run_node(ArmNode, is_control=True)


if __name__ == '__main__':
    sys.exit(main())
