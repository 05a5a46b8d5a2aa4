"""The recorder on ``/diagnostics``: a status per stream and one for the session, in one array."""

from __future__ import annotations

from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from lerobot_drivers.common.naming import DIAGNOSTICS
from lerobot_drivers.ros_diagnostics import diagnostic_status
from lerobot_recorder.disk_room import DiskRoom, free_bytes, needed_per_s
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.session_health import session_health

PERIOD_S = 1.0
SESSION = 'session'


class RecorderDiagnostics:
    """Publishes how a recorder is; call ``publish`` once a second.

    Args:
        node: the recorder's node.
        folder: where the dataset lies.
        plan: what is recorded.
    """

    def __init__(self, node: Node, folder: Path, plan: RowPlan) -> None:
        self._node = node
        self._folder = folder
        self._plan = plan
        self._publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS, 10)

    def publish(self, recorder: Recorder) -> None:
        """Look at the recorder and tell how it is."""
        states = recorder.look()
        health = session_health(recorder.status(), recorder.behind(), self._room())
        statuses = [diagnostic_status(self._node, SESSION, health, str(self._folder))]
        statuses += [
            diagnostic_status(self._node, state.line.name, state.health, state.feature)
            for state in states
        ]
        array = DiagnosticArray(status=statuses)
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _room(self) -> DiskRoom | None:
        if not self._plan.is_learned:
            return None
        try:
            free = free_bytes(self._folder)
        except OSError:
            return None
        return DiskRoom(free, needed_per_s(self._plan.features(), self._plan.mapping.fps))
