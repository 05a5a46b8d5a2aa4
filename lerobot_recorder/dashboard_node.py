"""The dashboard as a node: hears a session, shows it to browsers, carries back what they say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import LerobotRosError, StreamError
from lerobot_drivers.common.naming import DIAGNOSTICS, IMAGES_PREFIX
from lerobot_drivers.common.processes import RECEIVER_PROFILE
from lerobot_drivers.ros import AutostartLifecycleNode, declare, run_node
from lerobot_recorder.dashboard.access import Access
from lerobot_recorder.dashboard.board import Board
from lerobot_recorder.dashboard.config import dashboard_config, require_aiohttp
from lerobot_recorder.dashboard.library import Library
from lerobot_recorder.dashboard.previews import Previews
from lerobot_recorder.guess import guess_cameras
from lerobot_recorder.mapping import is_image_feature
from lerobot_recorder.ros import graph_topics
from lerobot_recorder.ros_camera_tap import CameraTap, cheapest_topic
from lerobot_recorder.ros_recorder_link import RecorderLink
from lerobot_recorder.session_file import load_record_config

PICTURE_S = 0.2
"""Between two pictures of a camera that are shown [s]."""
LOOK_S = 1.0
"""Between two looks at the graph [s]."""


class DashboardNode(AutostartLifecycleNode):
    """Hears pictures and diagnostics only while a browser looks; needs no recorder to start."""

    def __init__(self) -> None:
        super().__init__('dashboard')
        self._config_file = declare(
            self, 'config_file', '', "the session's file; by default the graph tells the cameras"
        )
        self._recorder = declare(
            self, 'recorder', '', 'namespace of the recorder; by default the one that is found'
        )
        section = {
            'host': declare(self, 'host', '127.0.0.1', 'where to listen'),
            'port': declare(self, 'port', 8000, 'where to listen'),
            'certificate': declare(self, 'certificate', '', 'PEM file for TLS') or None,
            'key': declare(self, 'key', '', 'PEM file for TLS') or None,
        }
        self._settings = dashboard_config(section)
        clock = SystemClock()
        self._board, self._previews, self._library = Board(clock), Previews(clock), Library()
        self._taps: dict[str, CameraTap] = {}
        self._camera_topics: dict[str, str] = {}
        self._diagnostics: Any = None
        self._server: Any = None

    def do_configure(self) -> None:
        """Look for the recorder."""
        require_aiohttp()
        self._link = RecorderLink(self, self._board, self._recorder)

    def do_activate(self) -> None:
        """Listen for browsers."""
        from lerobot_recorder.dashboard.app import Dashboard  # only now: they need an extra
        from lerobot_recorder.dashboard.server import Server

        dashboard = Dashboard(self._board, self._previews, self._library, self._link)
        access = Access(self._settings)
        self._server = Server(self._settings, lambda: dashboard.application(access))
        self._server.start()
        self.get_logger().info(f'dashboard: {self._settings.url}')
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._ticks = [
            self.create_timer(LOOK_S, self._look, clock=clock),
            self.create_timer(PICTURE_S, self._take_pictures, clock=clock),
        ]

    def do_deactivate(self) -> None:
        """Let go of browsers and cameras."""
        for timer in self._ticks:
            self.destroy_timer(timer)
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._keep_taps(set())

    def _look(self) -> None:
        self._link.look()
        self._hear_diagnostics(self._board.watchers > 0)
        if self._board.watchers:
            self._camera_topics = self._cameras()
            self._board.cameras = tuple(self._camera_topics)

    def _cameras(self) -> dict[str, str]:
        """Return camera -> topic: those of the session, else those of the graph."""
        topics = graph_topics(self)
        if not self._config_file:
            return guess_cameras(topics)
        try:
            config = load_record_config(Path(self._config_file))
            namespace = self._recorder or self.get_namespace()
            features = config.mapping(namespace, topics).features
        except LerobotRosError:  # its topics are not there yet, or the recorder tells why
            return guess_cameras(topics)
        return {
            key.removeprefix(IMAGES_PREFIX): feature.sources[0].topic
            for key, feature in features.items()
            if is_image_feature(key)
        }

    def _take_pictures(self) -> None:
        wanted = self._previews.wanted() & set(self._camera_topics)
        self._keep_taps(wanted)
        for camera in wanted - set(self._taps):
            self._open_tap(camera)
        for camera, tap in self._taps.items():
            raw = tap.take()
            if raw is not None:
                self._previews.put(camera, raw)

    def _keep_taps(self, wanted: set[str]) -> None:
        for camera in set(self._taps) - wanted:
            self._taps.pop(camera).close()
            self._previews.drop(camera)

    def _open_tap(self, camera: str) -> None:
        topics = graph_topics(self)
        topic = cheapest_topic(self, self._camera_topics[camera], topics)
        if topic not in topics:
            return
        try:
            self._taps[camera] = CameraTap(self, topic, topics[topic])
        except StreamError as error:
            self.get_logger().warning(str(error), once=True)

    def _hear_diagnostics(self, wanted: bool) -> None:
        if wanted and self._diagnostics is None:
            self._diagnostics = self.create_subscription(
                DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, 10
            )
        elif not wanted and self._diagnostics is not None:
            self.destroy_subscription(self._diagnostics)
            self._diagnostics = None

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            self._board.hear(status.name, int(status.level[0]), status.message, values)


def main() -> int:
    """Run the dashboard node."""
    return run_node(DashboardNode, profile=RECEIVER_PROFILE)


if __name__ == '__main__':
    sys.exit(main())
