"""How often the scripted person succeeds (``python -m benchmarks.twin_expert``).

Through the real drivers in real time, or ``--fast``: goals straight to the shafts, in fake time.
"""

from __future__ import annotations

import argparse
import os
import time

from benchmarks.processes import load
from benchmarks.twin_cost import RATE_HZ, teleoperated
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.worlds import PHYSICS_SUFFIX

LONGEST_S = 60.0
_ZERO = 2048.0


def in_real_time(episodes: int) -> tuple[int, float]:
    """Return successes and mean time of a demonstration [s], leader -> bus -> follower."""
    successes, spent = 0, 0.0
    with SimClient(f'expert{os.getpid()}{PHYSICS_SUFFIX}') as world, teleoperated(world.world):
        for _ in range(episodes):
            world.ask_operator('leader', 'wait')
            while not world.ask_operator('leader')['waits']:
                time.sleep(0.05)
            time.sleep(1.0)
            before = world.ask_operator('leader', 'begin')['finished']
            began = time.monotonic()
            while (answer := world.ask_operator('leader'))['finished'] == before:
                if time.monotonic() - began > LONGEST_S:
                    raise SystemExit('the demonstration does not end')
                time.sleep(0.05)
            successes += answer['succeeded']
            spent += time.monotonic() - began
            print(f'  {successes} of {_ + 1}', flush=True)
    return successes, spent / episodes


def in_fake_time(episodes: int, seed: int) -> tuple[int, float]:
    """Return successes and mean time of a demonstration [s]."""
    from lerobot_drivers.sim.twin.expert import Expert
    from lerobot_drivers.sim.twin.physics import Physics
    from lerobot_drivers.sim.twin.task import PickAndPlace

    physics = Physics(0)
    task = PickAndPlace(physics, seed)
    expert = Expert(seed, physics, task)
    shafts = physics.connect_shafts([_ZERO] * 6, [(-4000.0, 8000.0)] * 6)
    for shaft in shafts:
        shaft.set_p_gain(16)
    shafts[-1].torque_limit = 0.5
    step = 0
    while expert.hear('')['finished'] < episodes:
        for shaft, angle in zip(shafts, expert.state(step / RATE_HZ)[0], strict=True):
            shaft.target = _ZERO + angle / RAD_PER_TICK
        step += 1
        physics.advance(round(step / RATE_HZ * 1e9))
    return task.successes, step / RATE_HZ / episodes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--episodes', type=int, default=20)
    parser.add_argument('--fast', action='store_true', help='in fake time, without servos')
    parser.add_argument('--seed', type=int, default=1, help='of --fast')
    options = parser.parse_args()
    print(load())
    if options.fast:
        successes, mean_s = in_fake_time(options.episodes, options.seed)
    else:
        successes, mean_s = in_real_time(options.episodes)
    print(f'{successes} of {options.episodes} demonstrations succeeded, {mean_s:.1f} s each')


if __name__ == '__main__':
    main()
