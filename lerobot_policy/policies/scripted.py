"""A smooth, repeatable motion about the pose in which it began: a policy without a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.naming import OBSERVATION_STATE
from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy

AMPLITUDE = 0.3
"""Of the two sines' mean; a joint goes at most twice as far from its start [rad or m]."""
FREQUENCIES_HZ = (0.13, 0.31)


class ScriptedPolicy(Policy):
    """The mean of two sines per joint, phases from the seed, beginning where the robot is.

    A mobile base is left standing.
    """

    sees_robot = True

    def __init__(self, config: PolicyConfig, joints: tuple[JointSpec, ...]) -> None:
        self.fps = config.fps or 30
        self.observation_keys = (OBSERVATION_STATE,)
        self._at = [at for at, joint in enumerate(joints) if not joint.is_velocity]
        self._joints = joints = tuple(joints[at] for at in self._at)
        self.action_names = tuple(joint.feature for joint in joints)
        random = np.random.default_rng(config.seed)
        self._phases = random.uniform(0.0, 2.0 * np.pi, (len(joints), len(FREQUENCIES_HZ)))
        self._start = np.zeros(len(joints))

    def reset(self, observation: Observation) -> None:
        """Begin where the robot is now."""
        state = observation[OBSERVATION_STATE][self._at]
        pairs = zip(self._joints, state, strict=True)
        self._start = np.array([joint.unit.from_dataset(float(value)) for joint, value in pairs])

    def select_action(self, observation: Observation, time_s: float) -> NDArray[np.float32] | None:
        """Return the pose at a time, within the joints' limits [dataset units]."""
        angles = 2.0 * np.pi * np.array(FREQUENCIES_HZ) * time_s + self._phases
        swing = (np.sin(angles) - np.sin(self._phases)).sum(axis=1) / len(FREQUENCIES_HZ)
        ramp = min(time_s, 1.0)
        goals = self._start + AMPLITUDE * ramp * swing
        return np.array(
            [
                j.unit.to_dataset(j.clamp(goal))
                for j, goal in zip(self._joints, goals, strict=True)
            ],
            dtype=np.float32,
        )
