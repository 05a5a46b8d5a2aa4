"""Pictures on their way to an encoder."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Picture(Protocol):
    """Something that becomes RGB pixels when the encoder's thread asks for them.

    Attributes:
        height: Rows [px].
        width: Columns [px].
    """

    height: int
    width: int

    def rgb(self) -> NDArray[np.uint8]:
        """Return the pixels, RGB, shape (height, width, 3).

        Called in the encoder's thread, once per use: decoding and conversion belong here.
        """
        ...


@runtime_checkable
class PlanarPicture(Protocol):
    """A picture that knows a shorter way to what the video encoders take."""

    def i420(self) -> NDArray[np.uint8]:
        """Return it as BT.601 video range: Y, U, V below each other, both sizes even [px].

        Shape (height * 3 // 2, width).
        """
        ...

    def sample(self) -> NDArray[np.uint8]:
        """Return what `statistics.decimated` gives of its RGB pixels."""
        ...


@runtime_checkable
class JpegPicture(Protocol):
    """A picture that came as a JPEG."""

    def jpeg(self) -> bytes | None:
        """Return the JPEG, whole and as it came; None if it came as something else."""
        ...


class DepthPicture(Protocol):
    """A picture of distances.

    Attributes:
        height: Rows [px].
        width: Columns [px].
    """

    height: int
    width: int

    def depth(self) -> NDArray[Any]:
        """Return the distances, shape (height, width): uint16 in [mm] or float32 in [m]."""
        ...


class ArrayPicture:
    """A picture that is an array already.

    The array is not copied: whoever hands it over must not write to it any more.
    """

    def __init__(self, array: NDArray[np.uint8]) -> None:
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise ValueError(
                f'a picture is uint8 of shape (height, width, 3), got {array.dtype} {array.shape}'
            )
        self.height, self.width = int(array.shape[0]), int(array.shape[1])
        self._array = array

    def rgb(self) -> NDArray[np.uint8]:
        """Return the array itself, shape (height, width, 3)."""
        return self._array


class ArrayDepth:
    """A picture of distances that is an array already; it is not copied."""

    def __init__(self, array: NDArray[Any]) -> None:
        if array.dtype not in (np.uint16, np.float32) or array.ndim != 2:
            raise ValueError(
                'depth is uint16 [mm] or float32 [m] of shape (height, width), '
                f'got {array.dtype} {array.shape}'
            )
        self.height, self.width = int(array.shape[0]), int(array.shape[1])
        self._array = array

    def depth(self) -> NDArray[Any]:
        """Return the array itself, shape (height, width)."""
        return self._array
