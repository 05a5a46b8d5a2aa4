"""The steps around a policy: what it sees of the robot, what the robot gets of its actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lerobot_drivers.common.errors import PolicyError
from lerobot_drivers.common.naming import OBSERVATION_STATE
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.processors.commands import CommandProcessor
from lerobot_drivers.processors.config import ProcessorConfig, postprocessor
from lerobot_drivers.processors.factory import make_pipeline
from lerobot_drivers.processors.pipeline import Pipeline
from lerobot_drivers.processors.step import (
    OBSERVATION,
    POSTPROCESSOR,
    PREPROCESSOR,
    ROBOT_OBSERVATION,
    FeatureShape,
    Values,
)
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Observation, Policy
from lerobot_recorder.row_plan import Row
from lerobot_recorder.row_processor import RowProcessor

Features = dict[str, dict[str, Any]]


class PolicyProcessors:
    """What a policy sees went through the dataset's own steps, then through its preprocessor.

    Args:
        policy: who sees and acts.
        joints: the robot's joints.
        observation: the steps of ``processor.robot_observation``.
        pre: the steps of ``policy.preprocessor``.
        post: steps on the policy's actions.

    Raises:
        ConfigError: steps cannot work on the policy's actions, or make none of the robot's.
    """

    def __init__(
        self,
        policy: Policy,
        joints: Sequence[JointSpec],
        observation: Pipeline | None = None,
        pre: Pipeline | None = None,
        post: Pipeline | None = None,
    ) -> None:
        self._policy = policy
        self._rows = RowProcessor(observation or Pipeline(ROBOT_OBSERVATION))
        self._pre = pre or Pipeline(PREPROCESSOR)
        self._post = post or Pipeline(POSTPROCESSOR)
        self._seen = [joint.feature for joint in joints]
        self._actions = CommandProcessor(self._post, policy.action_names, joints, seen=self._seen)
        self._is_prepared = False

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of what the robot is asked for."""
        return self._actions.keys

    @property
    def needs_all(self) -> bool:
        """Return whether what the policy sees can be made of anything that the robot shows."""
        return bool(self._rows) and not self._policy.sees_robot

    def reset(self) -> None:
        """Let every step begin anew: the policy does."""
        if self._is_prepared:
            self._rows.begin_take()
            self._pre.reset()
        self._post.reset()

    def observed(self, row: Row, features: Callable[[], Features]) -> Observation:
        """Return what the policy sees of the robot; pictures are decoded only if it does.

        Args:
            row: what the robot shows.
            features: what a row holds, as info.json describes it.

        Raises:
            ConfigError: a step cannot work on what the robot shows.
            PolicyError: the policy wants to see what the steps do not give.
            ProcessorError: a step failed.
        """
        if self._policy.sees_robot:
            return self._picked(row)
        if self._rows:
            if not self._is_prepared:
                self._rows.features(features())
            row = Row(*self._rows.row(row.values, row.pictures))
        seen = dict(self._picked(row))
        if self._pre:
            if not self._is_prepared:
                shapes: dict[str, FeatureShape] = {
                    key: tuple(value.shape) for key, value in seen.items()
                }
                self._pre.transform_features({OBSERVATION: shapes})
            seen = self._pre({OBSERVATION: seen})[OBSERVATION]
        self._is_prepared = True
        return seen

    def asked(self, action: Values, row: Row) -> Values:
        """Return what the robot is asked for by an action of the policy [dataset units].

        Raises:
            ProcessorError: a step failed.
        """
        if not self._post:
            return action
        state = dict(zip(self._seen, row.values[OBSERVATION_STATE].tolist(), strict=True))
        return self._actions.process(action, state)

    def _picked(self, row: Row) -> Observation:
        there = {**row.values, **row.pictures}
        missing = [key for key in self._policy.observation_keys if key not in there]
        if missing:
            raise PolicyError(
                f'the policy looks at {", ".join(missing)}, but after processor.robot_observation '
                f'there are {", ".join(there)}'
            )
        return {
            key: row.values[key] if key in row.values else row.pictures[key].rgb()
            for key in self._policy.observation_keys
        }


def make_policy_processors(
    policy: Policy, joints: Sequence[JointSpec], config: PolicyConfig, processor: ProcessorConfig
) -> PolicyProcessors:
    """Return the steps around a policy as a session's file names them.

    Raises:
        ConfigError: a step cannot be made, has no place there, or would be applied twice.
    """
    return PolicyProcessors(
        policy,
        joints,
        processor.pipelines()[ROBOT_OBSERVATION],
        make_pipeline(PREPROCESSOR, config.preprocessor),
        postprocessor(processor, config.postprocessor),
    )
