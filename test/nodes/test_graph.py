"""The whole graph in processes of its own: leader, mux, follower and camera on one world."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from lerobot_drivers import ros
from lerobot_drivers.common.graph import robot_processes, teleop_process, write_session
from lerobot_drivers.common.shared_memory import held_segments
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.ros
ROOT = Path(__file__).parents[2]
WORLD = 'graph'
SECTIONS = {
    'robot': {
        'type': 'so101_follower',
        'port': f'sim://{WORLD}/follower',
        'rate_hz': 50,
        'cameras': {
            'front': {
                'type': 'opencv',
                'index_or_path': f'sim://{WORLD}/front',
                'width': 160,
                'height': 120,
                'fps': 15,
            }
        },
    },
    'teleop': {'type': 'so101_leader', 'port': f'sim://{WORLD}/leader', 'rate_hz': 50},
}
TORQUE_ENABLE = 40

SUPERVISOR = """
import pathlib, sys
from lerobot_drivers.common.config import read_yaml
from lerobot_drivers.common.graph import robot_processes, teleop_process
from lerobot_drivers.common.shared_memory import held_segments
from lerobot_drivers.common.supervisor import Supervisor
file = pathlib.Path(sys.argv[1])
sections = read_yaml(file)
specs = [*robot_processes(sections, file), teleop_process(sections, file)]
supervisor = Supervisor(specs, file.parent / 'logs')
supervisor.start()
print(*supervisor.running.values(), flush=True)
sys.stdin.read()
"""


def wait_for(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f'waited in vain: {what}'
        time.sleep(0.05)


def own_segments(pids: list[int]) -> set[str]:
    """Return what the processes hold; not what this one, a peer of theirs perhaps, made."""
    held = {name for pid in pids for name in held_segments(pid)}
    return held - held_segments(os.getpid())


def present(names: set[str]) -> set[str]:
    return {name for name in names if Path('/dev/shm', name).exists()}


def test_the_follower_follows_the_leader_and_pictures_come(graph: Any, tmp_path: Path) -> None:
    file = write_session(tmp_path, SECTIONS)
    specs = [*robot_processes(SECTIONS, file), teleop_process(SECTIONS, file)]
    leader = graph.listen(JointState, '/leader/joint_states')
    sent = graph.listen(JointState, '/follower/joint_commands_sent')
    states = graph.listen(JointState, '/follower/joint_states')
    images = graph.listen(Image, '/follower/front/image_raw')
    active = graph.listen(String, '/follower/active_source', ros.qos_status())
    with Supervisor(specs, tmp_path / 'logs') as supervisor:

        def follows() -> bool:
            supervisor.check()
            if not (leader and sent and states and active and len(images) > 10):
                return False
            goal = dict(zip(sent[-1].name, sent[-1].position, strict=True))
            want = dict(zip(leader[-1].name, leader[-1].position, strict=True))
            near = all(abs(goal[name] - want[name]) < 0.1 for name in want)
            return near and active[-1].data == 'teleop'

        graph.until(follows, timeout_s=20)
        pids = list(supervisor.running.values())
    assert not [pid for pid in pids if Path(f'/proc/{pid}').exists()]
    for log in (tmp_path / 'logs').glob('*.log'):
        assert 'Traceback' not in log.read_text()


def test_kill_minus_nine_of_the_supervisor_leaves_no_process_no_memory_and_a_limp_arm(
    tmp_path: Path,
) -> None:
    file = write_session(tmp_path, SECTIONS)
    with (
        SimClient(WORLD) as sim,
        subprocess.Popen(
            [sys.executable, '-c', SUPERVISOR, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, 'PYTHONPATH': str(ROOT)},
        ) as supervisor,
    ):
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        sim.attach_arm('follower', 'so101_follower')
        wait_for(lambda: torques(sim)[-6:] == [1] * 6, 'torque on')
        wait_for(lambda: all(held_segments(pid) for pid in pids), 'shared memory in use')
        mine = own_segments(pids)
        supervisor.send_signal(signal.SIGKILL)
        wait_for(lambda: not any(Path(f'/proc/{pid}').exists() for pid in pids), 'end of all')
        assert torques(sim)[-6:] == [0] * 6
    assert not [name for name in present(mine) if 'port' not in name]


def torques(sim: SimClient) -> list[int]:
    writes = sim.registers('follower')
    return [write['data'][0] for write in writes if write['address'] == TORQUE_ENABLE]
