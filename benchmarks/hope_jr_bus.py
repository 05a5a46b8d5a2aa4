"""How often can a HOPE Jr be read, and what does its health cost? On emulated motors.

The hand's sixteen servos know no sync-read: each is asked by itself. Compared are the whole state
of each (position, velocity, load, voltage, temperature, errors), as our driver reads it; positions
only; and positions by Feetech's SDK, as LeRobot reads them. At 1 MBd with wire time and the
adapter's latency, in turns, so that all meet the same load::

    python -m benchmarks.hope_jr_bus --seconds 3 --turns 3
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import scservo_sdk as sdk

from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.hope_jr_arm import HOPE_JR_ARM
from lerobot_drivers.robots.hope_jr_hand import HANDS
from lerobot_drivers.sim.client import SimClient

WORLD = 'hope-jr-bench'
POSITION = 56
Read = Callable[[], object]


@contextmanager
def state(path: str, plan: ArmPlan) -> Iterator[Read]:
    """Yield what reads the whole state."""
    bus = plan.bus(SerialPort(path), plan.motors)
    bus.connect()
    yield bus.read_state
    bus.disconnect()


@contextmanager
def positions(path: str, plan: ArmPlan) -> Iterator[Read]:
    """Yield what reads positions only."""
    bus = plan.bus(SerialPort(path), plan.motors)
    bus.connect()
    yield lambda: bus.sync_read('Present_Position')
    bus.disconnect()


@contextmanager
def by_sdk(path: str, plan: ArmPlan) -> Iterator[Read]:
    """Yield what reads positions one by one with the vendor's SDK."""
    port = sdk.PortHandler(path)
    assert port.openPort() and port.setBaudRate(1_000_000)
    packets = sdk.PacketHandler(1)
    ids = [motor.id for motor in plan.motors.values()]
    yield lambda: [packets.read2ByteTxRx(port, motor_id, POSITION) for motor_id in ids]
    port.closePort()


HAND = HANDS['right']
KINDS = {
    'hand, whole state': (state, HAND, 'hand'),
    'hand, positions': (positions, HAND, 'hand'),
    'hand, positions by SDK': (by_sdk, HAND, 'hand'),
    'arm, whole state': (state, HOPE_JR_ARM, 'arm'),
}


def measure(read: Read, seconds: float) -> tuple[float, float, float]:
    """Return readings a second, CPU of each [ms] and share of a core while reading flat out."""
    start, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        read()
        count += 1
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    return count / wall, used / count * 1e3, used / wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=3.0)
    parser.add_argument('--turns', type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {}
    with SimClient(WORLD) as world:
        paths = {
            'hand': world.attach_arm('hand', 'hope_jr_hand_right').port,
            'arm': world.attach_arm('arm', 'hope_jr_arm').port,
        }
        for _ in range(options.turns):
            for name, (opened, plan, device) in KINDS.items():
                with opened(paths[device], plan) as read:
                    found.setdefault(name, []).append(measure(read, options.seconds))
    print(f'{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {options.turns}')
    for name, runs in found.items():
        hz, cpu_ms, core = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f'{name:24} {hz:6.1f} Hz {cpu_ms:6.2f} ms CPU each {100 * core:5.1f} % of a core')


if __name__ == '__main__':
    main()
