"""From a view of the world to commands: when to act, on what, and when to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError, PolicyError
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.robots.mobile_base import AXES
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy
from lerobot_policy.processors import PolicyProcessors
from lerobot_recorder.live_view import LiveView
from lerobot_recorder.mapping import MappingConfig, build_mapping
from lerobot_recorder.row_plan import Row

APPROACH_VELOCITY = 1.0
"""Fastest a joint goes to the policy's first action [rad/s or m/s]."""
MAX_STEP_PERIODS = 3
"""So many periods at most a policy's time goes on from one tick to the next: a loop that was
held up goes on where it was, it does not cut the corner."""

Vector = NDArray[np.float64]


class Stage(str, Enum):
    """How far the policy has come."""

    WAITING = 'waiting'
    APPROACHING = 'approaching'
    READY = 'ready'
    RUNNING = 'running'
    ENDED = 'ended'


@dataclass(frozen=True)
class Command:
    """What the robot is asked for.

    Attributes:
        names: joints.
        positions: of each joint, shape (n,) [rad or m].
        velocity: of the base by ``AXES``, shape (3,) [m/s, m/s, rad/s]; None where the policy
            drives none.
    """

    names: tuple[str, ...]
    positions: Vector
    velocity: Vector | None = None


class InferenceLoop:
    """Runs a policy, one step per tick.

    Before its time begins, the robot is brought to the policy's first action, slowly and
    from where it is; a mobile base stands meanwhile. No command is given without a fresh
    observation: the robot holds, and the policy's time stands still.

    Args:
        policy: what decides.
        view: what it sees.
        config: settings.
        joints: the robot's joints, and the axes of its base.
        processors: the steps around the policy; None are none.

    Attributes:
        stage: how far the policy has come.
        held: ticks without a command for want of a fresh observation.
        is_holding: the last tick was one of them.
        must_wait: stay at the policy's first action, until others are there too.

    Raises:
        ConfigError: the policy is not made for these joints.
    """

    def __init__(
        self,
        policy: Policy,
        view: LiveView,
        config: PolicyConfig,
        joints: tuple[JointSpec, ...],
        processors: PolicyProcessors | None = None,
    ) -> None:
        self.stage = Stage.WAITING
        self.held = 0
        self.is_holding = False
        self.must_wait = False
        self._policy = policy
        self._view = view
        self._config = config
        self._processors = processors or PolicyProcessors(policy, joints)
        self._names = policy.action_names
        self._joints, self._order = _commanded(policy, self._processors.action_names, joints)
        self._has_pose = np.array([not joint.is_velocity for joint in self._joints])
        self._speeds = np.array([min(j.velocity, APPROACH_VELOCITY) for j in self._joints])
        self._max_step_s = MAX_STEP_PERIODS / (config.fps or policy.fps)
        self._begun = Row({}, {})
        self._start: Vector = np.zeros(len(self._joints))
        self._time_s = 0.0
        self._last_ns: int | None = None

    def step(self, now_ns: int, in_command: bool = True) -> Command | None:
        """Return the command of this tick, None to hold.

        Args:
            now_ns: time now [ns].
            in_command: nobody else commands the robot. While somebody does, the policy
                begins anew each tick, ready to take over from where the robot is then.

        Raises:
            PolicyError: the policy gave something that is no command, or the robot does
                not come near its first action.
        """
        elapsed_s = self._elapsed_s(now_ns)
        if self.stage is Stage.ENDED:
            return None
        row = self._observe(now_ns)
        self.is_holding = row is None
        if row is None:
            self.held += 1
            return None
        self._time_s += elapsed_s
        is_new = self.stage is Stage.WAITING or not in_command
        if is_new:
            self._processors.reset()
        observation = self._processors.observed(row, self._view.features)
        if is_new:
            self._policy.reset(observation)
            self._begun, self._start = row, self._measured(row)
            self._go(Stage.APPROACHING)
        return self._act(observation, row)

    def _elapsed_s(self, now_ns: int) -> float:
        last_ns, self._last_ns = self._last_ns, now_ns
        passed_s = 0.0 if last_ns is None else (now_ns - last_ns) / NS_PER_S
        return min(max(passed_s, 0.0), self._max_step_s)

    def _observe(self, now_ns: int) -> Row | None:
        seen = self._view.observe()
        if seen is None or abs(seen.age_ns(now_ns)) > self._config.max_age_s * NS_PER_S:
            return None
        return seen.row

    def _act(self, observation: Observation, row: Row) -> Command | None:
        if self.stage in (Stage.APPROACHING, Stage.READY):
            command = self._approach(observation, row)
            if command is not None:
                return command
            if self.must_wait:
                self.stage = Stage.READY
                return self._stay(observation)
            self._go(Stage.RUNNING)
        action = self._policy.select_action(observation, self._time_s)
        if action is None:
            self._go(Stage.WAITING if self._config.loop else Stage.ENDED)
            return None
        return self._command(self._goals(action, row))

    def _approach(self, observation: Observation, row: Row) -> Command | None:
        """Return the next command on the way to the first action, None once it is reached."""
        goals = self._first_goals(observation)
        if goals is None:
            return None
        reach = self._speeds * self._time_s
        ahead = np.abs(goals - self._start)
        distances = np.abs(goals - self._measured(row))
        if (ahead <= reach).all() and (distances <= self._config.approach_tolerance).all():
            return None
        ramp_s = float(np.max(ahead / self._speeds))
        if self._time_s > ramp_s + self._config.approach_timeout_s:
            raise PolicyError(self._told_apart(goals, distances))
        return self._command(self._start + np.clip(goals - self._start, -reach, reach))

    def _stay(self, observation: Observation) -> Command | None:
        """Return the command that holds the first action, None if there is none."""
        goals = self._first_goals(observation)
        return None if goals is None else self._command(goals)

    def _first_goals(self, observation: Observation) -> Vector | None:
        first = self._policy.select_action(observation, 0.0)
        return None if first is None else self._goals(first, self._begun) * self._has_pose

    def _told_apart(self, goals: Vector, distances: Vector) -> str:
        worst = int(np.argmax(distances))
        return (
            f'the robot does not come near the first action of the policy: '
            f'{self._joints[worst].name} is asked for {goals[worst]:.2f} and stays '
            f'{distances[worst]:.2f} away [rad or m]; clear what is in its way, or raise '
            f'policy.approach_tolerance ({self._config.approach_tolerance})'
        )

    def _measured(self, row: Row) -> Vector:
        """Return where the joints are [rad or m]; a base is wherever it is, hence zeros."""
        state = np.asarray(row.values[OBSERVATION_STATE])[self._order]
        pairs = zip(self._joints, state, strict=True)
        values = np.array([joint.unit.from_dataset(float(value)) for joint, value in pairs])
        return np.asarray(values * self._has_pose)

    def _goals(self, action: NDArray[np.float32], row: Row) -> Vector:
        """Return an action, after its steps, within the joints' limits [rad or m]."""
        if action.shape != (len(self._names),) or not np.isfinite(action).all():
            raise PolicyError(
                f'the policy gave {action}, expected {len(self._names)} finite numbers'
            )
        named = dict(zip(self._names, map(float, action), strict=True))
        pairs = zip(self._joints, self._processors.asked(named, row).values(), strict=True)
        return np.array([joint.clamp(joint.unit.from_dataset(float(v))) for joint, v in pairs])

    def _command(self, positions: Vector) -> Command:
        named = {j.name: float(p) for j, p in zip(self._joints, positions, strict=True)}
        driven = {name: named.pop(name) for name in AXES if name in named}
        velocity = np.array([driven.get(name, 0.0) for name in AXES]) if driven else None
        return Command(tuple(named), np.array(list(named.values())), velocity)

    def _go(self, stage: Stage) -> None:
        self.stage = stage
        self._time_s = 0.0


def policy_mapping(
    policy: Policy,
    features: Mapping[str, Mapping[str, Any]],
    fps: int,
    needs_all: bool = False,
) -> MappingConfig:
    """Return the mapping of what a policy looks at.

    Args:
        policy: who looks.
        features: what the robot shows, as a mapping file holds it.
        fps: how often it looks [1/s].
        needs_all: steps between may make what it looks at of anything the robot shows.

    Raises:
        ConfigError: it wants to see what the robot does not show.
    """
    if needs_all:
        shown = {key: feature for key, feature in features.items() if key != ACTION}
        return build_mapping({'features': shown, 'fps': fps}, 'policy')
    missing = [key for key in policy.observation_keys if key not in features]
    if missing:
        raise ConfigError(
            f'the policy looks at {", ".join(missing)}, but the robot shows '
            + ', '.join(key for key in features if key != ACTION)
        )
    wanted = {key: features[key] for key in policy.observation_keys}
    return build_mapping({'features': wanted, 'fps': fps}, 'policy')


def _commanded(
    policy: Policy, names: tuple[str, ...], joints: tuple[JointSpec, ...]
) -> tuple[tuple[JointSpec, ...], list[int]]:
    """Return the joints a policy commands, and where they are among all joints."""
    keys = [joint.feature for joint in joints]
    unknown = [name for name in names if name not in keys]
    if unknown or not names:
        raise ConfigError(
            f'the policy commands {", ".join(names) or "nothing"}, '
            f'but the robot has {", ".join(keys)}'
        )
    if OBSERVATION_STATE not in policy.observation_keys:
        raise ConfigError(f'the policy does not look at {OBSERVATION_STATE}, which it must')
    order = [keys.index(name) for name in names]
    return tuple(joints[at] for at in order), order
