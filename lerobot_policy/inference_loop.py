"""From a view of the world to commands: when to act, on what, and when to hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.naming import OBSERVATION_STATE, position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy
from lerobot_recorder.live_view import LiveView
from lerobot_recorder.row_plan import Row


class Stage(str, Enum):
    """How far the policy has come."""

    WAITING = 'waiting'
    APPROACHING = 'approaching'
    RUNNING = 'running'
    ENDED = 'ended'


@dataclass(frozen=True)
class Command:
    """What the robot is asked for.

    Attributes:
        names: joints.
        positions: of each joint, shape (n,) [rad or m].
    """

    names: tuple[str, ...]
    positions: NDArray[np.float64]


class InferenceLoop:
    """Runs a policy, one step per tick.

    Before its time begins, the robot is brought near the policy's first action (the mux
    limits how fast). No command is given without a fresh observation: the robot holds.

    Args:
        policy: what decides.
        view: what it sees.
        config: settings.
        joints: the robot's joints.

    Attributes:
        stage: how far the policy has come.
        stale: ticks without a command because the observation was too old.
    """

    def __init__(
        self, policy: Policy, view: LiveView, config: PolicyConfig, joints: tuple[JointSpec, ...]
    ) -> None:
        self.stage = Stage.WAITING
        self.stale = 0
        self._policy = policy
        self._view = view
        self._config = config
        by_key = {position_key(joint.name): joint for joint in joints}
        self._joints = tuple(by_key[name] for name in policy.action_names)
        self._order = [list(by_key).index(name) for name in policy.action_names]
        self._began_ns = 0

    def step(self, now_ns: int) -> Command | None:
        """Return the command of this tick, None to hold.

        Args:
            now_ns: time now [ns].

        Raises:
            StreamError: the policy gave something that is no command.
        """
        seen = self._view.observe()
        if seen is None:
            return None
        if seen.age_ns(now_ns) > self._config.max_age_s * NS_PER_S:
            self.stale += 1
            return None
        observation = _features(self._policy, seen.row)
        if self.stage is Stage.WAITING:
            self._policy.reset(observation)
            self._go(Stage.APPROACHING, now_ns)
        return self._act(observation, now_ns)

    def _act(self, observation: Observation, now_ns: int) -> Command | None:
        if self.stage is Stage.APPROACHING:
            first = self._policy.select_action(observation, 0.0)
            if first is not None and not self._is_near(observation, first, now_ns):
                return self._command(first)
            self._go(Stage.RUNNING, now_ns)
        if self.stage is Stage.ENDED:
            return None
        action = self._policy.select_action(observation, (now_ns - self._began_ns) / NS_PER_S)
        if action is None:
            self._go(Stage.WAITING if self._config.loop else Stage.ENDED, now_ns)
            return None
        return self._command(action)

    def _is_near(self, observation: Observation, action: NDArray[np.float32], now_ns: int) -> bool:
        state = observation[OBSERVATION_STATE][self._order]
        near = float(np.max(np.abs(state - action))) <= self._config.approach_tolerance
        tried_s = (now_ns - self._began_ns) / NS_PER_S
        return near or tried_s > self._config.approach_timeout_s

    def _command(self, action: NDArray[np.float32]) -> Command:
        if action.shape != (len(self._joints),) or not np.isfinite(action).all():
            raise StreamError(f'the policy gave {action}, expected {len(self._joints)} numbers')
        pairs = zip(self._joints, action, strict=True)
        positions = [joint.clamp(joint.unit.from_dataset(float(value))) for joint, value in pairs]
        return Command(tuple(joint.name for joint in self._joints), np.array(positions))

    def _go(self, stage: Stage, now_ns: int) -> None:
        self.stage = stage
        self._began_ns = now_ns


def _features(policy: Policy, row: Row) -> Observation:
    """Return what the policy wants to see; pictures are decoded only if it does."""
    return {
        key: row.values[key] if key in row.values else row.pictures[key].rgb()
        for key in policy.observation_keys
    }
