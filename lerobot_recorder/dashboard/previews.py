"""Live pictures of the cameras: heard only while a browser looks, and no more than are shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_recorder.dashboard.thumbnail import message_thumbnail
from lerobot_recorder.messages import RawMessage

LEASE_NS = 3 * NS_PER_S
"""So long after a browser has asked for a camera it is still heard [ns]."""
WIDTH = 480
"""Of a live picture [px]."""


@dataclass(frozen=True)
class Preview:
    """The newest picture of a camera.

    Attributes:
        number: of this picture; those of a camera grow.
        raw: the message.
    """

    number: int
    raw: RawMessage


class Previews:
    """The newest picture of each camera that somebody looks at.

    Args:
        clock: tells when a browser has left.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_ns: dict[str, int] = {}
        self._newest: dict[str, Preview] = {}
        self._made: dict[str, tuple[int, bytes]] = {}
        self._number = 0
        self._lock = threading.Lock()

    def want(self, camera: str) -> None:
        """Note that a browser asks for a camera."""
        self._asked_ns[camera] = self._clock.monotonic_ns()

    def wanted(self) -> set[str]:
        """Return the cameras that somebody looks at."""
        now_ns = self._clock.monotonic_ns()
        return {name for name, at in tuple(self._asked_ns.items()) if now_ns - at < LEASE_NS}

    def put(self, camera: str, raw: RawMessage) -> None:
        """Take in a picture."""
        self._number += 1
        self._newest[camera] = Preview(self._number, raw)

    def drop(self, camera: str) -> None:
        """Forget a camera that is heard no more: its picture would look alive."""
        for kept in (self._newest, self._made, self._asked_ns):
            kept.pop(camera, None)

    def newest(self, camera: str) -> Preview | None:
        """Return the newest picture of a camera, None if none came."""
        return self._newest.get(camera)

    def jpeg(self, camera: str, preview: Preview) -> bytes:
        """Return a picture as a small JPEG, made once for all browsers.

        Raises:
            StreamError: it is no picture that is known.
        """
        with self._lock:
            made = self._made.get(camera)
            if made is None or made[0] != preview.number:
                made = (preview.number, message_thumbnail(preview.raw, WIDTH))
                self._made[camera] = made
            return made[1]
