"""Steps on pictures that do the same to each: sizes, colours."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from lerobot_drivers.processors.step import (
    Image,
    ImageProcessorStep,
    PipelineFeatures,
    camera_name,
    check_cameras,
)

Size = tuple[int, int]
Crop = tuple[int, int, int, int]


@dataclass(kw_only=True)
class ImageCropResizeProcessorStep(ImageProcessorStep):
    """Crops pictures, then resizes them; depth too, to its nearest values.

    Attributes:
        crop_params_dict: camera -> top, left, height, width [px].
        resize_size: height, width of all pictures [px]; or camera -> height, width.
    """

    takes_depth = True

    crop_params_dict: dict[str, Crop] = field(default_factory=dict)
    resize_size: Size | dict[str, Size] | None = None

    def __post_init__(self) -> None:
        self._crops = {camera_name(key): crop for key, crop in self.crop_params_dict.items()}
        sizes = self.resize_size if isinstance(self.resize_size, dict) else {}
        self._resizes = {camera_name(key): size for key, size in sizes.items()}
        self._all = None if isinstance(self.resize_size, dict) else self.resize_size
        for camera, (top, left, height, width) in self._crops.items():
            if min(top, left) < 0 or min(height, width) < 1:
                raise ValueError(
                    f'crop_params_dict of {camera} must be [top, left, height, width], '
                    f'found {[top, left, height, width]}'
                )
        for size in [*self._resizes.values(), *([self._all] if self._all else [])]:
            if min(size) < 1:
                raise ValueError(f'resize_size must be [height, width], found {list(size)}')

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Return the features with their new sizes."""
        check_cameras([*self._crops, *self._resizes], features)
        return super().transform_features(features)

    def has_camera(self, camera: str) -> bool:
        """Return whether a camera's pictures are changed."""
        return camera in self._crops or self._resize_of(camera) is not None

    def image_size(self, size: Size, camera: str) -> Size:
        """Return the size of a camera's pictures afterwards [px].

        Raises:
            ValueError: the crop does not lie in the picture.
        """
        crop = self._crops.get(camera)
        if crop and (crop[0] + crop[2] > size[0] or crop[1] + crop[3] > size[1]):
            raise ValueError(
                f'crop_params_dict of {camera}: {list(crop)} (top, left, height, width) '
                f'does not lie in a picture of {size[1]}x{size[0]}'
            )
        return self._resize_of(camera) or (crop[2:] if crop else size)

    def image(self, image: Image, camera: str) -> Image:
        """Return a picture cropped and resized."""
        if camera in self._crops:
            top, left, height, width = self._crops[camera]
            image = image[top : top + height, left : left + width]
        size = self._resize_of(camera)
        if size is None or size == image.shape[:2]:
            return np.ascontiguousarray(image)
        # Means where it gets smaller; distances are never mixed.
        shrinks = size[0] < image.shape[0] and size[1] < image.shape[1]
        flags = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        if image.ndim == 2:
            flags = cv2.INTER_NEAREST
        resized = cv2.resize(np.ascontiguousarray(image), size[::-1], interpolation=flags)
        return np.asarray(resized)

    def _resize_of(self, camera: str) -> Size | None:
        return self._resizes.get(camera, self._all)


@dataclass(kw_only=True)
class GrayscaleProcessorStep(ImageProcessorStep):
    """Takes the colour out of pictures; they keep three channels, as LeRobot's policies want.

    Attributes:
        cameras: whose pictures; None takes all.
    """

    cameras: list[str] | None = None

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Find the cameras."""
        check_cameras(self.cameras or [], features)
        return super().transform_features(features)

    def has_camera(self, camera: str) -> bool:
        """Return whether a camera's pictures are changed."""
        return self.cameras is None or camera in map(camera_name, self.cameras)

    def image(self, image: Image, camera: str) -> Image:
        """Return a picture in grey."""
        grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
