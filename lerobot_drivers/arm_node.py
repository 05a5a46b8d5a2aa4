"""A follower arm as a node: joint states out, joint commands in, written on arrival.

Topics: ``joint_states`` (stamped in the middle of the bus transaction),
``joint_commands``, ``joint_commands_sent`` (the goals in force after all limits),
``arm_mode`` and ``robot_description`` (latched), ``/diagnostics``; for a mobile base
``cmd_vel``, ``cmd_vel_sent``, ``odom``. Services: ``set_torque``, ``home``, ``stop``,
``emergency_stop``, ``resume``, ``calibrate/start`` and others. Silence is no fault: the arm holds
its last goal, a base stands still.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare,
    declare_config_file,
    now_ns,
    qos_commands,
    run_node,
    stamp_ns,
)

# isort: split
from sensor_msgs.msg import JointState

from lerobot_drivers.arm_control import ArmControl
from lerobot_drivers.arm_modes import Mode
from lerobot_drivers.command_gate import CommandGate
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.health import Health
from lerobot_drivers.common.naming import JOINT_COMMANDS, JOINT_COMMANDS_SENT, JOINT_STATES
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import make_robot, robot_config
from lerobot_drivers.ros_arm_services import ArmServices
from lerobot_drivers.ros_base import make_base_topics
from lerobot_drivers.ros_calibration import CalibrationServices
from lerobot_drivers.ros_description import RobotDescription
from lerobot_drivers.ros_joints import JointStream
from lerobot_drivers.setup_tools.calibration_session import told
from lerobot_drivers.wheel_guard import guarded_wheels

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
        robot = make_robot(self._config)
        self._driver = ArmDriver(robot, robot.rate_hz, self._time, self._warn)
        self._description = RobotDescription(self, self._config)
        self._operation = ArmServices(self)
        self._control = ArmControl(
            self._driver, self._config.emergency_stop, self._time, self._operation.tell
        )
        self._calibration = CalibrationServices(
            self, self._driver.robot, self._before_calibration, self._after_calibration,
            lambda: not self._names or self._control.state.mode is Mode.CALIBRATING,
        )  # fmt: skip
        self._names: list[str] = []
        self._open = ExitStack()
        """What is to be undone, the last first; one that fails does not keep the others."""

    def do_configure(self) -> None:
        """Connect, and open the topics and services."""
        self._open.enter_context(guarded_wheels(self._driver.robot))
        self._open.callback(self._driver.disconnect)
        self._control.connect()
        self._open_topics(self._open.callback)

    def do_activate(self) -> None:
        """Read at ``robot.rate_hz``, and obey."""
        self._control.begin()
        self._timer = self.create_timer(1.0 / self._driver.robot.rate_hz, self._on_timer)

    def do_deactivate(self) -> None:
        """Read no more and obey no more; the arm holds, a base stands still."""
        self.destroy_timer(self._timer)
        self._control.interrupt()
        self._driver.halt_base()

    def do_cleanup(self) -> None:
        """Leave the topics and services, and disconnect."""
        self._open.close()

    def wind_down(self) -> None:
        """End a calibration that is under way, then all else; see ``AutostartLifecycleNode``."""
        self._calibration.close()
        super().wind_down()

    def _open_topics(self, undo: Callable[..., object]) -> None:
        self._names = [joint.name for joint in self._driver.robot.joints]
        undo(setattr, self, '_names', [])
        self._gate = CommandGate(self._names, self._max_age_s, self._warn)
        self._states = JointStream(self, JOINT_STATES, self._names)
        undo(self._states.destroy)
        self._sent = JointStream(self, JOINT_COMMANDS_SENT, self._names)
        undo(self._sent.destroy)
        commands = self.create_subscription(
            JointState, JOINT_COMMANDS, self._on_command, qos_commands(_COMMAND_DEPTH)
        )
        undo(self.destroy_subscription, commands)
        self._base = make_base_topics(self, self._driver, self._config.base, self._warn)
        if self._base is not None:
            undo(self._base.destroy)
        self._description.open(self._names)
        undo(self._description.close)
        self._operation.open(self._control)
        undo(self._operation.close)
        diagnostics = DiagnosticsPublisher(
            self, 'bus', self._health, hardware_id=self._driver.robot.hardware_id
        )
        undo(diagnostics.destroy)

    def _before_calibration(self) -> None:
        if self._names:
            self._control.begin_calibration()

    def _after_calibration(self) -> None:
        if self._names:
            self._control.end_calibration()

    def _on_timer(self) -> None:
        reading = self._control.step()
        if reading is not None:
            rest = {'velocity': reading.velocity, 'effort': reading.effort}
            self._states.publish(reading.stamp_ns, reading.position, **rest)
        self._publish_goal()
        if self._base is not None:
            self._base.publish(reading is not None, self._control.drive())

    def _on_command(self, message: JointState) -> None:
        if not self.active:
            return
        state, now = self._control.state, now_ns(self)
        if state.refusal:
            self._gate.refuse(state.mode.value, state.refusal, now)
            return
        stamp = stamp_ns(message.header.stamp)
        goal = self._gate.take(message.name, message.position, stamp, now)
        if goal is not None:
            self._control.command(goal)
            self._publish_goal()

    def _publish_goal(self) -> None:
        if self._control.has_news:
            self._control.has_news = False
            self._sent.publish(self._time.now_ns(), self._driver.goal)

    def _health(self) -> Health:
        refused = self._gate.refused.items()
        counts = {f'commands refused, {kind}': count for kind, count in refused}
        ranges = self._calibration.session.ranges
        counts |= {f'{name}.range': told({name: found}) for name, found in ranges.items()}
        return self._control.health(self._driver.health(counts))

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text)


def main() -> int:
    """Run the node; the entry point ``arm_node``."""
    return run_node(ArmNode, is_control=True)


if __name__ == '__main__':
    sys.exit(main())
