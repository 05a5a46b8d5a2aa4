"""Calibration by services, on the arm node and on the teleop node, with simulated arms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from emulated import MIDDLE, SWEEP
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from lerobot_drivers import ros
from lerobot_drivers.arm_node import ArmNode
from lerobot_drivers.motors.calibration import (
    load_calibration,
    parse_calibration,
    save_calibration,
)
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleop_node import TeleopNode

pytestmark = pytest.mark.ros
WORLD = 'calibration_services'
FOLLOWER = """
robot:
  type: so101_follower
  id: mine
  port: sim://{world}/{device}
  calibration_dir: {folder}
"""
SWEPT = [name for name in JOINT_NAMES if name != 'wrist_roll']


@pytest.fixture
def sim() -> Iterator[SimClient]:
    with SimClient(WORLD) as client:
        yield client


class Bench:
    """An arm node on a simulated follower of its own."""

    def __init__(self, graph: Any, sim: SimClient, device: str, path: Path, starts: bool) -> None:
        self.graph = graph
        self.sim = sim
        self.device = device
        self.modes = graph.listen(String, 'arm_mode', ros.qos_status())
        self.states = graph.listen(JointState, 'joint_states')
        override = [
            Parameter('config_file', value=str(path)),
            Parameter('autostart', value=starts),
        ]
        self.node = graph.add(ArmNode(parameter_overrides=override))
        self.node.autostart()

    def ask(self, name: str, kind: Any = Trigger, **fields: Any) -> Any:
        client = self.graph.peer.create_client(kind, name)
        self.graph.until(client.service_is_ready)
        future = client.call_async(kind.Request(**fields))
        self.graph.until(future.done)
        return future.result()

    def push(self, **joints: float) -> None:
        self.sim.inject(self.device, 'push', joints=joints)

    def sweep(self) -> None:
        for angle in SWEEP:
            self.push(**{n: 0.8 + angle / 2 if n == 'gripper' else angle for n in SWEPT})
            self.graph.spin(0.12)

    def until_mode(self, mode: str) -> None:
        self.graph.until(lambda: self.modes and self.modes[-1].data == mode)


@pytest.fixture
def make(
    graph: Any, sim: SimClient, config_file: Callable[[str], Path], tmp_path: Path
) -> Callable[..., Bench]:
    def bench(device: str, knows: bool = True, starts: bool = True) -> Bench:
        made = sim.attach_arm(device, 'so101_follower').calibration
        if knows:
            save_calibration(tmp_path / 'mine.json', parse_calibration(made, device))
        text = FOLLOWER.format(world=WORLD, device=device, folder=tmp_path)
        return Bench(graph, sim, device, config_file(text), starts)

    return bench


def test_an_arm_in_operation_is_calibrated_and_obeys_again(
    make: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make('operating')
    before = load_calibration(tmp_path / 'mine.json')
    assert bench.ask('calibrate/start').message.startswith('limp: hold it')
    bench.until_mode('calibrating')
    assert not bench.sim.truth(bench.device)['goal']
    assert 'it is being calibrated' in bench.ask('home').message
    assert not bench.ask('set_torque', SetBool, data=True).success
    bench.push(**MIDDLE)
    assert bench.ask('calibrate/record_ranges').success
    answer = bench.ask('calibrate/finish')
    assert not answer.success and 'shoulder_pan did not move' in answer.message
    bench.sweep()
    assert 'gripper ' in bench.ask('calibrate/ranges').message
    answer = bench.ask('calibrate/finish')
    assert answer.success, answer.message
    assert str(tmp_path / 'mine.json') in answer.message
    assert load_calibration(tmp_path / 'mine.json') != before
    bench.until_mode('torque off')
    bench.states.clear()
    bench.graph.until(lambda: bench.states)
    assert not bench.sim.truth(bench.device)['goal']
    bench.push(**MIDDLE)
    assert bench.ask('set_torque', SetBool, data=True).success
    commands = bench.graph.publisher(JointState, 'joint_commands')
    commands.publish(ros.joint_state(0, ['shoulder_pan'], [0.3]))
    there = pytest.approx(0.3, abs=0.03)
    bench.graph.until(lambda: bench.states[-1].position[0] == there)


@pytest.mark.parametrize('end', ['stop', 'calibrate/cancel', 'wind down'])
def test_however_it_ends_the_motors_hold_what_they_held(
    make: Callable[..., Bench], sim: SimClient, end: str
) -> None:
    bench = make(end.replace('/', '_').replace(' ', '_'))
    bench.ask('calibrate/start')
    bench.push(**MIDDLE)
    bench.ask('calibrate/record_ranges')
    if end == 'wind down':
        bench.node.wind_down()
    else:
        assert bench.ask(end).success
        bench.until_mode('stopped' if end == 'stop' else 'torque off')
        bench.states.clear()
        bench.graph.until(lambda: bench.states)  # it connects only where calibrations agree
    assert not sim.truth(bench.device)['goal']
    assert _held(sim, bench.device) == sim.attach_arm(bench.device, 'so101_follower').calibration


def _held(sim: SimClient, device: str) -> dict[str, Any]:
    """Return the calibration in the motors' registers, as the last writes to each left it."""
    made = sim.attach_arm(device, 'so101_follower').calibration
    latest = {(w['id'], w['address']): w['data'] for w in sim.registers(device)}
    held = {}
    for name, entry in made.items():
        offset, low, high = (
            int.from_bytes(bytes(latest[entry['id'], address]), 'little')
            for address in (31, 9, 11)
        )
        offset = -(offset & 0x7FF) if offset & 0x800 else offset
        found = {'homing_offset': offset, 'range_min': low, 'range_max': high}
        held[name] = {**entry, **found}
    return held


def test_an_arm_that_was_never_calibrated_is_before_it_is_configured(
    make: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make('new', knows=False, starts=False)
    bench.ask('calibrate/start')
    bench.push(**MIDDLE)
    bench.ask('calibrate/record_ranges')
    bench.sweep()
    assert bench.ask('calibrate/finish').success
    assert (tmp_path / 'mine.json').is_file()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.graph.until(lambda: bench.states)
    bench.until_mode('ready')


def test_a_leader_is_out_of_service_while_it_is_calibrated(
    graph: Any, sim: SimClient, config_file: Callable[[str], Path]
) -> None:
    text = f"teleop: {{type: so101_leader, port: 'sim://{WORLD}/leader'}}"
    commands = graph.listen(JointState, 'joint_commands')
    override = [Parameter('config_file', value=str(config_file(text)))]
    node = graph.add(TeleopNode(parameter_overrides=override))
    node.autostart()
    graph.until(lambda: commands)
    bench = object.__new__(Bench)
    bench.graph = graph
    assert bench.ask('calibrate/start').success
    assert bench.ask('calibrate/record_ranges').success
    commands.clear()
    graph.spin(0.2)
    assert not commands
    ranges = bench.ask('calibrate/ranges').message
    assert any(
        low != high
        for low, high in (
            (part.split()[1], part.split()[5]) for part in ranges.split(', ') if '<' in part
        )
    ), ranges
    assert bench.ask('calibrate/cancel').success
    graph.until(lambda: commands)
