"""The section ``processor`` of a configuration: steps between robot and dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS, build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.processors.factory import make_pipeline
from lerobot_drivers.processors.pipeline import Pipeline
from lerobot_drivers.processors.step import (
    POSTPROCESSOR,
    ROBOT_ACTION,
    ROBOT_OBSERVATION,
    TELEOP_ACTION,
)

Entries = list[str | dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ProcessorConfig:
    """Which steps work where (``--processor.*``), each ``{type: ..., setting: ...}``.

    Attributes:
        robot_observation: what the dataset and the policy see of the robot.
        teleop_action: the action that the dataset gets.
        robot_action: what the operator asks of the robot, on its way there.
    """

    __pydantic_config__ = STRICT_KEYS

    robot_observation: Entries = field(default_factory=list)
    teleop_action: Entries = field(default_factory=list)
    robot_action: Entries = field(default_factory=list)

    def pipelines(self) -> dict[str, Pipeline]:
        """Return a pipeline for each place, fresh ones.

        Raises:
            ConfigError: a step is unknown, has no place there, or cannot be made.
        """
        places = (ROBOT_OBSERVATION, TELEOP_ACTION, ROBOT_ACTION)
        return {place: make_pipeline(place, getattr(self, place)) for place in places}

    def document(self) -> dict[str, Any]:
        """Return the pipelines that have steps, as JSON holds them; compared and kept."""
        return {place: p.document() for place, p in self.pipelines().items() if p}


def processor_config(sections: dict[str, Any]) -> ProcessorConfig:
    """Return the section ``processor`` of a session, checked; empty if it is not there.

    Raises:
        ConfigError: a key is unknown or wrong, or a step cannot be made.
    """
    config = build(ProcessorConfig, sections.get('processor') or {}, 'processor')
    config.pipelines()
    return config


def postprocessor(config: ProcessorConfig, entries: Entries | None) -> Pipeline:
    """Return the steps on a policy's actions.

    A policy has learnt actions as the robot got them, after the steps of
    ``processor.robot_action``: those hold for it too where a second time changes nothing.

    Args:
        config: the section ``processor``.
        entries: ``policy.postprocessor``; None takes the steps of ``processor.robot_action``.

    Raises:
        ConfigError: a step cannot be made, or would be applied twice and nobody said what holds.
    """
    if entries is not None:
        return make_pipeline(POSTPROCESSOR, entries)
    pipeline = make_pipeline(ROBOT_ACTION, config.robot_action)
    twice = [named for named in pipeline.steps if not named.step.is_repeatable]
    if twice:
        raise ConfigError(
            f'{twice[0].where} would change the actions of a policy a second time: it learnt '
            'them after that step; say which steps hold for the policy with '
            'policy.postprocessor, [] for none'
        )
    return pipeline
