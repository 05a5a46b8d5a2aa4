"""The arm node on a simulated follower."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from lerobot_drivers import arm_node, ros
from lerobot_drivers.arm_node import ArmNode
from lerobot_drivers.common.errors import ConfigError, LerobotRosError
from lerobot_drivers.common.health import Level
from lerobot_drivers.hand_over import MARGIN, MAX_STEP_S
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.ros
CONFIG = """
robot: {type: so101_follower, port: 'sim://arm_node/follower', rate_hz: 50}
"""
GOAL_POSITION, TORQUE_ENABLE = 42, 40


@pytest.fixture
def sim() -> Any:
    with SimClient('arm_node') as client:
        client.attach_arm('follower', 'so101_follower')
        yield client
        client.inject('follower', 'clear')


class Bench:
    """The node, and what it publishes."""

    def __init__(self, graph: Any, path: Path) -> None:
        self.graph = graph
        self.states = graph.listen(JointState, 'joint_states')
        self.sent = graph.listen(JointState, 'joint_commands_sent')
        self.diagnostics = graph.listen(DiagnosticArray, '/diagnostics')
        self.node = graph.add(make_node(path))
        self.node.autostart()
        self.commands = graph.publisher(JointState, 'joint_commands')
        graph.until(lambda: self.states)

    def command(self, positions: dict[str, float], stamp: int | None = None) -> None:
        stamp = ros.now_ns(self.graph.peer) if stamp is None else stamp
        self.commands.publish(ros.joint_state(stamp, list(positions), list(positions.values())))

    def until_level(self, level: Level) -> None:
        self.graph.until(
            lambda: self.diagnostics and self.diagnostics[-1].status[0].level == bytes([level])
        )

    def position(self) -> dict[str, float]:
        return dict(zip(self.states[-1].name, self.states[-1].position, strict=True))

    def goal(self) -> dict[str, float]:
        return dict(zip(self.sent[-1].name, self.sent[-1].position, strict=True))


def make_node(path: Path) -> ArmNode:
    return ArmNode(parameter_overrides=[Parameter('config_file', value=str(path))])


@pytest.fixture
def bench(graph: Any, sim: SimClient, config_file: Callable[[str], Path]) -> Bench:
    return Bench(graph, config_file(CONFIG))


def test_states_are_full_and_stamped_before_they_come(bench: Bench) -> None:
    bench.graph.until(lambda: len(bench.states) > 10)
    stamps = [ros.stamp_ns(message.header.stamp) for message in bench.states]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < ros.now_ns(bench.graph.peer)
    for message in bench.states:
        assert tuple(message.name) == JOINT_NAMES
        assert len(message.position) == len(message.velocity) == len(message.effort) == 6


def test_the_goal_it_holds_from_the_start_is_published(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    assert bench.goal() == pytest.approx(bench.position(), abs=0.02)


def test_commands_are_obeyed_by_name_in_part_and_in_any_order(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    before = bench.goal()
    bench.command({'wrist_roll': 0.3, 'shoulder_pan': -0.2})
    goal = pytest.approx({**before, 'wrist_roll': 0.3, 'shoulder_pan': -0.2})
    bench.graph.until(lambda: bench.goal() == goal)
    assert tuple(bench.sent[-1].name) == JOINT_NAMES
    bench.graph.until(lambda: bench.position()['wrist_roll'] == pytest.approx(0.3, abs=0.05))
    bench.graph.until(lambda: bench.position()['shoulder_pan'] == pytest.approx(-0.2, abs=0.05))


def test_what_was_sent_is_clamped(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    bench.command({'gripper': 99.0})
    clamped = pytest.approx(1.74533, abs=0.01)
    bench.graph.until(lambda: bench.goal()['gripper'] == clamped)


def test_what_it_is_first_commanded_it_goes_to_without_a_jump(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    bench.command({'wrist_roll': 0.4})
    met = pytest.approx(0.4)
    bench.graph.until(lambda: bench.goal()['wrist_roll'] == met)
    goals = [message.position[JOINT_NAMES.index('wrist_roll')] for message in bench.sent]
    steps = [after - before for before, after in pairwise(goals)]
    assert max(steps) < 1.5 * MAX_STEP_S + MARGIN + 0.001
    bench.command({'wrist_roll': 0.0})
    bench.graph.until(lambda: bench.goal()['wrist_roll'] == 0.0)
    assert len(bench.sent) == len(goals) + 1, 'once met, it is obeyed as it is'


def test_stale_foreign_and_broken_commands_are_refused_and_counted(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    before = bench.goal()
    bench.command({'wrist_roll': 0.5}, stamp=ros.now_ns(bench.graph.peer) - 600_000_000)
    # Without a stamp they cannot grow old on the way.
    bench.command({'wheel': 0.5}, stamp=0)
    bench.command({'wrist_roll': math.nan}, stamp=0)
    bench.command({'gripper': 0.1}, stamp=0)
    expected = pytest.approx({**before, 'gripper': 0.1}, abs=0.002)
    bench.graph.until(lambda: bench.goal() == expected)
    status = bench.graph.until(
        lambda: next((d.status[0] for d in bench.diagnostics if _value(d, 'stale')), None)
    )
    values = {pair.key: pair.value for pair in status.values}
    assert values['commands refused, stale'] == '1'
    assert values['commands refused, unknown joint'] == '1'
    assert values['commands refused, not finite'] == '1'


def _value(array: Any, kind: str) -> str | None:
    pairs = {pair.key: pair.value for pair in array.status[0].values}
    return pairs.get(f'commands refused, {kind}')


def test_diagnostics_tell_rate_latency_and_voltage(bench: Bench) -> None:
    bench.graph.until(lambda: len(bench.diagnostics) >= 2)
    status = bench.diagnostics[-1].status[0]
    values = {pair.key: pair.value for pair in status.values}
    assert status.name == 'arm: bus'
    assert status.hardware_id == 'sim://arm_node/follower'
    assert float(values['rate [Hz]']) > 10
    assert float(values['read latency, greatest [ms]']) > 0
    assert 'shoulder_pan.voltage' in values


def test_a_motor_that_protects_itself_is_told_with_what_to_do(
    bench: Bench, sim: SimClient
) -> None:
    sim.inject('follower', 'alert', joints=['gripper'], causes=['overload'])
    bench.until_level(Level.ERROR)
    status = bench.diagnostics[-1].status[0]
    assert status.message.startswith('gripper: overload (27 degC, ')
    assert 'take the load off it, then let its torque off and on again' in status.message
    sim.inject('follower', 'clear')
    bench.until_level(Level.OK)


def test_an_unplugged_arm_is_told_and_comes_back_holding_its_pose(
    bench: Bench, sim: SimClient
) -> None:
    bench.command({'wrist_roll': 0.4})
    bench.graph.until(lambda: bench.position()['wrist_roll'] == pytest.approx(0.4, abs=0.05))
    sim.inject('follower', 'unplug')
    bench.until_level(Level.ERROR)
    assert bench.diagnostics[-1].status[0].message.startswith('lost: ')
    bench.command({'wrist_roll': -0.4})
    writes, states, sent = len(sim.registers('follower')), len(bench.states), len(bench.sent)
    sim.inject('follower', 'replug')
    bench.graph.until(lambda: len(bench.states) > states and len(bench.sent) > sent)
    assert bench.goal() == pytest.approx(bench.position(), abs=0.03)
    assert bench.goal()['wrist_roll'] == pytest.approx(0.4, abs=0.06)
    after = [write for write in sim.registers('follower')[writes:]]
    for motor in range(1, 7):
        addresses = [w['address'] for w in after if w['id'] == motor]
        if TORQUE_ENABLE in addresses:
            assert GOAL_POSITION in addresses[: addresses.index(TORQUE_ENABLE) + 1]
    bench.command({'wrist_roll': 0.0})
    bench.graph.until(lambda: bench.position()['wrist_roll'] == pytest.approx(0.0, abs=0.05))
    bench.until_level(Level.OK)


class Services:
    """The arm's services, called as a person would."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph

    def ask(self, name: str, kind: Any = Trigger, **fields: Any) -> Any:
        client = self.graph.peer.create_client(kind, name)
        self.graph.until(client.service_is_ready)
        future = client.call_async(kind.Request(**fields))
        self.graph.until(future.done)
        return future.result()


@pytest.fixture
def services(graph: Any) -> Services:
    return Services(graph)


def test_services_stop_it_and_the_graph_is_told(bench: Bench, services: Services) -> None:
    modes = bench.graph.listen(String, 'arm_mode', ros.qos_status())
    bench.graph.until(lambda: modes)
    answer = services.ask('stop')
    assert (answer.success, answer.message) == (
        True,
        'stopped, holds; commands are refused until resume',
    )
    bench.command({'wrist_roll': 0.5})
    status = bench.graph.until(
        lambda: next((d.status[0] for d in bench.diagnostics if _value(d, 'stopped')), None)
    )
    assert status.level == bytes([Level.WARN])
    assert status.message.startswith('stopped, holds: it was stopped; the service resume')
    answer = services.ask('home')
    assert not answer.success and 'the service resume ends that' in answer.message
    assert services.ask('resume').success
    assert not services.ask('resume').success
    bench.graph.until(lambda: len(modes) == 3)
    assert [mode.data for mode in modes] == ['ready', 'stopped', 'ready']


def test_torque_and_home_by_service(bench: Bench, services: Services, sim: SimClient) -> None:
    assert services.ask('set_torque', SetBool, data=False).success
    assert not sim.truth('follower')['goal']
    assert services.ask('set_torque', SetBool, data=True).success
    assert sim.truth('follower')['goal'] == pytest.approx(bench.position(), abs=0.02)
    assert services.ask('home').message.startswith('moves to its home pose in')
    folded = pytest.approx(-1.55, abs=0.03)
    bench.graph.until(lambda: bench.position()['shoulder_lift'] == folded)
    bench.node.trigger_deactivate()
    assert services.ask('home').message == 'it does not move: the node is not active'
    assert services.ask('emergency_stop').message.startswith('emergency stop, holds')
    bench.node.trigger_activate()
    assert not services.ask('set_torque', SetBool, data=True).success
    assert services.ask('resume').success


def test_deactivated_it_holds_and_obeys_nobody(bench: Bench) -> None:
    bench.graph.until(lambda: bench.sent)
    bench.node.trigger_deactivate()
    bench.command({'wrist_roll': 0.5})
    bench.graph.spin(0.3)
    assert len(bench.sent) == 1
    bench.node.trigger_activate()
    bench.command({'wrist_roll': 0.5})
    bench.graph.until(lambda: len(bench.sent) == 2)


@pytest.mark.parametrize('what', ['JointStream', 'make_base_topics', 'DiagnosticsPublisher'])
def test_configured_in_vain_it_leaves_the_bus_and_can_be_configured_again(
    graph: Any,
    sim: SimClient,
    config_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError('no memory')

    states = graph.listen(JointState, 'joint_states')
    node = graph.add(make_node(config_file(CONFIG)))
    with monkeypatch.context() as broken:
        broken.setattr(arm_node, what, fail)
        with pytest.raises(RuntimeError, match='no memory'):
            node.autostart()
    node.autostart()
    graph.until(lambda: states)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('robot: {type: so101_follower, port: /dev/tty_none, id: x}', 'x|tty_none'),
        ('robot: {type: so999_follower, port: /dev/tty_none}', 'unknown robot type'),
        ('robot: {type: so101_follower, speed: 5}', 'robot.speed is not a known key'),
    ],
)
def test_a_mistake_gives_one_clear_error(
    graph: Any, config_file: Callable[[str], Path], text: str, words: str
) -> None:
    with pytest.raises(LerobotRosError, match=words):
        graph.add(make_node(config_file(text))).autostart()


def test_without_a_configuration_it_says_so(graph: Any) -> None:
    with pytest.raises(ConfigError, match='parameter config_file is empty'):
        ArmNode()
