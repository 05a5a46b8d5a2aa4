"""Processor steps on rows: what the dataset and the policy get of what was observed and asked.

Steps see a row as LeRobot's robots give it: each joint by its name, each camera by its name.
Here rows are taken apart for them and put together again, and so are the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError, ProcessorError
from lerobot_drivers.common.naming import ACTION as ACTION_KEY
from lerobot_drivers.common.naming import IMAGES_PREFIX, OBSERVATION_STATE, image_key
from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_drivers.processors.augmentation_step import ImageAugmentationProcessorStep
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_drivers.processors.factory import AUGMENTATION
from lerobot_drivers.processors.picture import origin
from lerobot_drivers.processors.pipeline import NamedStep, Pipeline
from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    ROBOT_OBSERVATION,
    TELEOP_ACTION,
    FeatureShape,
    ImageProcessorStep,
    Values,
    is_picture,
)
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.mapping import unique

Features = dict[str, dict[str, Any]]
Numbers = Mapping[str, NDArray[Any]]
Pictures = Mapping[str, Any]
_OBSERVED = 'observation.'
_PICTURE_NAMES = ['height', 'width', 'channels']


class RowProcessor:
    """The pipelines of the dataset; without any step it does nothing and costs nothing.

    Args:
        observation: steps on what is observed.
        action: steps on what is asked for; they see what was observed before any step.
    """

    def __init__(self, observation: Pipeline, action: Pipeline | None = None) -> None:
        self._observation = observation
        self._action = action or Pipeline(TELEOP_ACTION)
        self._names: dict[str, list[str]] = {}
        self._observed: dict[str, FeatureShape] = {}
        self._asked: dict[str, FeatureShape] = {}
        self._cameras: dict[str, str] = {}
        self._before: Features | None = None
        self._made: Features = {}

    def __bool__(self) -> bool:
        return bool(self._observation or self._action)

    def features(self, features: Features) -> Features:
        """Return what the steps make of features; must be called before the first row.

        Raises:
            ConfigError: a step cannot work on them.
        """
        if not self:
            return features
        if features == self._before:
            return dict(self._made)
        self._names = {
            key: list(features[key]['names'])
            for key in (OBSERVATION_STATE, ACTION_KEY)
            if key in features
        }
        seen = self._shapes(features, OBSERVATION_STATE, _OBSERVED)
        asked = self._shapes(features, ACTION_KEY, f'{ACTION_KEY}.')
        if self._action and not asked:
            raise ConfigError('processor.teleop_action has steps, but no action is recorded')
        self._observed = self._observation.transform_features({OBSERVATION: seen})[OBSERVATION]
        both = {OBSERVATION: seen, ACTION: asked}
        self._asked = self._action.transform_features(both)[ACTION]
        made = {
            **_entries(self._observed, OBSERVATION_STATE, features),
            **_entries(self._asked, ACTION_KEY, features),
        }
        rest = {key: entry for key, entry in features.items() if not _is_processed(key)}
        made = {**made, **rest}
        if set(made) == set(features):
            made = {key: made[key] for key in features}
        self._before, self._made = features, made
        return dict(made)

    def row(
        self, values: Numbers, pictures: Pictures
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return numbers and pictures of a row after all steps.

        Raises:
            ProcessorError: a step failed, or gave what the dataset cannot hold.
        """
        cameras = {key.removeprefix(IMAGES_PREFIX): picture for key, picture in pictures.items()}
        seen = {**self._parts(values, OBSERVATION_STATE, _OBSERVED), **cameras}
        made = {key: value for key, value in values.items() if not _is_processed(key)}
        observed = self._observation({OBSERVATION: seen})[OBSERVATION]
        made |= _numbers(observed, self._observed, OBSERVATION_STATE, self._observation.place)
        asked = self._parts(values, ACTION_KEY, f'{ACTION_KEY}.')
        asked = self._action({OBSERVATION: seen, ACTION: asked})[ACTION]
        made |= _numbers(asked, self._asked, ACTION_KEY, self._action.place)
        shown = {
            image_key(key): _picture(observed[key])
            for key, shape in self._observed.items()
            if is_picture(shape)
        }
        if not self._cameras:
            before = {id(picture): key for key, picture in pictures.items()}
            self._cameras = {key: before.get(id(origin(shown[key])), key) for key in shown}
        return made, shown

    def camera(self, key: str) -> str:
        """Return what a camera of the dataset was called before the steps."""
        return self._cameras.get(key, key)

    def begin_take(self) -> None:
        """Let every step begin anew."""
        if self._before is not None:
            self._observation.reset()
            self._action.reset()

    def episode_info(self) -> dict[str, Any]:
        """Return what the steps do in this episode alone."""
        return {**self._observation.episode_info(), **self._action.episode_info()}

    def told(self, vcodec: str) -> list[str]:
        """Return what an operator should know of the steps, one line each.

        Args:
            vcodec: how pictures are encoded.
        """
        named = [*self._observation.steps, *self._action.steps]
        lines = [f'steps on rows: {", ".join(step.type for step in named)}'] if named else []
        steps = [step.step for step in named]
        changed = any(isinstance(step, ImageProcessorStep) and step.is_at_work for step in steps)
        if changed and vcodec == JPEG:
            lines.append(
                'pictures are changed by steps: JPEGs are compressed anew, not kept as they come'
            )
        return lines

    def _shapes(self, features: Features, vector: str, prefix: str) -> dict[str, FeatureShape]:
        """Return features as steps know them.

        Raises:
            ConfigError: a joint and a camera have one name.
        """
        shapes: list[tuple[str, FeatureShape]] = []
        for key, entry in features.items():
            if key == vector:
                shapes += [(name, float) for name in self._names[key]]
            elif key.startswith(prefix):
                shapes.append((key.removeprefix(IMAGES_PREFIX), tuple(entry['shape'])))
        unique((name for name, _ in shapes), 'names of joints and cameras')
        return dict(shapes)

    def _parts(self, values: Numbers, vector: str, prefix: str) -> Values:
        """Return the numbers of a row as steps know them."""
        parts: Values = {}
        for key, value in values.items():
            if key == vector:
                parts |= zip(self._names[key], value.tolist(), strict=True)
            elif key.startswith(prefix):
                parts[key] = value
        return parts


def make_row_processor(
    config: ProcessorConfig, augmentation: AugmentationConfig | None = None
) -> RowProcessor:
    """Return the steps on the rows of a dataset.

    Args:
        config: the steps.
        augmentation: how pictures are changed at random after them.

    Raises:
        ConfigError: a step cannot be made.
    """
    pipelines = config.pipelines()
    steps = pipelines[ROBOT_OBSERVATION].steps
    if augmentation is not None and augmentation.enable:
        step = ImageAugmentationProcessorStep(augmentation)
        steps = (*steps, NamedStep(AUGMENTATION, {}, step, 'dataset.augmentation'))
    return RowProcessor(Pipeline(ROBOT_OBSERVATION, steps), pipelines[TELEOP_ACTION])


def _is_processed(key: str) -> bool:
    return key == ACTION_KEY or key.startswith((_OBSERVED, f'{ACTION_KEY}.'))


def _entries(shapes: dict[str, FeatureShape], vector: str, before: Features) -> Features:
    """Return features as info.json describes them."""
    entries: Features = {}
    names = [key for key, shape in shapes.items() if shape is float]
    for key, shape in shapes.items():
        if not isinstance(shape, tuple):
            entries[vector] = {'dtype': 'float32', 'shape': [len(names)], 'names': names}
        elif is_picture(shape):
            entries[image_key(key)] = _picture_entry(image_key(key), shape, before)
        else:
            known = before.get(key, {})
            same = list(known.get('shape') or ()) == list(shape)
            labels = known['names'] if same else None
            entries[key] = {'dtype': 'float32', 'shape': list(shape), 'names': labels}
    return entries


def _picture_entry(key: str, shape: tuple[int, ...], before: Features) -> dict[str, Any]:
    entry = {'dtype': 'video', 'shape': list(shape), 'names': _PICTURE_NAMES}
    if shape[2] != 1:
        return entry
    if key in before:
        return {**entry, 'info': before[key]['info']}
    infos = [other['info'] for other in before.values() if other.get('info')]
    if any(info != infos[0] for info in infos):
        raise ConfigError(
            f'{key}: depth cameras in different units cannot be renamed; '
            'give them their names with --topics.cameras'
        )
    return {**entry, 'info': infos[0]}


def _numbers(
    values: Values, shapes: dict[str, FeatureShape], vector: str, place: str
) -> dict[str, NDArray[Any]]:
    """Return what steps made of numbers as a row holds it."""
    made = {}
    singles = [key for key, shape in shapes.items() if shape is float]
    if singles:
        made[vector] = _array([values[key] for key in singles], place, ', '.join(singles))
    for key, shape in shapes.items():
        if isinstance(shape, tuple) and not is_picture(shape):
            made[key] = _array(values[key], place, key)
    return made


def _array(value: Any, place: str, what: str) -> NDArray[np.float32]:
    try:
        array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ProcessorError(f'processor.{place}: {what} became {value!r}: {error}') from error
    if not np.isfinite(array).all():
        raise ProcessorError(f'processor.{place}: {what} became {value}, which is not finite')
    return array


def _picture(value: Any) -> Any:
    """Return a picture, also where a step made an array of it."""
    return ArrayPicture(value) if isinstance(value, np.ndarray) else value
