"""What an arm in operation costs: the bus alone flat out, the whole node at 100 Hz.

Six emulated motors at 1 MBd, with the time that the wire and a USB adapter take. Of each kind of
arm, in one run and in turns, so that all meet the same load::

    python -m benchmarks.arm_node --seconds 10 --turns 3

First the driver, flat out: state read, goals written. Then the node in a process of its own, at
100 Hz, commanded at 100 Hz by this one: its processor time, all threads, discovery, diagnostics
and services included; against the same node on rclpy's own executor, and against the driver's
calls alone at the same rate, so that what the node adds is seen. What others do on the machine
makes each instruction dearer: a fixed piece of work is timed all along, and the least of the turns
is told beside the median.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import rclpy
import yaml
from sensor_msgs.msg import JointState

from benchmarks.processes import Child, load, steal_s
from lerobot_drivers.common.errors import BusError
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient

KINDS = ('so101_follower', 'koch_follower')
RATE_HZ = 100
LEAST_HZ, MOST_CORE = 200, 0.10
WORLD = 'arm-node-bench'
PLAIN = (
    'import lerobot_drivers.ros as ros; from rclpy.executors import SingleThreadedExecutor; '
    'ros.SteadyExecutor = SingleThreadedExecutor; import runpy; '
    'runpy.run_module("lerobot_drivers.arm_node", run_name="__main__")'
)
NODES = {
    'node': ['-m', 'lerobot_drivers.arm_node'],
    "node on rclpy's executor": ['-c', PLAIN],
}


def port(kind: str) -> str:
    """Return the address of an arm."""
    return f'sim://{WORLD}/{kind}'


def yardstick() -> float:
    """Return the processor time that a fixed piece of work takes just now [s]."""
    begin = time.thread_time()
    sum(number * number for number in range(20_000))
    return time.thread_time() - begin


def flat_out(kind: str, seconds: float) -> tuple[float, float]:
    """Return cycles of reading and writing a second, and this thread's time for one [us]."""
    robot = make_robot(RobotConfig(type=kind, port=port(kind)))
    robot.connect()
    cycles, cpu, start = 0, time.thread_time(), time.perf_counter()
    while time.perf_counter() < start + seconds:
        with suppress(BusError):  # a machine that stands still for a third of a second
            robot.write_goal(robot.read_state().position)
            cycles += 1
    took, used = time.perf_counter() - start, time.thread_time() - cpu
    robot.hang_up()
    return cycles / took, used / cycles * 1e6


def paced(kind: str, seconds: float) -> float:
    """Return what the driver's calls alone take at the node's rate [core]."""
    robot = make_robot(RobotConfig(type=kind, port=port(kind)))
    robot.connect()
    cpu, start = time.thread_time(), time.perf_counter()
    for turn in range(round(seconds * RATE_HZ)):
        time.sleep(max(0.0, start + turn / RATE_HZ - time.perf_counter()))
        with suppress(BusError):
            robot.write_goal(robot.read_state().position)
    used = (time.thread_time() - cpu) / (time.perf_counter() - start)
    robot.hang_up()
    return used


class Commander:
    """Commands an arm and counts its states, without an executor."""

    def __init__(self, namespace: str) -> None:
        self.node = rclpy.create_node('commander', namespace=namespace)
        self.command = self.node.create_publisher(JointState, 'joint_commands', 10)
        self.states = self.node.create_subscription(
            JointState, 'joint_states', lambda _m: None, 1000, raw=True
        )

    def first_state(self, child: Child) -> JointState:
        """Return the first state, which tells that the node is up."""
        from rclpy.serialization import deserialize_message

        while not (found := self.taken()):
            if child.ended():
                raise SystemExit('the arm node ended')
            time.sleep(0.02)
        return deserialize_message(found[0], JointState)

    def taken(self) -> list[bytes]:
        """Return the states that have come."""
        found = []
        while (taken := self.states.handle.take_message(JointState, True)) is not None:
            found.append(taken[0])
        return found

    def run(self, names: Sequence[str], position: Sequence[float], seconds: float) -> int:
        """Command for a while; return how many states came."""
        self.taken()
        count, start = 0, time.monotonic()
        for turn in range(round(seconds * RATE_HZ)):
            time.sleep(max(0.0, start + turn / RATE_HZ - time.monotonic()))
            sway = 0.05 * np.sin(turn / 30)
            message = JointState(name=list(names), position=[p + sway for p in position])
            message.header.stamp = self.node.get_clock().now().to_msg()
            self.command.publish(message)
            count += len(self.taken())
        return count


def node_core(kind: str, name: str, seconds: float, folder: Path) -> tuple[float, float]:
    """Return the share of a core that a node takes, and the states it publishes a second."""
    config = folder / f'{kind}.yaml'
    robot = {'type': kind, 'port': port(kind), 'rate_hz': RATE_HZ}
    config.write_text(yaml.safe_dump({'robot': robot}))
    namespace = f'/{kind}'
    child = Child(
        [*NODES[name], '--ros-args', '-r', f'__ns:={namespace}', '-p', f'config_file:={config}'],
        log=folder / 'node.log',
    )
    commander = Commander(namespace)
    try:
        state = commander.first_state(child)
        commander.run(state.name, state.position, 1.0)
        cpu, start = child.cpu_s(), time.monotonic()
        count = commander.run(state.name, state.position, seconds)
        took = time.monotonic() - start
        return (child.cpu_s() - cpu) / took, count / took
    finally:
        commander.node.destroy_node()
        with suppress(ProcessLookupError):
            child.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--seconds', type=float, default=10.0, help='of one turn')
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--kinds', nargs='*', default=list(KINDS))
    options = parser.parse_args()
    rclpy.init(args=[])
    print(load())
    with tempfile.TemporaryDirectory() as name, SimClient(WORLD) as world:
        for kind in options.kinds:
            world.attach_arm(kind, kind)
            measure(kind, options, Path(name))
    rclpy.shutdown()
    print(load())


def measure(kind: str, options: argparse.Namespace, folder: Path) -> None:
    """Measure one kind of arm in turns, and print the medians."""
    rates, cycles, alone = [], [], []
    cores: dict[str, list[float]] = {name: [] for name in NODES}
    states: dict[str, list[float]] = {name: [] for name in NODES}
    stolen, sticks = steal_s(), [yardstick() for _ in range(20)]
    for _ in range(options.turns):
        hz, cycle_us = flat_out(kind, options.seconds / 3)
        rates.append(hz)
        cycles.append(cycle_us)
        alone.append(paced(kind, options.seconds / 3))
        for name in NODES:
            sticks += [yardstick() for _ in range(20)]
            core, rate = node_core(kind, name, options.seconds, folder)
            cores[name].append(core)
            states[name].append(rate)
    mid = statistics.median
    print(
        f'{kind}: flat out {mid(rates):.0f} Hz (asked {LEAST_HZ}), {mid(cycles):.0f} us of '
        f'processor a cycle; its calls alone at {RATE_HZ} Hz {100 * mid(alone):.1f} % of a core'
    )
    for name in NODES:
        print(
            f'{kind}: {name} {100 * mid(cores[name]):.1f} % of a core, least '
            f'{100 * min(cores[name]):.1f} (asked less than {100 * MOST_CORE:.0f}) at '
            f'{mid(states[name]):.0f} states/s'
        )
    print(
        f'{kind}: the same work took {mid(sticks) / min(sticks):.2f} times (median) to '
        f'{max(sticks) / min(sticks):.2f} times the processor that it takes undisturbed; '
        f'{steal_s() - stolen:.1f} s stolen by the host meanwhile',
        flush=True,
    )


if __name__ == '__main__':
    main()
