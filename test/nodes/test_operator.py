"""An operator on the graph of strangers: services, texts on topics, a joystick's buttons."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    '--dataset.single_task=look', '--dataset.num_episodes=3', '--dataset.episode_time_s=60',
    '--recorder.manual_start=true', '--recorder.preroll_s=1',
    '--recorder.joy={topic: /joy, buttons: {start: 7, discard: 1}}',
)  # fmt: skip


@pytest.fixture
def strangers():
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name('foreign_graph.py')), '100']
    )
    yield process
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def root(tmp_path, strangers):
    """Return the folder into which a session is recorded that waits for its operator."""
    root = tmp_path / 'set'
    words = [sys.executable, '-m', 'lerobot_drivers.cli', 'record', '--dataset.repo_id=lab/hand']
    process = subprocess.Popen(
        [*words, f'--dataset.root={root}', *FLAGS], cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    yield root
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0 and 'Traceback' not in said, said


class Operator:
    """Speaks to the recorder and hears its status."""

    def __init__(self, graph):
        from sensor_msgs.msg import Joy
        from std_msgs.msg import String

        from lerobot_drivers.ros import qos_status

        self.graph, self.status = graph, {}
        graph.peer.create_subscription(String, '/recorder/status', self._hear, qos_status())
        self.joy = graph.peer.create_publisher(Joy, '/joy', 10)
        self.texts = {
            topic: graph.peer.create_publisher(String, f'/recorder/{topic}', 10)
            for topic in ('task', 'note', 'event', 'subtask')
        }

    def _hear(self, message):
        self.status = json.loads(message.data)

    def until(self, **wanted):
        self.graph.until(lambda: wanted.items() <= self.status.items(), 40)

    def call(self, verb):
        from std_srvs.srv import Trigger

        client = self.graph.peer.create_client(Trigger, f'/recorder/{verb}')
        self.graph.until(client.service_is_ready)
        answer = client.call_async(Trigger.Request())
        self.graph.until(answer.done, 30)
        self.graph.peer.destroy_client(client)
        return answer.result()

    def say(self, topic, text):
        from std_msgs.msg import String

        self.graph.until(lambda: self.texts[topic].get_subscription_count())
        self.texts[topic].publish(String(data=text))

    def press(self, button):
        from sensor_msgs.msg import Joy

        self.graph.until(self.joy.get_subscription_count)
        for down in (0, 1):
            buttons = [0] * 12
            buttons[button] = down
            self.joy.publish(Joy(buttons=buttons))
            self.graph.spin(0.2)


def test_a_session_by_hand(graph, root):
    from std_msgs.msg import String

    from lerobot_drivers.ros import qos_status

    operator = Operator(graph)
    operator.until(phase='warming up', by_hand=True)
    assert not operator.call('save').success
    assert not operator.call('success').success
    operator.say('task', 'look for it')
    operator.until(task='look for it')
    graph.peer.destroy_publisher(operator.texts['task'])  # it would be warned of the other kind
    latched = graph.peer.create_publisher(String, '/recorder/task', qos_status())
    latched.publish(String(data='find'))
    operator.until(task='find')
    assert operator.call('start').success
    operator.until(phase='recording')
    operator.say('event', 'contact')
    operator.say('note', 'first try')
    graph.spin(2.0)
    answer = operator.call('success')  # answered only when the label is on the disk
    assert answer.success and 'success' in answer.message, answer.message
    (view,) = DatasetReader(root).episodes()
    assert view.extra['ros/outcome'] == 'success' and set(view.row_tasks) == {'find'}
    assert view.length >= 75, 'the pre-roll is missing'
    record = json.loads((root / layout.RECORDS / f'{view.extra["ros/uuid"]}.json').read_text())
    assert record['details']['notes'] == ['first try']
    (mark,) = record['details']['marks']
    assert mark['text'] == 'contact' and 25 <= mark['frame_index'] < view.length
    operator.press(7)
    operator.until(phase='recording')
    graph.spin(0.5)
    assert operator.call('save').success
    assert DatasetReader(root).num_episodes == 2
    operator.press(1)
    operator.until(saved=1)
    assert DatasetReader(root).num_episodes == 1
    assert operator.call('pause').success and not operator.call('pause').success
    operator.until(paused=True)
    assert operator.call('resume').success
    assert operator.call('stop').success
