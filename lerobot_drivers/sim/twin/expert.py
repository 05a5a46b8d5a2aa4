"""A person at the leader of a world with physics, who sees the cube and puts it on the tray."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import replace

import numpy as np

from lerobot_drivers.sim.kinematics import JOINTS
from lerobot_drivers.sim.strokes import Angles, Strokes
from lerobot_drivers.sim.twin.arm_xml import PARALLEL_AT
from lerobot_drivers.sim.twin.physics import Physics
from lerobot_drivers.sim.twin.reach import Hold, azimuth, nearest_yaw, reach
from lerobot_drivers.sim.twin.scene import CUBE_HALF, TRAY_CENTRE
from lerobot_drivers.sim.twin.task import PickAndPlace

WORDS = ('begin', 'wait', 'free')
"""What this person understands."""
HOME = np.array([0.0, -1.2, 1.1, 0.9, 1.5, 0.4])
"""Where the arm waits between two demonstrations [rad]."""

# Angles of the gripper [rad]: open, this much less than the pads' angle around a cube, let go.
_OPEN, _SQUEEZE, _LET_GO = (0.55, 0.75), (0.06, 0.10), 0.45
# Heights of the cube's centre over the table [m].
_CARRY_HEIGHT, _GRASP_HEIGHT, _PUT_HEIGHT = 0.085, CUBE_HALF, CUBE_HALF + 0.003
_IN_HAND_ABOVE = 0.04
# Pitch of the hand at the table [rad], and how much less it is higher up [rad/m].
_STEEP, _LESS_PER_M = (1.3, 1.45), 3.5
# How far he misses the cube's centre, keeps a finger off it, and scatters on the tray [m].
_MISSES, _BESIDE, _ON_TRAY = 0.00125, 0.006, 0.015
# Fastest joint of a move [rad/s]; times [s].
_SPEEDS, _SHORTEST_S = (0.8, 1.25), 0.45
_SETTLE_S, _PAUSE_S, _WAIT_S, _ASLEEP_S = 0.25, 0.8, 0.1, 1.0
_SWAY_RAD = np.array([0.004, 0.003, 0.003, 0.004, 0.006, 0.006])
_ATTEMPTS = 3


class Expert:
    """Demonstrates again and again, or when asked to; see ``PickAndPlace``.

    Each demonstration is another one: of its own pace, height and grip. The sag of the
    follower is made up for, as a person does who looks at the follower.

    Args:
        seed: decides how this person moves.
        physics: the scene.
        task: whose cube it is.
        start_s: when this person begins, since the world's start [s].
    """

    def __init__(
        self, seed: int, physics: Physics, task: PickAndPlace, start_s: float = 0.0
    ) -> None:
        self._chance = random.Random(seed)
        self._physics, self._task = physics, task
        self._lock = threading.RLock()
        phase = np.array([self._chance.uniform(0, 2 * math.pi) for _ in JOINTS])
        self._strokes = Strokes(self._led(HOME), _SWAY_RAD, phase, start_s)
        self._attempts = 0
        self._speed, self._open, self._steep = _SPEEDS[0], _OPEN[0], _STEEP[0]
        self._is_free, self._is_asked = True, False
        self._is_tidying = self._is_untidy = False
        self._finished, self._succeeded = 0, False
        self._now_s = start_s
        self._next = self._wait
        self._rest(_PAUSE_S)

    def state(self, time_s: float) -> tuple[Angles, Angles]:
        """Return the joints' angles [rad] and velocities [rad/s] at a time since the start [s]."""
        with self._lock:
            self._now_s = max(self._now_s, time_s)
            while (late_s := time_s - self._strokes.end_s) >= 0.0:
                if late_s > _ASLEEP_S:
                    self._rest(late_s)
                self._next()
            return self._strokes.state(time_s)

    def hear(self, word: str) -> dict[str, object]:
        """Do as somebody says, and return how it stands, as plain values.

        Args:
            word: ``wait``: break off, put the cube elsewhere and wait at home; ``begin``:
                demonstrate once and wait; ``free``: demonstrate again and again; any other
                changes nothing.
        """
        with self._lock:
            if word in WORDS:
                self._is_free, self._is_asked = word == 'free', word == 'begin'
                self._is_tidying = word == 'wait'
            if word == 'wait' and self._next != self._wait:
                self._break_off()
            return {
                'finished': self._finished,
                'succeeded': self._succeeded,
                'waits': self._next == self._wait,
            }

    def _wait(self) -> None:
        """Rest at home until it is time to begin."""
        if self._is_untidy and (self._is_tidying or self._is_free or self._is_asked):
            self._task.reset()
            self._is_untidy = False
        if not (self._is_free or self._is_asked):
            self._rest(_WAIT_S)
            return
        self._is_asked = False
        self._begin()

    def _begin(self) -> None:
        """Be the person of another demonstration."""
        chance = self._chance
        self._attempts = 0
        self._speed, self._steep = chance.uniform(*_SPEEDS), chance.uniform(*_STEEP)
        self._open = chance.uniform(*_OPEN)
        self._rest(chance.uniform(0.1, 0.4))
        self._next = self._fetch

    def _fetch(self) -> None:
        """Plan to take the cube from where it lies now."""
        self._attempts += 1
        self._next = self._look
        pose, _ = self._physics.cube()
        x, y = float(pose[0]), float(pose[1])
        yaw = nearest_yaw(x, y, 2.0 * math.atan2(pose[6], pose[3]))
        off_x, off_y = (self._chance.gauss(0.0, _MISSES) for _ in range(2))
        hold = Hold(x + off_x, y + off_y, _GRASP_HEIGHT, self._steep, yaw, _BESIDE)
        try:
            self._go(hold, _CARRY_HEIGHT, self._open)
            self._go(hold, _GRASP_HEIGHT, self._open)
            squeezed = PARALLEL_AT - self._chance.uniform(*_SQUEEZE)
            self._rest(_SETTLE_S)
            self._move(np.array([*self._strokes.pose[:-1], squeezed]))
            self._rest(_SETTLE_S)
            self._go(replace(hold, beside=0.0), _CARRY_HEIGHT, squeezed)
        except ValueError:
            self._next = self._go_home

    def _look(self) -> None:
        """See whether the cube is in the hand: put it down, or try again."""
        pose, _ = self._physics.cube()
        if pose[2] > _IN_HAND_ABOVE:
            self._put_down()
        elif self._attempts < _ATTEMPTS:
            self._fetch()
        else:
            self._go_home()

    def _put_down(self) -> None:
        squeezed = float(self._strokes.pose[-1])
        x, y = (at + self._chance.uniform(-_ON_TRAY, _ON_TRAY) for at in TRAY_CENTRE)
        yaw = azimuth(x, y) + math.pi / 2 + self._chance.uniform(-0.3, 0.3)
        hold = Hold(x, y, _PUT_HEIGHT, self._steep, yaw)
        self._go(hold, _CARRY_HEIGHT, squeezed)
        self._go(hold, _PUT_HEIGHT, squeezed)
        self._rest(_SETTLE_S)
        self._move(np.array([*self._strokes.pose[:-1], _LET_GO]))
        self._go(replace(hold, beside=_BESIDE), _CARRY_HEIGHT, _LET_GO)
        self._go_home()

    def _go_home(self) -> None:
        self._move(self._led(HOME))
        self._rest(_PAUSE_S)
        self._next = self._finish

    def _break_off(self) -> None:
        """Go home after the stroke that is under way; this demonstration counts for nothing."""
        self._strokes.cut(self._now_s)
        self._go_home()
        self._is_untidy = True
        self._next = self._wait

    def _finish(self) -> None:
        self._finished += 1
        self._succeeded = self._task.success
        self._is_untidy = True
        self._next = self._wait

    def _go(self, hold: Hold, height: float, grip: float) -> None:
        """Bring the hand to a height over where it holds."""
        pitch = hold.pitch - _LESS_PER_M * (height - _GRASP_HEIGHT)
        self._move(self._led(reach(replace(hold, z=height, pitch=pitch), grip)))

    def _move(self, pose: Angles) -> None:
        self._strokes.move_to(pose, self._speed, _SHORTEST_S)

    def _rest(self, seconds: float) -> None:
        self._strokes.move_to(self._strokes.pose, self._speed, seconds)

    def _led(self, pose: Angles) -> Angles:
        """Return where the leader must be for the follower to be there."""
        return pose + self._physics.sag(pose)
