"""A recorded episode as a policy: the actions it holds, at the rate they were taken."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_drivers.common.units import JointSpec, NormMode
from lerobot_drivers.processors.step import TELEOP_ACTION
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView


class ReplayPolicy(Policy):
    """Replays one episode.

    Raises:
        ConfigError: no dataset is named, it has no such episode, or its actions are not
            this robot's: other joints, other units, numbers that are none.
        DatasetError: the dataset cannot be read.
    """

    sees_robot = True

    def __init__(self, config: PolicyConfig, joints: tuple[JointSpec, ...]) -> None:
        if config.path is None:
            raise ConfigError('policy.path is missing: the folder of the dataset to replay')
        reader = DatasetReader(config.path.expanduser())
        if not 0 <= config.episode < reader.num_episodes:
            there = f'0 to {reader.num_episodes - 1}' if reader.num_episodes else 'none'
            raise ConfigError(
                f'there is no episode {config.episode} in {reader.root}; episodes there: {there}'
            )
        self.fps = reader.fps
        self.observation_keys = (OBSERVATION_STATE,)
        names, columns = _own_names(reader, config.prefix)
        self.action_names = _action_names(reader, names, joints, bool(config.postprocessor))
        episode = reader.episode(config.episode)
        _check_units(reader, episode, joints, config.prefix)
        if not config.postprocessor:
            _check_steps(reader, episode)
        self._actions = _actions(reader, episode)[:, columns]

    def reset(self, observation: Observation) -> None:
        """Begin with the first action."""

    def select_action(self, observation: Observation, time_s: float) -> NDArray[np.float32] | None:
        """Return the action recorded nearest to a time, None after the last [dataset units].

        Nearest, not the one before: a tick that comes a little early or late neither
        repeats an action nor leaves one out.
        """
        index = int(max(time_s, 0.0) * self.fps + 0.5)
        return self._actions[index] if index < len(self._actions) else None


def _own_names(reader: DatasetReader, prefix: str) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of a robot's actions without their prefix, and where they are."""
    feature = reader.features.get(ACTION)
    if feature is None:
        raise ConfigError(f'{reader.root} holds no actions')
    names = [str(name) for name in feature.get('names') or ()]
    columns = [at for at, name in enumerate(names) if name.startswith(prefix)]
    if names and not columns:
        raise ConfigError(f'no action of {reader.root} begins with {prefix}: {", ".join(names)}')
    return tuple(names[at].removeprefix(prefix) for at in columns), columns


def _action_names(
    reader: DatasetReader,
    names: tuple[str, ...],
    joints: tuple[JointSpec, ...],
    are_renamed: bool,
) -> tuple[str, ...]:
    expected = [joint.feature for joint in joints]
    is_known = are_renamed or set(names) <= set(expected)
    if not names or not is_known or len(set(names)) < len(names):
        raise ConfigError(
            f'the actions of {reader.root} are {", ".join(names) or "unnamed"}, '
            f'but the robot has {", ".join(expected)}'
        )
    return names


def _actions(reader: DatasetReader, episode: EpisodeView) -> NDArray[np.float32]:
    actions = np.asarray(episode.rows[ACTION], dtype=np.float32).reshape(episode.length, -1)
    width = len(reader.features[ACTION]['names'])
    where = f'episode {episode.index} of {reader.root}'
    if actions.shape[1] != width:
        raise ConfigError(f'{where} has {actions.shape[1]} numbers per action, expected {width}')
    wrong = np.flatnonzero(~np.isfinite(actions).all(axis=1))
    if len(wrong):
        raise ConfigError(
            f'{where}: the action of frame {wrong[0]} is {actions[wrong[0]]}, not finite numbers'
        )
    return actions


def _check_units(
    reader: DatasetReader, episode: EpisodeView, joints: tuple[JointSpec, ...], prefix: str
) -> None:
    """Refuse actions in other units than the robot's, where the dataset tells (ours do)."""
    recorded = _recorded_units(_details(reader, episode), prefix)
    if recorded is None:
        return
    for joint in joints:
        mode = recorded.get(joint.name, {}).get('mode', NormMode.RADIANS.value)
        if mode != joint.unit.mode.value:
            raise ConfigError(
                f'{reader.root} was recorded with {joint.name} in {mode}, but this robot has it '
                f'in {joint.unit.mode.value}; is robot.use_degrees what it was then?'
            )


def _check_steps(reader: DatasetReader, episode: EpisodeView) -> None:
    """Refuse actions that steps changed for the dataset, unless steps are named that undo it."""
    try:
        steps = _details(reader, episode)['session']['processors'][TELEOP_ACTION]['steps']
        told = ', '.join(str(step.get('registry_name') or step.get('class')) for step in steps)
    except (KeyError, TypeError, AttributeError):
        return
    raise ConfigError(
        f'the actions of {reader.root} went through {told} of processor.teleop_action: they are '
        'not what the robot was asked for; name the steps that undo it as policy.postprocessor'
    )


def _recorded_units(details: Any, prefix: str) -> dict[str, Any] | None:
    """Return joint -> unit of the actions as they were recorded, None if nothing is told."""
    try:
        sources = details['mapping']['features'][ACTION]['sources']
        if prefix:
            sources = [source for source in sources if source['names'][0].startswith(prefix)]
        return {joint: unit for source in sources for joint, unit in source['units'].items()}
    except (KeyError, TypeError, AttributeError):
        return None


def _details(reader: DatasetReader, episode: EpisodeView) -> Any:
    """Return what an episode's record tells of it, None if there is none."""
    path = reader.root / layout.RECORDS / f'{episode.extra.get("ros/uuid")}.json'
    try:
        return json.loads(path.read_text(encoding='utf-8'))['details']
    except (OSError, ValueError, KeyError, TypeError):
        return None
