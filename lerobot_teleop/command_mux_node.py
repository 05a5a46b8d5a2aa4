"""The command mux as a node, in the robot's namespace.

Topics: each source's ``<source>/joint_commands`` in, ``joint_commands`` out within
the callback in which the command came, ``active_source`` (latched; empty when nobody
commands), ``/diagnostics``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare_config_file,
    joint_state,
    qos_commands,
    qos_states,
    qos_status,
    run_node,
    stamp_ns,
)

# isort: split
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.config import read_yaml
from lerobot_drivers.common.health import Health, Level
from lerobot_drivers.common.naming import (
    ACTIVE_SOURCE,
    JOINT_COMMANDS,
    JOINT_COMMANDS_SENT,
    JOINT_STATES,
)
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots import make_robot, robot_config
from lerobot_teleop.command_mux import CommandMux
from lerobot_teleop.config import mux_config

_WATCH_S = 0.05


class CommandMuxNode(AutostartLifecycleNode):
    """Activate lets commands through."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('command_mux', **kwargs)
        path = declare_config_file(self)
        self._config = mux_config(path)
        self._mux = CommandMux(self._config.for_mux(), _joints(path))
        self._time = SystemClock()
        self._reported: str | None = None
        self._passed = 0
        self._window_passed = 0
        self._entities: list = []
        self._pose = None

    def do_configure(self) -> None:
        """Open the topics."""
        self._commands = self.create_publisher(JointState, JOINT_COMMANDS, qos_states())
        self._active_source = self.create_publisher(String, ACTIVE_SOURCE, qos_status())
        self._entities = [
            self.create_subscription(
                JointState, topic, partial(self._on_command, source), qos_commands()
            )
            for source, topic in self._config.topics().items()
        ]
        self._entities.append(
            self.create_subscription(JointState, JOINT_COMMANDS_SENT, self._on_sent, qos_states())
        )
        self._want_pose(True)
        self._diagnostics = DiagnosticsPublisher(self, 'sources', self._health)
        self._report('')

    def do_activate(self) -> None:
        """Watch for sources that fall silent."""
        self._timer = self.create_timer(_WATCH_S, self._watch)

    def do_deactivate(self) -> None:
        """Let nothing through; the arm holds."""
        self.destroy_timer(self._timer)
        self._report('')

    def do_cleanup(self) -> None:
        """Leave the topics."""
        self._diagnostics.destroy()
        self._want_pose(False)
        for entity in self._entities:
            self.destroy_subscription(entity)
        self.destroy_publisher(self._active_source)
        self.destroy_publisher(self._commands)

    def _on_command(self, source: str, message: JointState) -> None:
        if not self.active:
            return
        wanted = _positions(message)
        output = self._mux.on_command(source, wanted, self._time.monotonic_ns())
        if output is not None:
            stamp = stamp_ns(message.header.stamp)
            self._commands.publish(joint_state(stamp, list(output), list(output.values())))
            self._passed += 1
            self._window_passed += 1
        self._want_pose((output is None and not self._passed) or bool(self._mux.waiting))
        self._watch()

    def _on_states(self, message: JointState) -> None:
        self._mux.on_measured(_positions(message))

    def _on_sent(self, message: JointState) -> None:
        held = _positions(message)
        self._mux.on_sent(held, self._time.monotonic_ns())

    def _want_pose(self, wanted: bool) -> None:
        """Hear joint_states only until the goals are known: they come at a high rate."""
        if wanted and self._pose is None:
            self._pose = self.create_subscription(
                JointState, JOINT_STATES, self._on_states, qos_states()
            )
        elif not wanted and self._pose is not None:
            self.destroy_subscription(self._pose)
            self._pose = None

    def _watch(self) -> None:
        self._report(self._mux.active(self._time.monotonic_ns()) or '')

    def _report(self, active: str) -> None:
        if active != self._reported:
            self._reported = active
            self._active_source.publish(String(data=active))

    def _health(self) -> Health:
        passed, self._window_passed = self._window_passed, 0
        values = {
            'active source': self._reported or 'none',
            'commands per second': passed,
            'rejected commands': self._mux.rejected,
        }
        if self._mux.waiting:
            waiting = ', '.join(self._mux.waiting)
            return Health(Level.WARN, f'waits for joint_states of {waiting}', values)
        return Health(Level.OK, f'active source: {self._reported or "none"}', values)


def _positions(message: JointState) -> dict[str, float]:
    """Return positions by name; none from a message that is not in order."""
    if len(message.name) != len(message.position):
        return {}
    return dict(zip(message.name, message.position, strict=True))


def _joints(path: Path) -> tuple[JointSpec, ...]:
    """Return the limits of the robot in a file [rad or m]; none without one."""
    if 'robot' not in read_yaml(path):
        return ()
    # Limits on topics do not depend on the dataset's unit, which may need a calibration.
    return make_robot(replace(robot_config(path), use_degrees=True)).joints


def main() -> int:
    """Run the node; the entry point ``command_mux_node``."""
    return run_node(CommandMuxNode, is_control=True)


if __name__ == '__main__':
    sys.exit(main())
