"""What do arms cost on their buses? One and two arms of a kind in one run, on the emulator.

At 1 MBd with wire time and 1 ms of the adapter's latency; the emulator is another process::

    python -m benchmarks.arm_buses --seconds 3

Measured of each: readings a second flat out; and at a steady rate, with goals written as often as
states are read, the rate that came of it, the processor time of a cycle, and how long one takes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

from lerobot_drivers.robots import Robot, RobotConfig, make_robot

WORLD = 'arm-buses-bench'
ARMS = {
    'so101_follower': ('port',),
    'koch_follower': ('port',),
    'viperx': ('port',),
    'bi_so_follower': ('left_arm_port', 'right_arm_port'),
    'aloha': ('left_arm_port', 'right_arm_port'),
}
RATES_HZ = (50, 100)


@dataclass(frozen=True)
class Paced:
    """What came of a steady rate."""

    rate_hz: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def connected(name: str) -> Robot:
    """Return a simulated robot that holds its pose."""
    ports = {key: f'sim://{WORLD}/{name}_{key}' for key in ARMS[name]}
    robot = make_robot(RobotConfig(type=name, **ports))
    robot.connect()
    return robot


def flat_out(robot: Robot, seconds: float) -> float:
    """Return readings a second."""
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        robot.read_state()
        count += 1
    return count / (time.monotonic() - start)


def paced(robot: Robot, rate_hz: float, seconds: float) -> Paced:
    """Read and write at a steady rate."""
    pose, took = robot.read_state().position, []
    start, cpu = time.monotonic(), time.process_time()
    for number in range(1, round(seconds * rate_hz) + 1):
        begin = time.monotonic()
        robot.read_state()
        robot.write_goal(pose)
        took.append(1e3 * (time.monotonic() - begin))
        time.sleep(max(0.0, start + number / rate_hz - time.monotonic()))
    passed = time.monotonic() - start
    cpu_ms = 1e3 * (time.process_time() - cpu) / len(took)
    return Paced(len(took) / passed, cpu_ms, *np.percentile(took, [50, 99]))


def main() -> None:
    """Print a line for each kind and rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=3.0, help='of each measurement')
    seconds = parser.parse_args().seconds
    for name in ARMS:
        robot = connected(name)
        try:
            print(f'{name}: {flat_out(robot, seconds):.0f} readings/s flat out')
            for rate_hz in RATES_HZ:
                found = paced(robot, rate_hz, seconds)
                print(
                    f'  {rate_hz} Hz asked: {found.rate_hz:.1f} Hz, {found.cpu_ms:.2f} ms of CPU '
                    f'a cycle = {found.cpu_ms * rate_hz / 10:.1f} % of a core; a cycle takes '
                    f'{found.p50_ms:.1f} ms (p99 {found.p99_ms:.1f})'
                )
        finally:
            robot.disconnect()


if __name__ == '__main__':
    main()
