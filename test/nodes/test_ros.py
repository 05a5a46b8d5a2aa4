"""What every node shares: running, lifecycle, parameters, QoS, stamps, diagnostics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from lerobot_drivers import ros
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.health import Health, Level
from lerobot_drivers.common.processes import stop_signals

pytestmark = pytest.mark.ros
ROOT = Path(__file__).parents[2]

NODE = """
import sys, time
from lerobot_drivers import ros
from lerobot_drivers.common.errors import DeviceError

class Node(ros.AutostartLifecycleNode):
    def __init__(self):
        super().__init__('probe')
        self.rate = ros.declare(self, 'rate', 10.0, 'a rate', bounds=(1.0, 100.0))
        if 'file' in sys.argv:
            ros.declare_config_file(self)
    def do_configure(self):
        if 'broken' in sys.argv:
            raise DeviceError('port /dev/ttyX is not there')
    def do_activate(self):
        print('streams', flush=True)
        self.create_timer(0.01, self.tick)
    def tick(self):
        if 'leaves' in sys.argv:
            self.request_exit(7)
        if 'fails' in sys.argv:
            raise DeviceError('gone for good')
    def do_cleanup(self):
        time.sleep(0.3)
        print('cleaned up', flush=True)

sys.exit(ros.run_node(Node))
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, '-c', NODE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )


@pytest.mark.parametrize('number', stop_signals())
def test_four_signals_in_a_row_end_in_one_clean_way(number: int) -> None:
    with start() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == 'streams\n'
        for _ in range(4):
            process.send_signal(number)
        assert process.stdout.readline() == 'cleaned up\n'
        assert process.wait(20) == 0
        assert 'Traceback' not in process.stderr.read()


def test_a_node_may_end_itself() -> None:
    with start('leaves') as process:
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (7, 'streams\ncleaned up\n')
    assert 'error' not in errors


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (['broken'], 'error: port /dev/ttyX is not there'),
        (['fails'], 'error: gone for good'),
        (['file'], 'error: probe: parameter config_file is empty; give it with --ros-args'),
        (['file', '--ros-args', '-p', 'config_file:=/no'], 'config_file /no is not a file'),
        (['--ros-args', '-p', 'rate:=500.0'], 'rate out of range Min: 1.0, Max: 100.0'),
        (['--ros-args', '-p', 'rate:=fast'], "'fast' of type 'STRING', expecting type 'DOUBLE'"),
        (['--ros-args', '-p', 'rate'], 'ROS cannot be started with these arguments'),
        (['--ros-args', '-r', '__node:=a b'], 'error: '),
    ],
)
def test_a_mistake_gives_one_clear_line(arguments: list[str], line: str) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert 'Traceback' not in errors
    last = errors.splitlines()[-1]
    assert last.startswith('error: ')
    assert line in last


class Probe(ros.AutostartLifecycleNode):
    def __init__(self, name: str = 'probe', **parameters: Any) -> None:
        from rclpy.parameter import Parameter

        overrides = [Parameter(key, value=value) for key, value in parameters.items()]
        super().__init__(name, parameter_overrides=overrides)
        self.calls: list[str] = []
        self.fails: set[str] = set()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise DeviceError(f'{name} failed')

    def do_configure(self) -> None:
        self._call('configure')

    def do_activate(self) -> None:
        self._call('activate')

    def do_deactivate(self) -> None:
        self._call('deactivate')

    def do_cleanup(self) -> None:
        self._call('cleanup')


def test_autostart_brings_a_node_up_and_wind_down_brings_it_down(graph: Any) -> None:
    node = graph.add(Probe())
    node.autostart()
    assert node.active
    node.wind_down()
    node.wind_down()
    assert node.calls == ['configure', 'activate', 'deactivate', 'cleanup']
    assert not node.active


def test_without_autostart_a_manager_decides(graph: Any) -> None:
    node = graph.add(Probe(autostart=False))
    node.autostart()
    assert node.calls == []
    node.trigger_configure()
    node.trigger_activate()
    node.trigger_deactivate()
    node.trigger_cleanup()
    node.trigger_configure()
    node.trigger_shutdown()
    assert node.calls == [
        *('configure', 'activate', 'deactivate', 'cleanup'),
        *('configure', 'cleanup'),
    ]
    assert node.exit_code == 0


def test_a_failed_configure_gives_back_and_can_be_tried_again(graph: Any) -> None:
    node = graph.add(Probe())
    node.fails = {'configure'}
    with pytest.raises(DeviceError, match='configure failed'):
        node.autostart()
    assert node.calls == ['configure', 'cleanup']
    node.fails = set()
    node.autostart()
    assert node.active


def test_diagnostics_come_with_name_level_and_values(graph: Any) -> None:
    node = graph.add(Probe())
    heard = graph.listen(DiagnosticArray, '/diagnostics')
    health = Health(Level.WARN, 'slow', {'rate [Hz]': 12.3456789, 'errors': 2})
    diagnostics = ros.DiagnosticsPublisher(node, 'bus', lambda: health, 'usb', period_s=0.05)
    (status,) = graph.until(lambda: heard)[0].status
    assert (status.level, status.message) == (b'\x00', 'inactive')
    node.autostart()
    status = graph.until(lambda: heard[-1].status[0].message != 'inactive' and heard[-1].status[0])
    assert (status.level, status.name, status.message) == (b'\x01', 'probe: bus', 'slow')
    assert status.hardware_id == 'usb'
    assert {v.key: v.value for v in status.values} == {'rate [Hz]': '12.3457', 'errors': '2'}
    diagnostics.destroy()


def test_match_publishers_is_reliable_only_if_all_are(graph: Any) -> None:
    peer = graph.peer
    assert ros.match_publishers(peer, 'x').reliability == ReliabilityPolicy.BEST_EFFORT
    peer.create_publisher(JointState, 'x', 10)
    graph.until(lambda: peer.count_publishers('x') == 1)
    assert ros.match_publishers(peer, 'x').reliability == ReliabilityPolicy.RELIABLE
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    peer.create_publisher(JointState, 'x', best_effort)
    graph.until(lambda: peer.count_publishers('x') == 2)
    profile = ros.match_publishers(peer, 'x', depth=7)
    assert (profile.reliability, profile.depth) == (ReliabilityPolicy.BEST_EFFORT, 7)


def test_a_late_subscriber_hears_the_last_status(graph: Any) -> None:
    publisher = graph.peer.create_publisher(JointState, 'status', ros.qos_status())
    publisher.publish(JointState(name=['first']))
    publisher.publish(JointState(name=['last']))
    heard = graph.listen(JointState, 'status', ros.qos_status())
    graph.until(lambda: heard)
    graph.spin(0.1)
    assert [message.name for message in heard] == [['last']]


@pytest.mark.parametrize('stamp', [0, 1, 1_795_347_824_790_027_717])
def test_stamps_come_back(stamp: int) -> None:
    assert ros.stamp_ns(ros.stamp_message(stamp)) == stamp


def test_joint_state_leaves_empty_what_is_not_given() -> None:
    message = ros.joint_state(5, ['a'], [1.0], effort=[0.5])
    assert (message.name, list(message.position)) == (['a'], [1.0])
    assert (list(message.velocity), list(message.effort)) == ([], [0.5])
    assert message.header.stamp.nanosec == 5
