"""Pictures that are processed when somebody asks for their pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ProcessorError

Work = Callable[[NDArray[Any]], NDArray[Any]]


class _Processed:
    """A picture with a step still to be done.

    Args:
        source: the picture before the step.
        size: height and width after it [px].
        work: what the step does.
        where: whose pictures and which step, for errors.
    """

    def __init__(self, source: Any, size: tuple[int, int], work: Work, where: str) -> None:
        self.height, self.width = size
        self.source = source
        self._work, self._where = work, where

    def _done(self, before: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        try:
            after = self._work(unwritable(before))
        except Exception as error:
            raise ProcessorError(
                f'{self._where} failed: {type(error).__name__}: {error}'
            ) from error
        found = (getattr(after, 'dtype', None), getattr(after, 'shape', None))
        if found != (before.dtype, shape):
            raise ProcessorError(
                f'{self._where} gave {found[0]} {found[1]}, expected {before.dtype} {shape}'
            )
        return after


class ProcessedPicture(_Processed):
    """A picture in colour."""

    def rgb(self) -> NDArray[np.uint8]:
        """Return the pixels, RGB, shape (height, width, 3)."""
        return self._done(np.asarray(self.source.rgb()), (self.height, self.width, 3))


class ProcessedDepth(_Processed):
    """A picture of distances."""

    def depth(self) -> NDArray[Any]:
        """Return the distances, shape (height, width)."""
        return self._done(np.asarray(self.source.depth()), (self.height, self.width))


def unwritable(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return pixels that may be somebody else's, safe from a step that would write to them."""
    view: NDArray[Any] = pixels.view()
    view.flags.writeable = False
    return view


def origin(picture: Any) -> Any:
    """Return the picture as it was before any step."""
    while isinstance(picture, _Processed):
        picture = picture.source
    return picture


def processed(source: Any, size: tuple[int, int], work: Work, where: str) -> Any:
    """Return a picture to which a step's work is done when its pixels are asked for."""
    kind = ProcessedDepth if hasattr(source, 'depth') else ProcessedPicture
    return kind(source, size, work, where)
