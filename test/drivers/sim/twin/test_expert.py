"""The scripted person at the leader, and the task that is done or not, in fake time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('mujoco', reason='mujoco is not installed (extra sim)')

from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.twin.arm_xml import PARALLEL_AT
from lerobot_drivers.sim.twin.expert import HOME, Expert
from lerobot_drivers.sim.twin.physics import Physics
from lerobot_drivers.sim.twin.scene import CUBE_HALF, TRAY_CENTRE
from lerobot_drivers.sim.twin.task import PickAndPlace

ZERO = 2048.0
TEACH_S = 0.02


class Bench:
    """An expert whose follower gets its goals fifty times a second."""

    def __init__(self, seed: int) -> None:
        self.physics = Physics(0)
        self.task = PickAndPlace(self.physics, seed)
        self.expert = Expert(seed, self.physics, self.task)
        self.shafts = self.physics.connect_shafts([ZERO] * 6, [(-4000.0, 8000.0)] * 6)
        for shaft in self.shafts:
            shaft.set_p_gain(16)
        self.shafts[-1].torque_limit = 0.5
        self.time_s = 0.0
        self.path = []

    def run(self, until, limit_s: float = 60.0) -> bool:
        end_s = self.time_s + limit_s
        while self.time_s < end_s and not until():
            self.path.append(self.expert.state(self.time_s)[0])
            for shaft, angle in zip(self.shafts, self.path[-1], strict=True):
                shaft.target = ZERO + angle / RAD_PER_TICK
            self.time_s += TEACH_S
            self.physics.advance(round(self.time_s * 1e9))
        return until()

    def longest_step(self) -> float:
        """Return how far a joint was led at most from one goal to the next [rad]."""
        return float(np.abs(np.diff(self.path, axis=0)).max())

    def finished(self, count: int):
        return lambda: self.expert.hear('')['finished'] >= count


def test_the_cube_comes_to_lie_on_the_tray_and_then_elsewhere():
    bench = Bench(5)
    start = bench.physics.cube()[0][:3].copy()
    assert bench.run(lambda: bench.task.success)
    assert bench.physics.now()[0][-1] > PARALLEL_AT, 'still in the hand it is not there'
    there = bench.physics.cube()[0][:2]
    assert np.abs(there - TRAY_CENTRE).max() < 0.035
    assert bench.run(bench.finished(1))
    assert bench.expert.hear('')['succeeded']
    bench.run(lambda: False, 0.2)
    assert not bench.task.success
    assert bench.task.truth()['successes'] == 1
    again = bench.physics.cube()[0][:3]
    assert np.linalg.norm(again[:2] - TRAY_CENTRE) > 0.06
    assert np.linalg.norm(again[:2] - start[:2]) > 0.005
    assert bench.run(bench.finished(2))
    assert bench.task.truth()['successes'] == 2


def test_a_cube_like_soap_is_never_brought_and_is_no_success():
    bench = Bench(5)
    for name in ('cube', 'fixed_pad', 'moving_pad'):
        bench.physics.model.geom(name).friction[:] = 0.002
    assert bench.run(bench.finished(1), 90.0)
    assert bench.task.truth()['successes'] == 0


def test_it_waits_and_begins_as_it_is_told():
    bench = Bench(2)
    bench.expert.hear('wait')
    bench.run(lambda: False, 4.0)
    assert bench.expert.hear('') == {'finished': 0, 'succeeded': False, 'waits': True}
    assert np.abs(bench.expert.state(bench.time_s)[0] - HOME).max() < 0.08
    bench.expert.hear('begin')
    assert bench.run(lambda: not bench.expert.hear('')['waits'], 2.0)
    assert bench.run(bench.finished(1))
    bench.run(lambda: False, 2.0)
    assert bench.expert.hear('') == {'finished': 1, 'succeeded': True, 'waits': True}
    assert bench.task.success, 'the cube lies there until somebody says so'
    bench.expert.hear('wait')
    bench.run(lambda: False, 0.2)
    assert not bench.task.success


def test_it_breaks_off_and_goes_home_without_a_jump():
    bench = Bench(2)
    bench.run(lambda: bench.physics.cube()[0][2] > 0.05)
    bench.expert.hear('wait')
    bench.expert.hear('begin')
    assert bench.run(lambda: not bench.expert.hear('')['waits'], 6.0)
    assert bench.expert.hear('')['finished'] == 0, 'what was broken off does not count'
    assert bench.longest_step() < 0.04
    assert np.abs(bench.path[-1] - HOME).max() < 0.1
    assert bench.task.truth()['episodes'] == 2


def test_two_people_move_differently_and_each_repeats_itself():
    def moves(seed: int) -> np.ndarray:
        bench = Bench(seed)
        bench.run(lambda: False, 3.0)
        return np.array([bench.expert.state(s)[0] for s in np.arange(0.0, 3.0, 0.1)])

    assert (moves(3) == moves(3)).all()
    assert np.abs(moves(3) - moves(4)).max() > 0.05


def test_no_joint_jumps():
    bench = Bench(9)
    bench.run(bench.finished(1))
    assert 0.005 < bench.longest_step() < 0.04


def test_a_leader_that_nobody_read_did_nothing():
    bench = Bench(2)
    bench.expert.state(3600.0)
    assert bench.expert.hear('')['finished'] == 0
    assert bench.task.truth()['episodes'] == 1


@pytest.mark.parametrize(
    ('x', 'y', 'is_there'),
    [(*TRAY_CENTRE, True), (TRAY_CENTRE[0] + 0.05, TRAY_CENTRE[1], False), (0.2, -0.1, False)],
)
def test_only_what_lies_inside_the_rim_counts(x, y, is_there):
    bench = Bench(1)
    bench.task.put(x, y, 0.4)
    bench.physics.advance(500_000_000)
    assert bench.task.success is is_there


def test_a_cube_that_falls_counts_when_it_lies():
    bench = Bench(1)
    bench.task.put(*TRAY_CENTRE, 0.0)
    bench.physics._data.qpos[bench.physics._cube_q + 2] = 0.1
    bench.physics.advance(100_000_000)
    assert not bench.task.success
    assert bench.physics.cube()[0][2] > 2 * CUBE_HALF
    bench.physics.advance(1_000_000_000)
    assert bench.task.success
