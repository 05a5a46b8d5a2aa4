"""A recorded episode as a policy: the actions it holds, at the rate they were taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE, position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy
from lerobot_recorder.dataset.dataset_reader import DatasetReader


class ReplayPolicy(Policy):
    """Replays one episode.

    Raises:
        ConfigError: no dataset is named, it has no such episode, or its actions are not
            this robot's.
    """

    def __init__(self, config: PolicyConfig, joints: tuple[JointSpec, ...]) -> None:
        if config.path is None:
            raise ConfigError('policy.path is missing: the folder of the dataset to replay')
        reader = DatasetReader(config.path.expanduser())
        if not 0 <= config.episode < reader.num_episodes:
            raise ConfigError(
                f'policy.episode: {config.path} has episodes 0 to {reader.num_episodes - 1}, '
                f'not {config.episode}'
            )
        self.fps = reader.fps
        self.observation_keys = (OBSERVATION_STATE,)
        self.action_names = _action_names(reader, config, joints)
        actions = reader.episode(config.episode).rows[ACTION]
        self._actions = np.asarray(actions, dtype=np.float32)

    def reset(self, observation: Observation) -> None:
        """Begin with the first action."""

    def select_action(self, observation: Observation, time_s: float) -> NDArray[np.float32] | None:
        """Return the action recorded at a time, None after the last [dataset units]."""
        index = int(time_s * self.fps + 1e-6)
        return self._actions[index] if index < len(self._actions) else None


def _action_names(
    reader: DatasetReader, config: PolicyConfig, joints: tuple[JointSpec, ...]
) -> tuple[str, ...]:
    feature = reader.features.get(ACTION)
    if feature is None:
        raise ConfigError(f'policy.path: {config.path} holds no actions')
    names = tuple(map(str, feature['names'] or ()))
    expected = {position_key(joint.name) for joint in joints}
    unknown = [name for name in names if name not in expected]
    if unknown or not names:
        raise ConfigError(
            f'policy.path: the actions of {config.path} are {", ".join(names) or "unnamed"}, '
            f'but the robot has {", ".join(sorted(expected))}'
        )
    return names
