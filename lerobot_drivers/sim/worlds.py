"""The kinds of worlds; which one it is, a world's name tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lerobot_drivers.common.clock import Clock

if TYPE_CHECKING:
    from lerobot_drivers.sim.world_state import WorldState

PHYSICS_SUFFIX = '.mujoco'
"""What the name of a world with physics ends with."""


def has_physics(world: str) -> bool:
    """Return whether a world of that name has gravity, contact and a task."""
    return world.endswith(PHYSICS_SUFFIX)


def make_world(name: str, clock: Clock) -> WorldState:
    """Return a new world.

    Raises:
        DeviceError: it needs a library that is not there.
    """
    if not has_physics(name):
        from lerobot_drivers.sim.world_state import WorldState

        return WorldState(name, clock)
    from lerobot_drivers.sim.twin.world import TwinWorld

    return TwinWorld(name, clock)
