"""Steps on a command of the graph: joints in rad and m, processed in the dataset's units."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lerobot_drivers.common.errors import ConfigError, ProcessorError
from lerobot_drivers.common.naming import position_key
from lerobot_drivers.common.units import JointSpec
from lerobot_drivers.processors.pipeline import Pipeline
from lerobot_drivers.processors.step import ACTION, OBSERVATION, FeatureShape, Values


class CommandProcessor:
    """Puts commands through a pipeline.

    Args:
        pipeline: its steps; may be none.
        keys: what commands are made of, such as ``elbow.pos``.
        joints: the robot's joints, with their units in the dataset.
        others: joints of who commands, where the robot has none of that name.
        seen: what is observed beside an action, such as ``elbow.pos``.

    Raises:
        ConfigError: a step cannot work on these, or its outcome is none of the robot's joints.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        keys: Sequence[str],
        joints: Sequence[JointSpec],
        others: Sequence[JointSpec] = (),
        seen: Sequence[str] = (),
    ) -> None:
        self._pipeline = pipeline
        self._joints = {joint.feature: joint for joint in joints}
        self._asked = {**{joint.feature: joint for joint in others}, **self._joints}
        features = {ACTION: _floats(keys), OBSERVATION: _floats(seen)}
        self.keys = tuple(pipeline.transform_features(features)[ACTION])
        unknown = [key for key in self.keys if key not in self._joints]
        if pipeline and (unknown or not self.keys):
            raise ConfigError(
                f'{pipeline.steps[-1].where}: its outcome is {", ".join(self.keys) or "nothing"}, '
                f'but the robot has {", ".join(self._joints)}'
            )

    def process(self, action: Values, observation: Values | None = None) -> Values:
        """Return an action after all steps, in the order of ``keys`` [dataset units].

        Raises:
            ProcessorError: a step failed, or gave what is no finite number.
        """
        if not self._pipeline:
            return action
        made = self._pipeline({OBSERVATION: observation or {}, ACTION: action})[ACTION]
        wrong = [key for key in self.keys if not _is_finite(made[key])]
        if wrong:
            raise ProcessorError(
                f'{self._pipeline.steps[-1].where}: {wrong[0]} became {made[wrong[0]]!r}, '
                'expected a finite number'
            )
        return {key: made[key] for key in self.keys}

    def command(
        self, names: Sequence[str], positions: Sequence[float]
    ) -> tuple[list[str], list[float]]:
        """Return joints and positions of a command after all steps [rad or m].

        Raises:
            ProcessorError: a step failed, or gave what is no finite number.
        """
        if not self._pipeline:
            return list(names), list(positions)
        pairs = zip(map(position_key, names), positions, strict=True)
        made = self.process({k: self._asked[k].unit.to_dataset(p) for k, p in pairs})
        joints = {self._joints[key]: float(made[key]) for key in self.keys}
        return [j.name for j in joints], [j.unit.from_dataset(v) for j, v in joints.items()]


def _floats(keys: Sequence[str]) -> dict[str, FeatureShape]:
    return {key: float for key in keys}


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)
