"""Steps in a row, and what is told when one of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.errors import ConfigError, LerobotRosError, ProcessorError
from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    ON_ACTIONS,
    ImageProcessorStep,
    PipelineFeatures,
    ProcessorStep,
    Transition,
)


@dataclass(frozen=True)
class NamedStep:
    """A step as the configuration names it.

    Attributes:
        type: name in the table of steps, or ``module:Class``.
        settings: its keyword arguments.
        step: the step itself.
        where: section and number, for errors.
    """

    type: str
    settings: dict[str, Any]
    step: ProcessorStep
    where: str

    def document(self) -> dict[str, Any]:
        """Return it as LeRobot's files of pipelines hold a step."""
        kind = 'class' if ':' in self.type else 'registry_name'
        return {kind: self.type, 'config': {**self.settings, **self.step.get_config()}}


class Pipeline:
    """The steps of one section of the configuration.

    Args:
        place: the section's key, such as ``robot_observation``.
        steps: in order.
    """

    def __init__(self, place: str, steps: Sequence[NamedStep] = ()) -> None:
        self.place = place
        self.steps = tuple(steps)
        self._subject = ACTION if place in ON_ACTIONS else OBSERVATION
        self._promised: list[set[str]] = []

    def __bool__(self) -> bool:
        return bool(self.steps)

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return what the steps make of features; must be called before the first transition.

        Raises:
            ConfigError: a step cannot work on them.
        """
        self._promised = []
        for named in self.steps:
            try:
                before, features = features, named.step.transform_features(features)
                if isinstance(named.step, ImageProcessorStep):
                    named.step.rehearse(before)
            except LerobotRosError:
                raise
            except Exception as error:
                told = str(error) if isinstance(error, ValueError) else _told(error)
                raise ConfigError(f'{named.where}: {told}') from error
            self._promised.append(set(features[self._subject]))
        return features

    def __call__(self, transition: Transition) -> Transition:
        """Return a transition after all steps.

        Raises:
            ProcessorError: a step failed, or does not give what it said it would.
        """
        for named, promised in zip(self.steps, self._promised, strict=True):
            try:
                transition = named.step(transition)
                found = set(transition[self._subject])
            except LerobotRosError:
                raise
            except Exception as error:
                raise ProcessorError(f'{named.where} failed: {_told(error)}') from error
            if found != promised:
                raise ProcessorError(f'{named.where} {_difference(found, promised)}')
        return transition

    def reset(self) -> None:
        """Let every step begin anew: an episode begins."""
        for named in self.steps:
            try:
                named.step.reset()
            except Exception as error:
                raise ProcessorError(f'{named.where} failed: {_told(error)}') from error

    def document(self) -> dict[str, Any]:
        """Return the pipeline as LeRobot's files hold one."""
        return {
            'name': f'{self.place}_processor',
            'steps': [named.document() for named in self.steps],
        }

    def episode_info(self) -> dict[str, Any]:
        """Return what its steps do in this episode alone, by type."""
        told = {named.type: named.step.episode_info() for named in self.steps}
        return {kind: info for kind, info in told.items() if info}


def _told(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'


def _difference(found: set[str], promised: set[str]) -> str:
    parts = [('gave', found - promised), ('did not give', promised - found)]
    told = ' and '.join(f'{verb} {", ".join(sorted(keys))}' for verb, keys in parts if keys)
    return f'{told}, other than its transform_features said'
