"""A ROS graph inside the test's process."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_examples import example


class Graph:
    """Nodes in one executor, spun by the test until something is so."""

    def __init__(self, context: Any) -> None:
        from rclpy.executors import SingleThreadedExecutor

        self.context = context
        self.executor = SingleThreadedExecutor(context=context)
        self.nodes: list[Any] = []
        self.peer: Any = None

    def add(self, node: Any) -> Any:
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def until(self, condition: Callable[[], Any], timeout_s: float = 10.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, 'waited in vain'
            self.executor.spin_once(timeout_sec=0.02)
        return found

    def spin(self, seconds: float) -> None:
        """Only to see that something does *not* come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def listen(self, kind: Any, topic: str, qos: Any = 10) -> list[Any]:
        heard: list[Any] = []
        self.peer.create_subscription(kind, topic, heard.append, qos)
        return heard

    def publisher(self, kind: Any, topic: str, qos: Any = 10) -> Any:
        publisher = self.peer.create_publisher(kind, topic, qos)
        self.until(lambda: publisher.get_subscription_count())
        return publisher

    def close(self) -> None:
        for node in reversed(self.nodes):
            self.executor.remove_node(node)
            if hasattr(node, 'wind_down'):
                node.wind_down()
            node.destroy_node()
        self.executor.shutdown(timeout_sec=1)


@pytest.fixture
def graph() -> Iterator[Graph]:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    with warnings.catch_warnings():
        # The message generators of ROS use a parser that uses deprecated modules.
        warnings.simplefilter('ignore')
        import rosidl_generator_py  # noqa: F401

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    made = Graph(rclpy.get_default_context())
    made.peer = made.add(rclpy.create_node('peer'))
    try:
        yield made
    finally:
        made.close()
        rclpy.try_shutdown()


@pytest.fixture
def config_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a configuration and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / 'config.yaml'
        path.write_text(text)
        return path

    return write


@pytest.fixture
def my_steps(tmp_path: Path) -> Path:
    """Write the steps of one's own that the documentation shows, and return their file."""
    path = tmp_path / 'my_steps.py'
    path.write_text(example('my_steps.py'))
    return path
