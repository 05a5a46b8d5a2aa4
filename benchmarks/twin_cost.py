"""What a world with physics costs, beside one without (``python -m benchmarks.twin_cost``).

Processor time of the world's process while a leader is read and a follower written at 50 Hz,
then with two cameras read too; the same for the world that draws without physics, in turn.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.processes import cpu_s, load, memory_mb
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.worlds import PHYSICS_SUFFIX
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

RATE_HZ = 50
FPS = 30
SIZES = {'no camera': (), '2 x 320x240': (320, 240), '2 x 640x480': (640, 480)}
CAMERAS = ('front', 'top')
STEPS = 20_000


@contextmanager
def teleoperated(world: str) -> Iterator[list[float]]:
    """Let the follower of a world do as its leader does; yields how late each step was [s]."""
    robot = make_robot(RobotConfig(type='so101_follower', port=f'sim://{world}/follower'))
    leader = make_teleoperator(TeleopConfig(type='so101_leader', port=f'sim://{world}/leader'))
    late: list[float] = []
    ended = threading.Event()

    def follow() -> None:
        due = time.monotonic()
        while not ended.wait(max(due - time.monotonic(), 0.0)):
            late.append(time.monotonic() - due)
            robot.write_goal(leader.read_state().position)
            due = max(due + 1 / RATE_HZ, time.monotonic() - 1 / RATE_HZ)

    leader.connect()
    robot.connect()
    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield late
    finally:
        ended.set()
        thread.join()
        robot.disconnect()
        leader.disconnect()


def pictures(client: SimClient, size: tuple[int, int], seconds: float) -> float:
    """Read two cameras for a while; return how many pictures each gave [1/s]."""
    counts = dict.fromkeys(CAMERAS, 0)

    def watch(name: str) -> None:
        with client.attach_camera(name, *size, FPS) as camera:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                camera.read(5.0)
                counts[name] += 1

    threads = [threading.Thread(target=watch, args=(name,)) for name in CAMERAS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts.values()) / len(counts) / seconds


def measure(world: str, seconds: float) -> dict[str, str]:
    """Return a column of the table: row -> value."""
    column = {}
    with ExitStack() as stack:
        started = time.perf_counter()
        client = stack.enter_context(SimClient(world))
        column['start [s]'] = f'{time.perf_counter() - started:.2f}'
        pid = int(client.info()['pid'])
        stack.enter_context(teleoperated(world))
        for name, size in SIZES.items():
            before, began = cpu_s(pid), time.monotonic()
            if size:
                rate = f', {pictures(client, size, seconds):.1f} pictures/s each'
            else:
                rate = ''
                time.sleep(seconds)
            spent = (cpu_s(pid) - before) / (time.monotonic() - began)
            column[name] = f'{100 * spent:.1f} % of a core{rate}'
        column['memory [MB]'] = f'{memory_mb(pid)[0]:.0f}'
    return column


def physics_speed() -> str:
    """Return how fast the scene runs alone in this process, as a multiple of real time."""
    from lerobot_drivers.sim.twin.physics import STEP_NS, Physics

    physics = Physics(0)
    for shaft in physics.connect_shafts([2048.0] * 6, [(-4000.0, 8000.0)] * 6):
        shaft.set_p_gain(16)
        shaft.target = shaft.position + 100.0
    began = time.process_time()
    for step in range(1, STEPS + 1):
        physics.advance(step * STEP_NS)
    spent = time.process_time() - began
    simulated = STEPS * STEP_NS * 1e-9
    return f'{simulated / spent:.0f} x real time, {STEPS / spent:.0f} steps/s'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=6.0, help='of each measurement')
    parser.add_argument('--turns', type=int, default=2)
    options = parser.parse_args()
    gl = os.environ.get('MUJOCO_GL', 'chosen by what is installed')
    print(f'MUJOCO_GL: {gl}; {load()}')
    print(f'physics alone: {physics_speed()}')
    for turn in range(options.turns):
        for kind, suffix in (('without physics', ''), ('with physics', PHYSICS_SUFFIX)):
            column = measure(f'cost{os.getpid()}-{turn}{suffix}', options.seconds)
            print(f'turn {turn}, {kind}, {load()}')
            for row, value in column.items():
                print(f'  {row:12} {value}')


if __name__ == '__main__':
    main()
