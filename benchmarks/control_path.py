"""Does recording disturb the arm? A 100 Hz loop through driver and mux, with and without.

A leader (here: plain commands at 100 Hz) asks the command mux, the mux asks the driver of a
simulated arm, all in processes of their own. Measured from outside: how late the driver's
``joint_states`` come against their own period, and how long a command takes until it comes out of
``joint_commands_sent``. Recording of two foreign cameras is switched on and off in turns::

    python -m benchmarks.control_path --turns 4 --seconds 10
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rclpy
import yaml
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from benchmarks.processes import Child, load, others_s, real_time_threads, steal_s
from benchmarks.recording import Cameras, add_options, film_of, start_publishers, topics_flags
from lerobot_drivers.common.naming import source_topic

RATE_HZ = 100
MOST_ADDED_MS, LATEST_MS = 2.0, 5.0
NAMESPACE = '/arm'


class Probe:
    """Commands the mux and hears what the driver makes of it, without an executor."""

    def __init__(self) -> None:
        self.node = rclpy.create_node('probe', namespace=NAMESPACE)
        qos = QoSProfile(depth=1000)
        self.command = self.node.create_publisher(JointState, source_topic('teleop'), 10)
        self.heard = {
            topic: self.node.create_subscription(JointState, topic, lambda _m: None, qos, raw=True)
            for topic in ('joint_states', 'joint_commands_sent')
        }
        self.number = 0
        self.joints: list[str] = []

    def wait_for_arm(self) -> None:
        """Learn the joints from the first state."""
        from rclpy.serialization import deserialize_message

        while not self.joints:
            for data, _ in self._drained('joint_states'):
                self.joints = list(deserialize_message(data, JointState).name)
            time.sleep(0.02)

    def run(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Command for a while; return lateness of the states and latency of commands [ms]."""
        for topic in self.heard:
            self._drained(topic)
        sent, states, replies = [], [], []
        start = time.monotonic()
        for turn in range(round(seconds * RATE_HZ)):
            time.sleep(max(0.0, start + turn / RATE_HZ - time.monotonic()))
            sent.append(self._send())
            states += [info['source_timestamp'] for _, info in self._drained('joint_states')]
            replies += [
                info['source_timestamp'] for _, info in self._drained('joint_commands_sent')
            ]
        return lateness_ms(states), latency_ms(sent, replies)

    def _send(self) -> int:
        self.number += 1
        now = time.time_ns()
        goal = 0.3 * np.sin(self.number / 60)
        message = JointState(name=self.joints, position=[float(goal)] * len(self.joints))
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
        self.command.publish(message)
        return now

    def _drained(self, topic: str) -> list:
        handle, found = self.heard[topic].handle, []
        while (taken := handle.take_message(JointState, True)) is not None:
            found.append(taken)
        return found


def lateness_ms(stamps: list[int]) -> np.ndarray:
    """Return how much later than its period each cycle came [ms]."""
    gaps = np.diff(np.array(stamps, dtype=np.int64)) / 1e6
    return np.maximum(gaps - 1e3 / RATE_HZ, 0.0)


def latency_ms(sent: list[int], replies: list[int]) -> np.ndarray:
    """Return the time from each command to the first thing the driver did after it [ms]."""
    at = np.searchsorted(replies, sent)
    found = [(replies[i] - s) / 1e6 for s, i in zip(sent, at, strict=True) if i < len(replies)]
    return np.array(found)


@contextmanager
def arm(folder: Path) -> Iterator[list[Child]]:
    """Run driver and mux of a simulated arm."""
    robot = {'type': 'so101_follower', 'port': 'sim://control/follower', 'id': 'arm'}
    config = folder / 'session.yaml'
    config.write_text(yaml.safe_dump({'robot': robot}))
    arguments = ['--ros-args', '-r', f'__ns:={NAMESPACE}', '-p', f'config_file:={config}']
    modules = ('lerobot_drivers.arm_node', 'lerobot_teleop.command_mux_node')
    children = [Child(['-m', module, *arguments]) for module in modules]
    try:
        yield children
    finally:
        for child in children:
            child.stop()


@contextmanager
def recording(folder: Path, cameras: Cameras, turn: int, nice: int) -> Iterator[Child]:
    """Run the recorder, until left; its threads made nice if told."""
    log = folder / 'recorder.log'
    root = folder / f'dataset{turn}'
    flags = ['--dataset.repo_id=bench/control', '--dataset.single_task=Benchmark']
    flags += [f'--dataset.root={root}', '--dataset.episode_time_s=3600']
    flags += ['--topics.state=/lab/joint_states', '--topics.action=/lab/joint_commands']
    flags += topics_flags(cameras)
    recorder = Child(['-m', 'lerobot_drivers.cli', 'record', '--attach=true', *flags], log=log)
    assert recorder.process.stdout is not None
    for line in recorder.process.stdout:
        if line.startswith('recording'):
            break
    if recorder.ended():
        raise SystemExit(f'the recorder ended: {log.read_text()[-500:]}')
    for task in Path(f'/proc/{recorder.pid}/task').iterdir() if nice else ():
        os.setpriority(os.PRIO_PROCESS, int(task.name), nice)
    try:
        yield recorder
    finally:
        recorder.stop()


def described(values: np.ndarray) -> str:
    p50, p99 = np.percentile(values, (50, 99))
    return f'p50 {p50:.2f}, p99 {p99:.2f}, max {values.max():.2f} ms'


def measure(probe: Probe, seconds: float, everyone: list[Child], name: str) -> np.ndarray:
    """Measure one turn, print it, return the lateness [ms]."""
    pids = [os.getpid(), *(child.pid for child in everyone)]
    before, stolen = [child.cpu_s() for child in everyone], steal_s()
    others = others_s(pids)
    late, latency = probe.run(seconds)
    used = [child.cpu_s() - was for child, was in zip(everyone, before, strict=True)]
    found = [entry for child in everyone for entry in real_time_threads(child.pid)]
    print(
        f'{name}: late {described(late)}; command to arm {described(latency)}; '
        f'driver {used[0] / seconds:.2f}, mux {used[1] / seconds:.2f}, '
        f'cameras and recorder {sum(used[2:]) / seconds:.2f}, everything else '
        f'{(others_s(pids) - others) / seconds:.2f} core, stolen {steal_s() - stolen:.1f} s; '
        f'real-time threads: {found or "none"}'
    )
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    add_options(parser)
    parser.add_argument('--seconds', type=float, default=10.0, help='of one turn')
    parser.add_argument('--nice', type=int, default=0, help='also with a recorder this nice')
    parser.add_argument('--turns', type=int, default=3, help='with and without recording, each')
    options = parser.parse_args()
    cameras = Cameras.of(options, 2)
    print(f'{cameras.described()}; {load()}')
    rclpy.init(args=[])
    nices = {'recording': 0} | ({'recording, nice': options.nice} if options.nice else {})
    late: dict[str, list[np.ndarray]] = {'without': [], **{name: [] for name in nices}}
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        folder = Path(name)
        film = film_of(options, folder)
        with arm(folder) as children:
            probe = Probe()
            probe.wait_for_arm()
            publishers = start_publishers(cameras, film, folder / 'cameras.log')
            everyone = [*children, *publishers]
            try:
                probe.run(2.0)
                for turn in range(options.turns):
                    late['without'].append(measure(probe, options.seconds, everyone, 'without'))
                    for key, nice in nices.items():
                        with recording(folder, cameras, turn, nice) as recorder:
                            probe.run(1.0)
                            running = [*everyone, recorder]
                            late[key].append(measure(probe, options.seconds, running, key))
                        shutil.rmtree(folder / f'dataset{turn}')
            finally:
                for child in publishers:
                    child.stop()
    rclpy.shutdown()
    both = {key: np.concatenate(parts) for key, parts in late.items()}
    p99 = {key: np.percentile(values, 99) for key, values in both.items()}
    for key in nices:
        print(
            f'{key}: {p99[key] - p99["without"]:+.2f} ms on the p99 (goal {MOST_ADDED_MS}); '
            f'latest cycle {both[key].max():.1f} ms late, {both["without"].max():.1f} without '
            f'(goal {LATEST_MS} on an idle machine)'
        )
    print(load())


if __name__ == '__main__':
    main()
