"""Steps on numbers by joint, in the dataset's units; on observations and on actions alike."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TypeVar

from lerobot_drivers.common.naming import position_key
from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    PREPROCESSOR,
    PipelineFeatures,
    ProcessorStep,
    Transition,
    Values,
)

Limits = tuple[float | None, float | None]
V = TypeVar('V')


class JointsProcessorStep(ProcessorStep):
    """A step on the action where there is one, else on the observation."""

    places = ProcessorStep.places - {PREPROCESSOR}
    elsewhere = 'joints have no names there: processor.robot_observation is its place'

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with its joints processed."""
        subject = _subject(transition)
        return {**transition, subject: self.joints(transition[subject])}

    @abstractmethod
    def joints(self, values: Values) -> Values:
        """Return the numbers processed."""


@dataclass(kw_only=True)
class ClipJointsProcessorStep(JointsProcessorStep):
    """Keeps joints within limits.

    Attributes:
        limits: joint -> lowest and highest value [dataset units]; null leaves a side open.
    """

    is_repeatable = True

    limits: dict[str, Limits]

    def __post_init__(self) -> None:
        for joint, (lower, upper) in self.limits.items():
            if lower is not None and upper is not None and lower > upper:
                raise ValueError(
                    f'limits of {joint} must be [lowest, highest], found {lower} > {upper}'
                )

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Find the joints."""
        self._limits = by_key(self.limits, features)
        return features

    def joints(self, values: Values) -> Values:
        """Return the numbers within their limits."""
        return values | {key: _clipped(values[key], *self._limits[key]) for key in self._limits}


@dataclass(kw_only=True)
class ScaleJointsProcessorStep(JointsProcessorStep):
    """Scales joints and shifts them: value * scale + offset.

    Attributes:
        scale: joint -> factor.
        offset: joint -> what is added then [dataset units].
    """

    scale: dict[str, float] = field(default_factory=dict)
    offset: dict[str, float] = field(default_factory=dict)

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Find the joints."""
        self._scale, self._offset = by_key(self.scale, features), by_key(self.offset, features)
        self._keys = {**self._scale, **self._offset}
        return features

    def joints(self, values: Values) -> Values:
        """Return the numbers scaled and shifted."""
        return values | {
            key: values[key] * self._scale.get(key, 1.0) + self._offset.get(key, 0.0)
            for key in self._keys
        }


def by_key(named: dict[str, V], features: PipelineFeatures) -> dict[str, V]:
    """Return what is named by joint (``elbow``, or ``elbow.pos``) by the key of its number.

    Raises:
        ValueError: there is no such joint; lists those that are there.
    """
    keys = [key for key, shape in features[_subject(features)].items() if shape is float]
    found = {}
    for joint, value in named.items():
        key = joint if joint in keys else position_key(joint)
        if key not in keys:
            raise ValueError(f'there is no joint {joint!r}; there are {", ".join(keys) or "none"}')
        found[key] = value
    return found


def _subject(parts: Transition | PipelineFeatures) -> str:
    return ACTION if ACTION in parts else OBSERVATION


def _clipped(value: float, lower: float | None, upper: float | None) -> float:
    if lower is not None and value < lower:
        return lower
    return upper if upper is not None and value > upper else value
