"""The scene in motion: MuJoCo on a fixed grid of time, and what was when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.kinematics import JOINT_NAMES
from lerobot_drivers.sim.so_arm import REST
from lerobot_drivers.sim.twin.engine import load_mujoco
from lerobot_drivers.sim.twin.scene import CUBE_HALF, STEP_S, make_model
from lerobot_drivers.sim.twin.shaft import USUAL_STIFFNESS, Shaft, ShaftPlace

Floats = NDArray[np.float64]

STEP_NS = round(STEP_S * NS_PER_S)
HISTORY_STEPS = 2048
WATCH_STEPS = 25
"""Whoever watches the scene looks every so many steps."""
_SETTLE_STEPS = 1000
_JOINTS = len(JOINT_NAMES)


class Physics:
    """One scene. Time passes in it when somebody asks what it does, up to what is asked.

    The last four seconds are remembered; if nobody asked for longer than that, the scene
    stood still before them. All methods may be called from any thread.

    Args:
        start_ns: when its time begins.

    Attributes:
        model: MuJoCo's model.
        lock: held while anything changes.
        watchers: called every few steps, with the lock held.
    """

    def __init__(self, start_ns: int) -> None:
        self._mujoco = load_mujoco()
        self.model = make_model()
        self.lock = threading.RLock()
        self.watchers: list[Callable[[], None]] = []
        self._data = self._mujoco.MjData(self.model)
        self._scratch = self._mujoco.MjData(self.model)
        self._start_ns = start_ns
        self._step = 0
        self._shafts: list[Shaft] = []
        self._places = [self._place_of(name) for name in JOINT_NAMES]
        self._arm_q = np.array([place.position for place in self._places])
        self._arm_v = np.array([place.velocity for place in self._places])
        self._cube_q = int(self.model.joint('cube').qposadr[0])
        self._cube_v = int(self.model.joint('cube').dofadr[0])
        self._history = np.zeros((HISTORY_STEPS, self.model.nq + _JOINTS))
        self._data.qpos[self._arm_q] = REST
        self._mujoco.mj_step(self.model, self._data, nstep=_SETTLE_STEPS)
        self._remember()

    def connect_shafts(
        self, zeros: Sequence[float], stops: Sequence[tuple[float, float]]
    ) -> list[Shaft]:
        """Return the arm's shafts, for the servos that shall turn them.

        Args:
            zeros: encoders at the joints' zeros [ticks].
            stops: their end stops [ticks].
        """
        with self.lock:
            self._shafts = [
                Shaft(self.model, self._data, replace(place, zero=zero), stop)
                for place, zero, stop in zip(self._places, zeros, stops, strict=True)
            ]
            return self._shafts

    def advance(self, stamp_ns: int) -> None:
        """Let time pass up to a moment; going back is ignored."""
        with self.lock:
            last = (stamp_ns - self._start_ns) // STEP_NS
            if last - self._step > HISTORY_STEPS:
                self._stand_still(last - HISTORY_STEPS)
            while self._step < last:
                self._advance_one()

    def ahead_ns(self, stamp_ns: int) -> int:
        """Return how far a moment lies beyond the last step [ns]."""
        with self.lock:
            return max(stamp_ns - self._start_ns - self._step * STEP_NS, 0)

    def now(self) -> tuple[Floats, Floats]:
        """Return angles [rad] and velocities [rad/s] of the arm after the last step."""
        with self.lock:
            return self._data.qpos[self._arm_q], self._data.qvel[self._arm_v]

    def cube(self) -> tuple[Floats, Floats]:
        """Return the cube's pose (x, y, z, quaternion) [m] and velocity after the last step."""
        with self.lock:
            pose = self._data.qpos[self._cube_q : self._cube_q + 7]
            return pose.copy(), self._data.qvel[self._cube_v : self._cube_v + 6].copy()

    def sag(self, angles: Floats) -> Floats:
        """Return how far the arm's own weight pulls it off goals at these angles [rad]."""
        with self.lock:
            self._scratch.qpos[:] = self._data.qpos
            self._scratch.qpos[self._arm_q] = angles
            self._mujoco.mj_forward(self.model, self._scratch)
            stiffness = [max(shaft.stiffness, USUAL_STIFFNESS) for shaft in self._shafts]
            torque = self._scratch.qfrc_bias[self._arm_v]
        sagging: Floats = torque / (stiffness or USUAL_STIFFNESS)
        sagging[-1] = 0.0
        return sagging

    def touches_cube(self, geoms: frozenset[int]) -> bool:
        """Return whether any of these geoms touches the cube."""
        cube = self.model.geom('cube').id
        with self.lock:
            pairs = self._data.contact.geom[: self._data.ncon].tolist()
        return any(cube in pair and not geoms.isdisjoint(pair) for pair in pairs)

    def put_cube(self, x: float, y: float, yaw: float) -> None:
        """Put the cube somewhere on the table, at rest."""
        turn = (float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2)))
        with self.lock:
            pose = slice(self._cube_q, self._cube_q + 7)
            self._data.qpos[pose] = [x, y, CUBE_HALF, *turn]
            self._data.qvel[self._cube_v : self._cube_v + 6] = 0.0
            self._remember()

    def touch(self) -> None:
        """Take over what was changed by hand."""
        with self.lock:
            self._remember()

    def state(self, stamp_ns: int) -> tuple[Floats, Floats]:
        """Return angles [rad] and velocities [rad/s] of the arm at a moment."""
        row = self._row(stamp_ns)
        return row[self._arm_q], row[-_JOINTS:]

    def scene(self, stamp_ns: int) -> Floats:
        """Return MuJoCo's ``qpos`` at a moment: all that a camera sees."""
        return self._row(stamp_ns)[:-_JOINTS]

    def _row(self, stamp_ns: int) -> Floats:
        with self.lock:
            self.advance(stamp_ns + STEP_NS)
            passed = max((stamp_ns - self._start_ns) / STEP_NS, 0.0)
            passed = max(passed, self._step - HISTORY_STEPS + 2.0)
            before = min(int(passed), self._step - 1) if self._step else 0
            after = min(before + 1, self._step)
            share = min(passed - before, 1.0)
            pair = self._history[[before % HISTORY_STEPS, after % HISTORY_STEPS]]
        mixed: Floats = (1.0 - share) * pair[0] + share * pair[1]
        return mixed

    def _advance_one(self) -> None:
        if self._shafts:
            self._data.ctrl[:] = [shaft.pull(STEP_S) for shaft in self._shafts]
        self._mujoco.mj_step(self.model, self._data)
        for shaft in self._shafts:
            shaft.follow(STEP_S)
        self._step += 1
        self._remember()
        if self._step % WATCH_STEPS == 0:
            for watch in self.watchers:
                watch()

    def _stand_still(self, step: int) -> None:
        self._history[:] = self._history[self._step % HISTORY_STEPS]
        self._step = step

    def _remember(self) -> None:
        row = self._history[self._step % HISTORY_STEPS]
        row[:-_JOINTS] = self._data.qpos
        row[-_JOINTS:] = self._data.qvel[self._arm_v]

    def _place_of(self, name: str) -> ShaftPlace:
        joint = self.model.joint(name)
        actuator = self.model.actuator(name).id
        return ShaftPlace(int(joint.qposadr[0]), int(joint.dofadr[0]), actuator, 0.0)
