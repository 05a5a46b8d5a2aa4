"""Other names for what is observed or asked for; values stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from lerobot_drivers.common.naming import IMAGES_PREFIX
from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    ObservationProcessorStep,
    PipelineFeatures,
    RobotActionProcessorStep,
    Values,
)

V = TypeVar('V')


@dataclass(kw_only=True)
class RenameObservationsProcessorStep(ObservationProcessorStep):
    """Renames joints and cameras of an observation.

    Attributes:
        rename_map: key -> new key, such as ``front: overhead`` or ``elbow.pos: joint_3.pos``;
            a camera may also be written ``observation.images.front``.
    """

    rename_map: dict[str, str] = field(default_factory=dict)

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return the features under their new names."""
        seen = features[OBSERVATION]
        self._names = resolved(self.rename_map, list(seen))
        return {**features, OBSERVATION: self._renamed(seen)}

    def observation(self, observation: Values) -> Values:
        """Return the observation under its new names."""
        return self._renamed(observation)

    def _renamed(self, values: dict[str, V]) -> dict[str, V]:
        return {self._names.get(key, key): value for key, value in values.items()}


@dataclass(kw_only=True)
class RenameActionsProcessorStep(RobotActionProcessorStep):
    """Renames joints of an action.

    Attributes:
        rename_map: key -> new key, such as ``elbow.pos: joint_3.pos``.
    """

    rename_map: dict[str, str] = field(default_factory=dict)

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return the features under their new names."""
        self._names = resolved(self.rename_map, list(features[ACTION]))
        return {**features, ACTION: self._renamed(features[ACTION])}

    def action(self, action: Values) -> Values:
        """Return the action under its new names."""
        return self._renamed(action)

    def _renamed(self, values: dict[str, V]) -> dict[str, V]:
        return {self._names.get(key, key): value for key, value in values.items()}


def resolved(rename_map: dict[str, str], keys: list[str]) -> dict[str, str]:
    """Return the map in the words of the keys that are there.

    Raises:
        ValueError: a key is not there, or two would have one name.
    """
    names = {}
    for old, new in rename_map.items():
        short = old.removeprefix(IMAGES_PREFIX)
        if old not in keys and short not in keys:
            raise ValueError(f'rename_map: there is no {old!r}; there are {", ".join(keys)}')
        pair = (old, new) if old in keys else (short, new.removeprefix(IMAGES_PREFIX))
        names[pair[0]] = pair[1]
    after = [names.get(key, key) for key in keys]
    doubled = sorted({key for key in after if after.count(key) > 1})
    if doubled:
        raise ValueError(f'rename_map: two would be called {", ".join(doubled)}')
    return names
