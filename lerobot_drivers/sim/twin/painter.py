"""Draws the scene as one camera sees it: the same pinholes as without physics."""

from __future__ import annotations

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.scenery import Image
from lerobot_drivers.sim.twin.darkroom import Darkroom

_LEAD_NS = 24_000_000


class TwinPainter:
    """One camera's pictures.

    Args:
        darkroom: where they are drawn.
        view: what the camera sees.

    Raises:
        DeviceError: nothing there can draw.
    """

    lead_ns = _LEAD_NS

    def __init__(self, darkroom: Darkroom, view: View) -> None:
        darkroom.check()
        self._darkroom, self._view = darkroom, view

    def draw(self, image: Image, stamp_ns: int) -> None:
        """Draw the scene as it was at a moment."""
        self._darkroom.draw(self._view, image, stamp_ns)

    def close(self) -> None:
        """Do nothing: what draws is the world's."""
