"""What draws a world for one camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.figure import Body
from lerobot_drivers.sim.renderer import Renderer
from lerobot_drivers.sim.scenery import Image

_DRAWING_LEAD_NS = 6_000_000


class Painter(Protocol):
    """Draws one camera's pictures, all from one thread.

    Attributes:
        lead_ns: how long before its delivery a picture is begun [ns].
    """

    lead_ns: int

    def draw(self, image: Image, stamp_ns: int) -> None:
        """Draw the world as it was at a moment; HWC uint8, rgb."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class FigurePainter:
    """Draws robots as figures of capsules.

    Args:
        view: what the camera sees.
        bodies: returns what stands in the world at a moment.
    """

    lead_ns = _DRAWING_LEAD_NS

    def __init__(self, view: View, bodies: Callable[[int], Sequence[Body]]) -> None:
        self._renderer = Renderer(view)
        self._bodies = bodies

    def draw(self, image: Image, stamp_ns: int) -> None:
        """Draw the world as it was at a moment."""
        self._renderer.draw(image, self._bodies(stamp_ns))

    def close(self) -> None:
        """Do nothing: it holds nothing but memory."""
