"""The dashboard in a graph: a recorder and a camera of a test's own, a browser's requests."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.dashboard import previews

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]

STATUS = {'phase': 'recording', 'saved': 1, 'accepted': 1, 'wanted': 5, 'task': 'fold', 'root': ''}


class Browser:
    """Asks from a thread, while the graph is spun."""

    def __init__(self, graph: Any, node: Any, port: int) -> None:
        self.node = node
        self._graph = graph
        self._port = port
        self._pool = ThreadPoolExecutor(1)

    def ask(self, path: str, method: str = 'GET', body: str | None = None) -> tuple[int, Any]:
        asked = self._pool.submit(self._ask, path, method, body)
        self._graph.until(asked.done)
        return asked.result()

    def _ask(self, path: str, method: str, body: str | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=10)
        try:
            origin = {'Origin': f'http://127.0.0.1:{self._port}'}
            connection.request(method, path, body, origin if method == 'POST' else {})
            response = connection.getresponse()
            is_stream = response.headers.get_content_type() == 'text/event-stream'
            return response.status, response.readline()[6:] if is_stream else response.read()
        finally:
            connection.close()

    def view(self) -> dict[str, Any]:
        return json.loads(self.ask('/events')[1])

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def recorder(graph):
    """A recorder as far as others see it."""
    import rclpy
    from std_msgs.msg import String
    from std_srvs.srv import Trigger

    from lerobot_drivers.ros import qos_status

    node = graph.add(rclpy.create_node('recorder', namespace='/arm'))
    node.told = []

    def answer(_request: Any, response: Any) -> Any:
        node.told.append('save')
        response.success, response.message = True, 'saving'
        return response

    node.create_service(Trigger, '~/save', answer)
    node.create_subscription(String, 'recorder/task', lambda m: node.told.append(m.data), 10)
    node.status = node.create_publisher(String, 'recorder/status', qos_status())
    node.status.publish(String(data=json.dumps(STATUS)))
    return node


@pytest.fixture
def on_port(monkeypatch):
    """Make a dashboard node that listens on a port."""
    from lerobot_recorder import dashboard_node

    def make(port: int) -> Any:
        def declare(node: Any, name: str, default: Any, *rest: Any) -> Any:
            return original(node, name, port if name == 'port' else default, *rest)

        monkeypatch.setattr(dashboard_node, 'declare', declare)
        return dashboard_node.DashboardNode()

    original = dashboard_node.declare
    return make


@pytest.fixture
def browser(graph, on_port):
    from lerobot_recorder.dashboard.config import DashboardConfig, prepare

    port = prepare(DashboardConfig(port=0)).port
    node = graph.add(on_port(port))
    node.autostart()
    made = Browser(graph, node, port)
    yield made
    made.close()


def test_what_a_recorder_says_is_shown_and_words_reach_it(graph, recorder, browser):
    def complete() -> dict[str, Any] | None:
        view = browser.view()
        return view if view['verbs'] and view['texts'] and view['status'] else None

    found = graph.until(complete)
    assert found['recorder'] == {'namespace': '/arm', 'others': []}
    assert found['status'] == STATUS
    assert [verb['name'] for verb in found['verbs']] == ['save'] and found['texts'] == ['task']
    assert browser.ask('/do/save', 'POST') == (200, b'{"success": true, "message": "saving"}')
    assert json.loads(browser.ask('/say/task', 'POST', 'open')[1])['success']
    graph.until(lambda: len(recorder.told) == 2)
    assert recorder.told == ['save', 'open']
    told = json.loads(browser.ask('/do/stop', 'POST')[1])
    assert told == {'success': False, 'message': 'this recorder cannot be told to end session'}
    assert not json.loads(browser.ask('/say/note', 'POST', 'x')[1])['success']


def test_without_a_recorder_it_says_so_and_waits_for_one(graph, browser):
    from std_msgs.msg import String

    from lerobot_drivers.ros import qos_status

    assert browser.view()['recorder'] is None
    assert b'no recorder is running' in browser.ask('/do/save', 'POST')[1]
    late = graph.peer.create_publisher(String, '/late/recorder/status', qos_status())
    graph.until(lambda: (browser.view()['recorder'] or {}).get('namespace') == '/late')
    graph.peer.destroy_publisher(late)
    graph.until(lambda: browser.view()['recorder'] is None)


def test_a_status_that_is_none_changes_nothing(graph, recorder, browser):
    from std_msgs.msg import String

    graph.until(lambda: browser.view()['status'] == STATUS)
    for text in ('{', '[1]'):
        recorder.status.publish(String(data=text))
    recorder.status.publish(String(data='{"phase": "done"}'))
    graph.until(lambda: browser.view()['status'] == {'phase': 'done'})


def test_cameras_and_diagnostics_are_heard_only_while_somebody_looks(graph, browser, monkeypatch):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from sensor_msgs.msg import Image

    monkeypatch.setattr(previews, 'LEASE_NS', NS_PER_S)
    camera = graph.peer.create_publisher(Image, '/top/image_raw', 10)
    health = graph.peer.create_publisher(DiagnosticArray, '/diagnostics', 10)
    picture = Image(height=24, width=32, encoding='rgb8', step=96)
    picture.data.frombytes(bytes(24 * 96))
    values = [KeyValue(key='rate_hz', value='30')]
    bad = DiagnosticStatus(name='arm: bus', level=b'\x02', message='lost', values=values)

    def publish() -> None:
        camera.publish(picture)
        health.publish(DiagnosticArray(status=[bad]))

    timer = graph.peer.create_timer(0.05, publish)
    graph.spin(0.5)
    assert camera.get_subscription_count() == health.get_subscription_count() == 0
    browser.node._board.watchers += 1  # one that stays
    graph.until(lambda: browser.node._board.cameras == ('top',))
    status, data = graph.until(lambda: (asked := browser.ask('/camera/top'))[0] == 200 and asked)
    assert data.startswith(b'\xff\xd8') and camera.get_subscription_count() == 1
    graph.until(lambda: browser.view()['health'])
    (shown,) = browser.view()['health']
    assert shown == {
        'name': 'arm: bus', 'level': 2, 'message': 'lost', 'values': {'rate_hz': '30'},
    }  # fmt: skip
    browser.node._board.watchers -= 1
    graph.until(lambda: camera.get_subscription_count() == 0)
    graph.until(lambda: health.get_subscription_count() == 0)
    assert status == 200 and browser.node._previews.newest('top') is None
    graph.peer.destroy_timer(timer)


def test_the_cameras_of_a_session_are_those_of_its_file(graph, browser, config_file):
    text = (ROOT / 'config' / 'so101_sim.yaml').read_text()
    browser.node._config_file = str(config_file(text))
    browser.node._recorder = '/follower'
    assert browser.node._cameras() == {
        'front': '/follower/front/image_raw', 'wrist': '/follower/wrist/image_raw',
    }  # fmt: skip
    browser.node._config_file = str(config_file('dataset: {repo_id: a/b, single_task: x}'))
    assert browser.node._cameras() == {}


def test_compressed_pictures_are_taken_where_they_cost_the_camera_nothing(graph, browser):
    from sensor_msgs.msg import CompressedImage, Image

    from lerobot_recorder.ros import graph_topics
    from lerobot_recorder.ros_camera_tap import cheapest_topic

    def cheapest() -> str:
        return cheapest_topic(browser.node, '/top/image_raw', graph_topics(browser.node))

    raw, small = '/top/image_raw', '/top/image_raw/compressed'
    graph.peer.create_publisher(Image, raw, 10)
    graph.until(lambda: raw in graph_topics(browser.node))
    assert cheapest() == raw
    graph.peer.create_publisher(CompressedImage, small, 10)
    graph.until(lambda: cheapest() == small)
    graph.peer.create_subscription(Image, raw, print, 10)
    graph.until(lambda: cheapest() == raw)
    graph.peer.create_subscription(CompressedImage, small, print, 10)
    graph.until(lambda: cheapest() == small)


def test_a_port_that_is_taken_ends_it_with_one_line(graph, on_port):
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        node = graph.add(on_port(port))
        with pytest.raises(ConfigError, match=rf'cannot listen on 127\.0\.0\.1, port {port}'):
            node.autostart()
