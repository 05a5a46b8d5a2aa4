"""Augmentation as a step: each picture of a camera changed at random, the same for a seed."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import zlib
from typing import Any

import numpy as np

from lerobot_drivers.processors.augment import Change, NoiseSheet
from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_drivers.processors.step import (
    Image,
    ImageProcessorStep,
    ImageWork,
    PipelineFeatures,
    camera_name,
    check_cameras,
)


class ImageAugmentationProcessorStep(ImageProcessorStep):
    """Changes the pictures of a dataset at random.

    It has no place in ``processor``: a policy would see it too.

    Args:
        config: what is changed, and how much.
    """

    places = frozenset()
    elsewhere = 'a policy must see what the camera shows; dataset.augmentation is its place'

    def __init__(self, config: AugmentationConfig) -> None:
        self.config = config
        self._seed = secrets.randbits(32) if config.seed is None else config.seed
        self._take = -1

    def get_config(self) -> dict[str, Any]:
        """Return its settings, with the seed it draws by."""
        return {**dataclasses.asdict(self.config), 'seed': self._seed}

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Find the cameras.

        Raises:
            ValueError: one that is named is not there, or sees depth.
        """
        named = self.config.cameras or []
        check_cameras(named, features)
        features = super().transform_features(features)
        self._cameras = [camera_name(key) for key in self._sizes]
        deep = [name for name in map(camera_name, named) if name not in self._cameras]
        if deep:
            raise ValueError(
                f'cameras: {", ".join(deep)} sees depth, and distances are not changed at random'
            )
        self._sheets = {camera: self._sheet(camera) for camera in self._cameras}
        self._begin(0)
        self._take = -1
        return features

    def has_camera(self, camera: str) -> bool:
        """Return whether a camera's pictures are changed."""
        named = self.config.cameras
        return named is None or camera in map(camera_name, named)

    def reset(self) -> None:
        """Draw anew: a take begins."""
        self._begin(self._take + 1)

    def episode_info(self) -> dict[str, Any]:
        """Return what is drawn by, and what was drawn for the whole take."""
        told: dict[str, Any] = {'settings': self.get_config(), 'take': self._take}
        if self.config.per == 'episode':
            told['cameras'] = {c: dataclasses.asdict(drawn) for c, drawn in self._drawn.items()}
        return told

    def work(self, camera: str) -> ImageWork:
        """Return what is done to the next picture of a camera."""
        row = self._rows[camera] = self._rows[camera] + 1
        if self.config.per == 'frame':
            drawn = self.config.draw(self._seed, self._take, camera, row)
        elif self._drawn[camera].noise:
            drawn = self._drawn[camera]
        else:
            return self._steady[camera]
        return functools.partial(self._changed, camera=camera, change=drawn, row=row)

    def image(self, image: Image, camera: str) -> Image:
        """Return a picture changed as the first of the take would be."""
        return self._changed(image, camera, self._drawn[camera], 0)

    def _begin(self, take: int) -> None:
        self._take = take
        self._rows = dict.fromkeys(self._cameras, 0)
        self._drawn = {c: self.config.draw(self._seed, take, c) for c in self._cameras}
        self._steady: dict[str, ImageWork] = {
            camera: functools.partial(self._changed, camera=camera, change=drawn, row=0)
            for camera, drawn in self._drawn.items()
        }

    def _changed(self, image: Image, camera: str, change: Change, row: int) -> Image:
        pixels = change.moved(np.ascontiguousarray(image), self.config.edges)
        pixels = change.blurred(change.colours(pixels))
        if change.noise:
            # A row number times an odd number comes by every place once before it repeats.
            pixels = self._sheets[camera].on(pixels, change.noise, row * 1597)
        return pixels

    def _sheet(self, camera: str) -> NoiseSheet | Any:
        if 'noise' not in self.config.changes:
            return None
        size = next(s for key, s in self._sizes.items() if camera_name(key) == camera)
        seed = [self._seed, zlib.crc32(camera.encode())]
        return NoiseSheet(size, np.random.default_rng(seed))
