"""What a Reachy 2 costs: its states and goals through the process that has the SDK.

Against the same SDK alone, connected and idle, on the same simulated robot in the same run.
Needs an interpreter with reachy2-sdk: LEROBOT_ROS_REACHY2_PYTHON, or this one.

    LEROBOT_ROS_REACHY2_PYTHON=~/reachy2/bin/python python benchmarks/reachy2_link.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import psutil

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.reachy2 import Reachy2
from lerobot_drivers.robots.reachy2_link import sdk_python
from lerobot_drivers.sim.reachy2_client import SimReachy

RATE_HZ = 100.0
SECONDS = 10.0
CALLS = 500
ALONE = """
import sys, time
from reachy2_sdk import ReachySDK
reachy = ReachySDK(sys.argv[1])
time.sleep(99)
"""


def main() -> None:
    """Measure and print."""
    address = f'sim://benchmark-{os.getpid()}/reachy'
    robot = make_robot(RobotConfig(type='reachy2', port=address))
    assert isinstance(robot, Reachy2)
    driver = ArmDriver(robot, RATE_HZ, SystemClock(), print)
    begin = time.perf_counter()
    driver.connect()
    print(f'connecting, with the SDK loaded and torque on: {time.perf_counter() - begin:.2f} s')
    with SimReachy(address, sdk_python(None)) as sim:
        alone = subprocess.Popen([sdk_python(None), '-c', ALONE, sim.host])
        time.sleep(2.0)
        print(f'a state: {milliseconds(robot.read_state):.3f} ms')
        print(f'a goal of 21 joints: {milliseconds(lambda: driver.write(driver.goal)):.3f} ms')
        report(driver, alone.pid)
        alone.kill()
        alone.wait()
    driver.disconnect()


def milliseconds(call: Callable[[], object]) -> float:
    """Return the median time of a call [ms]."""
    took = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
    return 1e3 * median(took)


def report(driver: ArmDriver, alone: int) -> None:
    """Read and write at the node's rate for a while, and print what that costs whom."""
    worker = psutil.Process().children()[0]
    processes = {'driver': psutil.Process(), 'worker': worker, 'SDK alone': psutil.Process(alone)}
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    states = 0
    begin = time.monotonic()
    next_s = begin
    while time.monotonic() - begin < SECONDS:
        states += driver.step() is not None
        driver.write(driver.goal)
        next_s += 1.0 / RATE_HZ
        time.sleep(max(next_s - time.monotonic(), 0.0))
    passed = time.monotonic() - begin
    spent = {name: cpu_seconds(process) - before[name] for name, process in processes.items()}
    print(
        f'{states / passed:.1f} states/s and as many goals, for {passed:.0f} s, load '
        f'{os.getloadavg()[0]:.1f}; of a core:'
    )
    for name, seconds in spent.items():
        print(f'  {name:10} {100.0 * seconds / passed:5.1f} %')
    print(f'  worker / SDK alone = {spent["worker"] / spent["SDK alone"]:.2f}')


def cpu_seconds(process: psutil.Process) -> float:
    """Return what a process has used so far [s]."""
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == '__main__':
    sys.exit(main())
