"""The task of a world with physics: the cube belongs on the tray."""

from __future__ import annotations

import math
import random
from typing import Any

from lerobot_drivers.sim.kinematics import JOINTS
from lerobot_drivers.sim.twin.physics import Physics
from lerobot_drivers.sim.twin.scene import CUBE_HALF, TRAY_CENTRE, TRAY_HALF

# Where the cube is put, as seen from the shoulder [m, rad].
_RADII, _DIRECTIONS = (0.18, 0.25), (-0.75, 0.15)
# What lies: slower than that [m/s], no higher over the table than that [m].
_SLOW, _LOW = 0.02, 0.006


class PickAndPlace:
    """Puts the cube somewhere, and sees when it lies on the tray.

    Args:
        physics: the scene.
        seed: decides where the cube is put.

    Attributes:
        episodes: how often the cube was put somewhere.
        successes: after how many of these it came to lie on the tray.
    """

    def __init__(self, physics: Physics, seed: int) -> None:
        self._physics = physics
        self._chance = random.Random(seed)
        self._hand = frozenset(physics.model.geom(name).id for name in ('fixed_pad', 'moving_pad'))
        self.episodes = self.successes = 0
        self._is_done = False
        physics.watchers.append(self._watch)
        self.reset()

    @property
    def success(self) -> bool:
        """Whether the cube came to lie on the tray since it was put somewhere."""
        return self._is_done

    def reset(self) -> None:
        """Put the cube somewhere else, at random."""
        chance = self._chance
        radius, direction = chance.uniform(*_RADII), chance.uniform(*_DIRECTIONS)
        x = JOINTS[0].xyz[0] + radius * math.cos(direction)
        self.put(x, radius * math.sin(direction), chance.uniform(-math.pi, math.pi))

    def put(self, x: float, y: float, yaw: float) -> None:
        """Put the cube at a place on the table [m, rad]."""
        with self._physics.lock:
            self._physics.put_cube(x, y, yaw)
            self.episodes += 1
            self._is_done = False

    def truth(self) -> dict[str, Any]:
        """Return where the cube is and what was achieved, as plain values."""
        with self._physics.lock:
            pose, _ = self._physics.cube()
            return {
                'position': pose[:3].tolist(),
                'quaternion': pose[3:].tolist(),
                'success': self._is_done,
                'episodes': self.episodes,
                'successes': self.successes,
            }

    def _watch(self) -> None:
        if not self._is_done and self._lies_on_tray():
            self._is_done = True
            self.successes += 1

    def _lies_on_tray(self) -> bool:
        """Return whether it lies there by itself, at rest, as a whole."""
        pose, velocity = self._physics.cube()
        inside = TRAY_HALF - CUBE_HALF
        if max(abs(pose[0] - TRAY_CENTRE[0]), abs(pose[1] - TRAY_CENTRE[1])) > inside:
            return False
        low = pose[2] < CUBE_HALF + _LOW
        still = bool((abs(velocity[:3]) < _SLOW).all())
        return low and still and not self._physics.touches_cube(self._hand)
