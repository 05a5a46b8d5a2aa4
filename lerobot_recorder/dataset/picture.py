"""Pictures on their way to an encoder."""

from __future__ import annotations

from typing import Protocol

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
