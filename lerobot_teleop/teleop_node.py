"""A leader arm as a node: where the operator holds it, and the command that follows from it.

Topics: ``joint_states`` in the leader's own namespace, ``joint_commands`` (remap it
to the robot's ``teleop/joint_commands``), both stamped with the leader's reading,
and ``/diagnostics``. Services: ``calibrate/start`` and others.
"""

from __future__ import annotations

import sys
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare_config_file,
    joint_state,
    qos_states,
    run_node,
)

# isort: split
from sensor_msgs.msg import JointState

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.config import read_yaml
from lerobot_drivers.common.errors import ProcessorError
from lerobot_drivers.common.naming import JOINT_COMMANDS, JOINT_STATES
from lerobot_drivers.joint_device import DeviceReader
from lerobot_drivers.robots.robot import JointReading
from lerobot_drivers.ros_calibration import CalibrationServices
from lerobot_drivers.ros_joints import JointStream
from lerobot_teleop.operator_commands import operator_commands, robot_names
from lerobot_teleop.teleoperators import make_teleoperator_from_config

REMIND_S = 5.0
"""How often it is told that a step fails again and again [s]."""


class TeleopNode(AutostartLifecycleNode):
    """Configure connects (the leader stays limp), activate commands."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('teleop', **kwargs)
        self._config_file = declare_config_file(self)
        self._leader = make_teleoperator_from_config(self._config_file)
        rate_hz = self._leader.config.rate_hz
        self._reader = DeviceReader(self._leader, rate_hz, SystemClock(), self._warn)
        self._calibration = CalibrationServices(
            self, self._leader, self._before_calibration, self._after_calibration
        )
        self._names: list[str] = []

    def do_configure(self) -> None:
        """Connect, and open the topics."""
        self._reader.connect()
        self._processor = operator_commands(self._config_file, self._leader)
        self._names = [joint.name for joint in self._leader.joints]
        self._robot_names = robot_names(read_yaml(self._config_file), self._leader)
        self._states = JointStream(self, JOINT_STATES, self._names)
        self._commands = self.create_publisher(JointState, JOINT_COMMANDS, qos_states())
        self._diagnostics = DiagnosticsPublisher(
            self, 'leader', self._reader.health, hardware_id=self._leader.hardware_id
        )

    def do_activate(self) -> None:
        """Read and command at ``teleop.rate_hz``."""
        self._timer = self.create_timer(1.0 / self._leader.config.rate_hz, self._on_timer)

    def do_deactivate(self) -> None:
        """Command no more; the mux takes the silence as letting go."""
        self.destroy_timer(self._timer)

    def do_cleanup(self) -> None:
        """Leave the topics and disconnect."""
        if self._names:
            self._diagnostics.destroy()
            self.destroy_publisher(self._commands)
            self._states.destroy()
            self._names = []
        self._reader.disconnect()

    def wind_down(self) -> None:
        """End a calibration that is under way, then all else; see ``AutostartLifecycleNode``."""
        self._calibration.close()
        super().wind_down()

    def _before_calibration(self) -> None:
        if self._names:
            self._reader.suspend()

    def _after_calibration(self) -> None:
        if self._names:
            self._reader.restart()

    def _on_timer(self) -> None:
        reading = self._reader.step()
        if reading is None:
            return
        self._command(reading)
        rest = {'velocity': reading.velocity, 'effort': reading.effort}
        self._states.publish(reading.stamp_ns, reading.position, **rest)

    def _command(self, reading: JointReading) -> None:
        """Command what the operator asks for; nothing where a step on it fails."""
        try:
            names, positions = self._processor.command(self._robot_names, reading.position)
        except ProcessorError as error:
            self.get_logger().error(f'no command: {error}', throttle_duration_sec=REMIND_S)
        else:
            self._commands.publish(joint_state(reading.stamp_ns, names, positions))

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text)


def main() -> int:
    """Run the node; the entry point ``teleop_node``."""
    return run_node(TeleopNode, is_control=True)


if __name__ == '__main__':
    sys.exit(main())
