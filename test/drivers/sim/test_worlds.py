from __future__ import annotations

import pytest

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.sim.world_state import WorldState
from lerobot_drivers.sim.worlds import has_physics, make_world


@pytest.mark.parametrize(
    ('name', 'has'),
    [('bench', False), ('table.mujoco', True), ('mujoco', False), ('a.mujoco.b', False)],
)
def test_the_name_tells_the_kind(name, has):
    assert has_physics(name) is has


def test_a_world_without_physics_needs_nothing():
    world = make_world('bench', SystemClock())
    assert type(world) is WorldState
    world.close()
