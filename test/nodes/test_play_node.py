"""The player on a graph: what a bag holds comes again, as it was offered."""

from __future__ import annotations

import pytest
from fact_messages import description
from synthetic_messages import MS, T0, S, joint_state, raw, write_bag

pytestmark = pytest.mark.ros


class View:
    """Keeps what it was told."""

    def __init__(self):
        self.said, self.last, self.wants_end = [], None, False

    def say(self, line):
        self.said.append(line)

    def show(self, player):
        pass

    def obey(self, player):
        return self.wants_end

    def close(self, line):
        self.last = line


def scene():
    from lerobot_recorder.messages import RawMessage

    yield description('<robot/>')
    yield RawMessage('/odd', 'tf2_msgs/msg/TF2Error', bytes(12), 0, T0)
    for k in range(20):
        at = T0 + k * S // 50
        yield raw('/arm/joint_states', joint_state(at, 'ab', [k, -k]), at + MS)
        yield raw('/arm/joint_commands', joint_state(at, 'ab', [k, k]), at + MS)


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / 'bag', scene())


@pytest.fixture
def play(graph, config_file, monkeypatch):
    from lerobot_recorder import play_node

    def begin(bag, text='', view=None):
        path = config_file(f'play: {{source: {bag}, settle_s: 1.0, {text}}}')
        monkeypatch.setattr(play_node, 'declare_config_file', lambda node: path)
        node = graph.add(play_node.PlayNode(view or View()))
        node.autostart()
        return node

    return begin


def joint_states(graph, topic='/arm/joint_states'):
    from sensor_msgs.msg import JointState

    return graph.listen(JointState, topic, 50)


def test_messages_come_byte_for_byte_and_then_it_ends(graph, play, bag):
    heard, commands = joint_states(graph), joint_states(graph, '/arm/joint_commands')
    view = View()
    node = play(bag, view=view)
    graph.until(lambda: node.exit_code is not None)
    graph.until(lambda: len(heard) == 20)
    assert [message.position[0] for message in heard] == list(range(20))
    assert heard[3].header.stamp.nanosec == 60 * MS
    assert commands == []
    unknown, held = view.said
    assert '/arm/joint_commands would command a robot' in held
    assert 'left out: /odd; the package of tf2_msgs/msg/TF2Error is not installed' in unknown
    node.wind_down()
    assert '21 messages' in view.last


def test_who_comes_late_hears_what_is_latched(graph, play, bag):
    from std_msgs.msg import String

    from lerobot_drivers.ros import qos_status

    heard = joint_states(graph)
    node = play(bag, 'loop: false, rate: 0.2')
    graph.until(lambda: heard)
    late = graph.listen(String, '/robot_description', qos_status())
    graph.until(lambda: late)
    assert late[0].data == '<robot/>'
    assert node.exit_code is None


def test_it_is_steered_by_services(graph, play, bag):
    from std_srvs.srv import Trigger

    heard = joint_states(graph)
    play(bag, 'start_paused: true, topics: [/arm/joint_states]')

    def call(verb):
        client = graph.peer.create_client(Trigger, f'/player/{verb}')
        graph.until(client.service_is_ready)
        future = client.call_async(Trigger.Request())
        return graph.until(future.result)

    assert call('is_paused').success
    graph.spin(1.5)
    assert heard == []
    call('play_next')
    graph.until(lambda: len(heard) == 1)
    assert 'playing' in call('resume').message
    graph.until(lambda: len(heard) == 20)


def test_simulated_time_is_published(graph, play, bag):
    from rosgraph_msgs.msg import Clock

    ticks = graph.listen(Clock, '/clock', 50)
    node = play(bag, 'clock: 100')
    graph.until(lambda: node.exit_code is not None)
    graph.until(lambda: len(ticks) > 10)
    times = [tick.clock.sec * S + tick.clock.nanosec - T0 for tick in ticks]
    assert times == sorted(times) and times[0] >= 0 and times[-1] < S // 2


def test_topics_go_where_they_are_sent_and_others_are_noticed(graph, play, bag):
    from sensor_msgs.msg import JointState

    heard, view = joint_states(graph, '/replay/arm/joint_states'), View()
    graph.peer.create_publisher(JointState, '/replay/arm/joint_states', 10)
    play(bag, 'namespace: replay, rate: 0.1, topics: [/arm/joint_states]', view)
    graph.until(lambda: heard)
    graph.until(lambda: any('is published by /peer too' in line for line in view.said))


def test_an_end_is_obeyed(graph, play, bag):
    view = View()
    node = play(bag, 'loop: true', view)
    view.wants_end = True
    graph.until(lambda: node.exit_code == 0)
