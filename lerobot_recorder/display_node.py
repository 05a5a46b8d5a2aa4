"""The live view as a node: it hears what the recorder hears and shows it in rerun."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import AutostartLifecycleNode, declare_config_file, run_node

# isort: split
from lerobot_drivers.common.config import Section, read_yaml
from lerobot_drivers.common.display import DEFAULT_PORT, display_config
from lerobot_drivers.common.errors import GraphError, StreamError
from lerobot_drivers.common.processes import RECEIVER_PROFILE
from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.live_display import LiveDisplay, shown_mapping
from lerobot_recorder.mapping import MappingConfig
from lerobot_recorder.rerun_log import LOOPBACK, RerunLog, start_viewer
from lerobot_recorder.ros import TopicSubscriber, graph_topics

POLL_S = 0.03
REFRESH_S = 0.5
DEPTH = 20
"""Numbers that may wait: a view may miss some."""


class DisplayNode(AutostartLifecycleNode):
    """Starts a viewer, or connects to one, and shows the session's streams."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('display', **kwargs)
        self._sections: Section = read_yaml(declare_config_file(self))
        self._viewer: subprocess.Popen[bytes] | None = None
        self._mapping: MappingConfig | None = None
        self._subscribers: list[TopicSubscriber] = []

    def do_configure(self) -> None:
        """Open the view."""
        config = display_config(self._sections)
        self._log = RerunLog('lerobot_ros', config.display_compressed_images)
        ip, port = config.display_ip, config.display_port or DEFAULT_PORT
        if ip is None:
            ip, port = LOOPBACK, _free_port()
            self._viewer = start_viewer(['--port', str(port)])
        self._log.connect(ip, port)

    def do_activate(self) -> None:
        """Look for the topics and show them."""
        stay_in_background()
        self._refresh()
        self.create_timer(REFRESH_S, self._refresh)
        self.create_timer(POLL_S, self._poll)

    def do_cleanup(self) -> None:
        """Close the view."""
        if self._viewer is not None:
            self._viewer.terminate()
            self._viewer.wait()
        else:
            self._log.close()

    def _refresh(self) -> None:
        if self._viewer is not None and (code := self._viewer.poll()) is not None:
            crashed = f'rerun ended with exit code {code}'
            raise GraphError(crashed if code else 'the window of the live view was closed')
        if self._mapping is None:
            try:
                self._mapping = shown_mapping(self._sections, graph_topics(self))
            except StreamError:
                return  # the graph of others is not complete yet
            self._display = LiveDisplay(self._mapping, self._log)
            self._subscribers = [
                TopicSubscriber(self, topic, self._display.on_message, DEPTH)
                for topic in self._mapping.topics()
            ]
        for subscriber in self._subscribers:
            subscriber.refresh()

    def _poll(self) -> None:
        for subscriber in self._subscribers:
            subscriber.drain()


def _free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run the node; the entry point ``display_node``."""
    return run_node(DisplayNode, profile=RECEIVER_PROFILE)


if __name__ == '__main__':
    sys.exit(main())
