"""Does Robotis' SDK carry the bus, or our own framing? Both on the same emulated motors.

Six motors of an emulated Koch follower, at 1 MBd with wire time and the adapter's latency. In
turns, so that both meet the same load::

    python -m benchmarks.dynamixel_bus --seconds 3 --turns 3

Measured of each: cycles a second flat out (state read, goals written) and CPU per cycle; CPU at a
steady 100 Hz; what comes of one reply that is late by half a second; failed cycles beside busy
processes, each without retries; two buses in one process, a thread each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

import dynamixel_sdk as sdk

from lerobot_drivers.common.errors import BusError
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus
from lerobot_drivers.motors.motors_bus import BusSettings
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER
from lerobot_drivers.sim.client import SimClient

STATE, STATE_SIZE, GOAL, POSITION, VOLTAGE = 126, 21, 116, 132, 144
P_GAIN, PWM_LIMIT = (84, 2), (36, 2)
PACED_HZ = 100
LATE_S = 0.5
WORLD = 'dynamixel-bench'


class Bus(Protocol):
    """What is compared."""

    def cycle(self) -> bool:
        """Read the state of all motors and write goals; return whether that worked."""
        ...

    def single(self, address: int, size: int) -> int | None:
        """Return a register of the first motor, None if that failed."""
        ...

    def close(self) -> None:
        """Close the port."""
        ...


class Ours:
    """Our bus, without retries."""

    def __init__(self, path: str, fast: bool) -> None:
        settings = BusSettings(num_retry=0)
        self.bus = DynamixelMotorsBus(SerialPort(path), KOCH_FOLLOWER.motors, settings=settings)
        self.bus.connect()
        self.bus.is_fast = fast

    def cycle(self) -> bool:
        """Read the state of all motors and write goals; return whether that worked."""
        try:
            state = self.bus.read_state()
        except BusError:
            return False
        positions = state.registers['Present_Position'].tolist()
        self.bus.sync_write('Goal_Position', dict(zip(self.bus.motors, positions, strict=True)))
        return True

    def single(self, address: int, size: int) -> int | None:
        """Return a register of the first motor, None if that failed."""
        try:
            reply = self.bus._one(
                'shoulder_pan', 'read', lambda i: self.bus._read(i, address, size)
            )
        except BusError:
            return None
        return int.from_bytes(reply.data, 'little')

    def close(self) -> None:
        """Close the port."""
        self.bus.disconnect()


class Theirs:
    """The SDK, as its examples and LeRobot use it: groups, no retries."""

    def __init__(self, path: str, fast: bool) -> None:
        self.port = sdk.PortHandler(path)
        assert self.port.openPort() and self.port.setBaudRate(1_000_000)
        self.packets = sdk.PacketHandler(2.0)
        self.ids = [motor.id for motor in KOCH_FOLLOWER.motors.values()]
        self.state = sdk.GroupSyncRead(self.port, self.packets, STATE, STATE_SIZE)
        self.goals = sdk.GroupSyncWrite(self.port, self.packets, GOAL, 4)
        for motor_id in self.ids:
            self.state.addParam(motor_id)
        self.ask = self.state.fastSyncRead if fast else self.state.txRxPacket

    def cycle(self) -> bool:
        """Read the state of all motors and write goals; return whether that worked."""
        try:
            if self.ask() != sdk.COMM_SUCCESS:
                return False
            positions = [self.state.getData(i, POSITION, 4) for i in self.ids]
            for address, size in ((STATE, 2), (128, 4), (VOLTAGE, 2), (146, 1)):
                for motor_id in self.ids:
                    self.state.getData(motor_id, address, size)
        except IndexError:
            return False
        self.goals.clearParam()
        for motor_id, position in zip(self.ids, positions, strict=True):
            self.goals.addParam(motor_id, list(position.to_bytes(4, 'little')))
        return bool(self.goals.txPacket() == sdk.COMM_SUCCESS)

    def single(self, address: int, size: int) -> int | None:
        """Return a register of the first motor, None if that failed."""
        read = {1: self.packets.read1ByteTxRx, 2: self.packets.read2ByteTxRx}
        value, result, _ = read.get(size, self.packets.read4ByteTxRx)(self.port, 1, address)
        return value if result == sdk.COMM_SUCCESS else None

    def close(self) -> None:
        """Close the port."""
        self.port.closePort()


Make = Callable[[str], Bus]
KINDS: dict[str, Make] = {
    'ours, sync-read': lambda path: Ours(path, fast=False),
    'ours, fast': lambda path: Ours(path, fast=True),
    'SDK, sync-read': lambda path: Theirs(path, fast=False),
    'SDK, fast': lambda path: Theirs(path, fast=True),
}


@dataclass
class Run:
    """One stretch of cycles."""

    hz: float
    cpu_us: float
    core: float
    failed: int
    median_ms: float
    worst_ms: float


def stretch(bus: Bus, seconds: float, period_s: float = 0.0) -> Run:
    """Return what cycles cost, flat out or at a steady rate."""
    took: list[float] = []
    failed = 0
    start, cpu = time.perf_counter(), time.thread_time()
    end, due = start + seconds, start
    while (begin := time.perf_counter()) < end:
        failed += not bus.cycle()
        took.append(time.perf_counter() - begin)
        if period_s:
            due = max(due + period_s, time.perf_counter() - period_s)
            time.sleep(max(due - time.perf_counter(), 0.0))
    wall, used = time.perf_counter() - start, time.thread_time() - cpu
    worst = sorted(took)[int(0.99 * (len(took) - 1))]
    return Run(
        len(took) / wall,
        used / len(took) * 1e6,
        used / wall,
        failed,
        statistics.median(took) * 1e3,
        worst * 1e3,
    )


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep the processors busy."""
    children = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(processes)]
    for child in children:
        child.start()
    try:
        yield
    finally:
        for child in children:
            child.terminate()
            child.join()


def _spin() -> None:
    while True:
        sum(range(10_000))


def stale(world: SimClient, device: str, bus: Bus) -> str:
    """Return what reads of a register give after the reply to a read of another came late."""
    expected = bus.single(*PWM_LIMIT)
    world.inject(device, 'delay', seconds=LATE_S, count=1)
    bus.single(*P_GAIN)
    wrong = failed = 0
    end = time.monotonic() + 2 * LATE_S
    while time.monotonic() < end:
        value = bus.single(*PWM_LIMIT)
        failed += value is None
        wrong += value is not None and value != expected
    return f'{wrong} wrong, {failed} failed'


def pair(makers: Make, paths: list[str], seconds: float) -> list[Run]:
    """Return what two buses in one process do, a thread each."""
    buses = [makers(path) for path in paths]
    runs: dict[int, Run] = {}
    threads = [
        threading.Thread(target=lambda n=n, b=b: runs.update({n: stretch(b, seconds)}))
        for n, b in enumerate(buses)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for bus in buses:
        bus.close()
    return [runs[number] for number in sorted(runs)]


def show(what: str, name: str, runs: list[Run]) -> None:
    """Print the medians over turns."""

    def mid(field: str) -> float:
        return statistics.median(getattr(run, field) for run in runs)

    print(
        f'{what:22} {name:16} {mid("hz"):7.0f} Hz  {mid("cpu_us"):6.0f} us CPU/cycle '
        f'{100 * mid("core"):5.1f} % of a core  median {mid("median_ms"):6.2f} ms '
        f'p99 {mid("worst_ms"):6.2f} ms  failed {sum(run.failed for run in runs)}',
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=3.0)
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--busy', type=int, default=4, help='busy processes beside')
    options = parser.parse_args()
    print(f'dynamixel-sdk {version("dynamixel-sdk")}')
    with SimClient(WORLD) as world:
        paths = [world.attach_arm(name, 'koch_follower').port for name in ('left', 'right')]
        measure(world, paths, options)


def measure(world: SimClient, paths: list[str], options: argparse.Namespace) -> None:
    """Run all comparisons, the kinds in turns."""
    alone: dict[tuple[str, str], list[Run]] = {}
    for _ in range(options.turns):
        for name, make in KINDS.items():
            bus = make(paths[0])
            alone.setdefault(('flat out', name), []).append(stretch(bus, options.seconds))
            paced = stretch(bus, options.seconds, 1 / PACED_HZ)
            alone.setdefault((f'at {PACED_HZ} Hz', name), []).append(paced)
            bus.close()
            two = pair(make, paths, options.seconds)
            alone.setdefault(('each of two buses', name), []).extend(two)
    with busy(options.busy):
        for _ in range(options.turns):
            for name, make in KINDS.items():
                bus = make(paths[0])
                paced = stretch(bus, options.seconds, 1 / PACED_HZ)
                alone.setdefault((f'{PACED_HZ} Hz, {options.busy} busy beside', name), []).append(
                    paced
                )
                bus.close()
    for (what, name), runs in sorted(alone.items()):
        show(what, name, runs)
    for name in ('ours, sync-read', 'SDK, sync-read'):
        bus = KINDS[name](paths[0])
        print(f'one reply late by {LATE_S} s  {name:16} {stale(world, "left", bus)}')
        bus.close()
        time.sleep(LATE_S)


if __name__ == '__main__':
    main()
