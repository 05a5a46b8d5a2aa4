"""What a processor step is; the verbs are LeRobot's (``lerobot.processor``).

Steps see what LeRobot's robots give and take: an observation is a mapping of ``<joint>.pos`` to
a number and of a camera's name to a picture, an action one of ``<joint>.pos`` to a number, both
in the dataset's units. What is neither (a wrench, windows of samples) goes by its feature's key,
as an array. Around a policy (``policy.preprocessor``) keys are the dataset's, values are arrays.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.config import dump
from lerobot_drivers.common.naming import IMAGES_PREFIX
from lerobot_drivers.processors.picture import processed, unwritable

OBSERVATION = 'observation'
ACTION = 'action'
ROBOT_OBSERVATION = 'robot_observation'
TELEOP_ACTION = 'teleop_action'
ROBOT_ACTION = 'robot_action'
PREPROCESSOR = 'preprocessor'
POSTPROCESSOR = 'postprocessor'
ON_OBSERVATIONS = frozenset({ROBOT_OBSERVATION, PREPROCESSOR})
ON_ACTIONS = frozenset({TELEOP_ACTION, ROBOT_ACTION, POSTPROCESSOR})

Values = dict[str, Any]
"""Key -> float, array or picture."""
Transition = dict[str, Values]
"""``observation`` and ``action``, as far as they are known."""
FeatureShape = type[float] | tuple[int, ...]
"""``float``, or the shape of an array; a picture has (height, width, 3), depth a 1 there."""
PipelineFeatures = dict[str, dict[str, FeatureShape]]
"""``observation`` and ``action`` -> key -> what its values are."""
Image = NDArray[Any]
ImageWork = Callable[[Image], Image]


class ProcessorStep(ABC):
    """One step of a pipeline.

    A step gets its settings as keyword arguments; a dataclass has them checked by type. It must
    return a new mapping instead of changing the one it is given.

    Attributes:
        places: sections of the configuration in which it makes sense.
        elsewhere: what to tell who names it in another one.
        is_repeatable: applied twice it does the same as once.
    """

    places: ClassVar[frozenset[str]] = ON_OBSERVATIONS | ON_ACTIONS
    elsewhere: ClassVar[str] = ''
    is_repeatable: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, transition: Transition) -> Transition:
        """Return a transition processed."""

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return what the step makes of the features it will see; called once, before all else.

        Raises:
            ValueError: it cannot work on these.
        """
        return features

    def get_config(self) -> dict[str, Any]:
        """Return its settings, as JSON holds them; kept with every episode."""
        return dump(self) if dataclasses.is_dataclass(self) else {}

    def reset(self) -> None:  # noqa: B027 - most steps remember nothing
        """Forget what it remembers: an episode begins."""

    def episode_info(self) -> dict[str, Any]:
        """Return what it does in this episode alone, for the episode's record."""
        return {}


class ObservationProcessorStep(ProcessorStep):
    """A step on what is observed."""

    places = ON_OBSERVATIONS
    elsewhere = 'it works on observations: processor.robot_observation is its place'

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with its observation processed."""
        return {**transition, OBSERVATION: self.observation(transition[OBSERVATION])}

    @abstractmethod
    def observation(self, observation: Values) -> Values:
        """Return an observation processed."""


class RobotActionProcessorStep(ProcessorStep):
    """A step on what the robot is asked for."""

    places = ON_ACTIONS
    elsewhere = (
        'it works on actions: processor.teleop_action is its place for the dataset, '
        'processor.robot_action for the robot'
    )

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with its action processed."""
        return {**transition, ACTION: self.action(transition[ACTION])}

    @abstractmethod
    def action(self, action: Values) -> Values:
        """Return an action processed."""


class ImageProcessorStep(ObservationProcessorStep):
    """A step on pictures, one by one; it runs where they are encoded, not where rows are made.

    That is a thread for each camera, and the last pictures of a take may come when the next one
    has begun: what ``image`` needs to remember belongs into what ``work`` returns.

    Attributes:
        takes_depth: it can be given depth too, shape (height, width).
    """

    takes_depth: ClassVar[bool] = False

    @abstractmethod
    def image(self, image: Image, camera: str) -> Image:
        """Return a picture processed.

        Args:
            image: RGB uint8, shape (height, width, 3); it cannot be written to.
            camera: the camera's name.
        """

    def image_size(self, size: tuple[int, int], camera: str) -> tuple[int, int]:
        """Return height and width of what ``image`` makes of pictures of a size [px]."""
        return size

    def has_camera(self, camera: str) -> bool:
        """Return whether a camera's pictures are processed."""
        return True

    @property
    def is_at_work(self) -> bool:
        """Return whether there is a camera whose pictures it changes."""
        return bool(self._sizes)

    def work(self, camera: str) -> ImageWork:
        """Return what is done with the next picture of a camera.

        Called where rows are made, in their order: chance is drawn here. The same object for
        two rows says that one picture would become the same twice.
        """
        return self._works[camera]

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return the features with the sizes that pictures will have."""
        seen = features[OBSERVATION]
        self._sizes: dict[str, tuple[int, int]] = {}
        changed: dict[str, FeatureShape] = {}
        for key, shape in seen.items():
            if isinstance(shape, tuple) and self._is_mine(key, shape):
                self._sizes[key] = self.image_size((shape[0], shape[1]), camera_name(key))
                changed[key] = (*self._sizes[key], shape[2])
        self._works: dict[str, ImageWork] = {
            camera: self._bound(camera) for camera in map(camera_name, self._sizes)
        }
        self._last: dict[str, tuple[Any, ImageWork, Any]] = {}
        return {**features, OBSERVATION: {**seen, **changed}}

    def observation(self, observation: Values) -> Values:
        """Return an observation whose pictures are processed when they are asked for."""
        pictures = {key: self._picture(key, observation[key]) for key in self._sizes}
        return {**observation, **pictures}

    def rehearse(self, features: PipelineFeatures) -> None:
        """Process a black picture of each camera: what always fails, fails before an episode.

        Args:
            features: what ``transform_features`` was given.

        Raises:
            ValueError: what comes out is not what ``image_size`` said.
        """
        for key, size in self._sizes.items():
            height, width, channels = features[OBSERVATION][key]  # type: ignore[misc]
            is_depth = channels == 1
            black: Image = np.zeros(
                (height, width) if is_depth else (height, width, 3),
                np.uint16 if is_depth else np.uint8,
            )
            made = self.image(unwritable(black), camera_name(key))
            expected = (*size, *black.shape[2:])
            found = (getattr(made, 'shape', None), getattr(made, 'dtype', type(made)))
            if found != (expected, black.dtype):
                raise ValueError(
                    f'image() made {found[1]} {found[0]} of a picture of {key}, '
                    f'expected {black.dtype} {expected}'
                )

    def _is_mine(self, key: str, shape: FeatureShape) -> bool:
        return is_picture(shape, self.takes_depth) and self.has_camera(camera_name(key))

    def _bound(self, camera: str) -> ImageWork:
        return lambda image: self.image(image, camera)

    def _picture(self, key: str, source: Any) -> Any:
        """Return a picture processed; one that comes again is the same object again."""
        work = self.work(camera_name(key))
        if isinstance(source, np.ndarray):
            return work(source)
        known, done, made = self._last.get(key, (None, None, None))
        if source is not known or work is not done:
            made = processed(source, self._sizes[key], work, f'{key}: {type(self).__name__}')
            self._last[key] = (source, work, made)
        return made


def is_picture(shape: FeatureShape, with_depth: bool = True) -> bool:
    """Return whether a feature holds pictures."""
    channels = (1, 3) if with_depth else (3,)
    return isinstance(shape, tuple) and len(shape) == 3 and shape[2] in channels


def camera_name(key: str) -> str:
    """Return a camera's name, whether it stands alone or as the dataset's key."""
    return key.removeprefix(IMAGES_PREFIX)


def check_cameras(named: Mapping[str, Any] | list[str], features: PipelineFeatures) -> None:
    """Check that cameras that a step names are there.

    Raises:
        ValueError: one is not; lists those that are.
    """
    there = [camera_name(k) for k, shape in features[OBSERVATION].items() if is_picture(shape)]
    for name in named:
        if camera_name(name) not in there:
            raise ValueError(
                f'there is no camera {name!r}; there are {", ".join(there) or "none"}'
            )
