"""What rerun shows: pictures and numbers over time, in a file or in a viewer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.display import require_rerun
from lerobot_drivers.common.errors import ConfigError

LOOPBACK = '127.0.0.1'
VIEWER_MEMORY = '25%'
JPEG_QUALITY = 75
_METRES = {np.dtype(np.uint16): 1000.0}
"""How many of a depth's units a metre is; of floating-point depth it is one."""


class RerunLog:
    """One recording of rerun.

    Args:
        name: what it is called in the viewer.
        compress: keep pictures as JPEG.

    Raises:
        ConfigError: rerun is not installed.
    """

    def __init__(self, name: str, compress: bool = False) -> None:
        require_rerun('this')
        import rerun

        self._rerun = rerun
        self._compress = compress
        self._names: dict[str, tuple[str, ...]] = {}
        self.stream = rerun.RecordingStream(name)

    def save(self, path: Path) -> None:
        """Let everything go into a file."""
        self.stream.save(path)

    def connect(self, ip: str, port: int) -> None:
        """Let everything go to a viewer."""
        self.stream.connect_grpc(f'rerun+http://{ip}:{port}/proxy')

    def at_frame(self, frame_index: int, timestamp_s: float) -> None:
        """Set which row what follows belongs to."""
        self.stream.set_time('frame_index', sequence=frame_index)
        self.stream.set_time('timestamp', duration=timestamp_s)

    def at(self, stamp_ns: int) -> None:
        """Set the time of what follows [ns]."""
        self.stream.set_time('stamp', timestamp=stamp_ns / NS_PER_S)

    def picture(self, key: str, pixels: NDArray[Any]) -> None:
        """Log a picture: RGB, or distances of shape (height, width)."""
        rerun = self._rerun
        if pixels.ndim == 2:
            image: Any = rerun.DepthImage(pixels, meter=_METRES.get(pixels.dtype, 1.0))
        else:
            image = rerun.Image(pixels)
            image = image.compress(jpeg_quality=JPEG_QUALITY) if self._compress else image
        self.stream.log(key, image)

    def jpeg(self, key: str, content: bytes) -> None:
        """Log a picture that is a JPEG already."""
        self.stream.log(key, self._rerun.EncodedImage(contents=content, media_type='image/jpeg'))

    def numbers(self, key: str, names: Sequence[str], values: NDArray[Any]) -> None:
        """Log a vector, a line for each of its elements."""
        if self._names.get(key) != tuple(names):
            self._names[key] = tuple(names)
            self.stream.log(key, self._rerun.SeriesLines(names=list(names)), static=True)
        self.stream.log(key, self._rerun.Scalars(np.asarray(values, dtype=np.float64)))

    def close(self) -> None:
        """Wait until everything has gone out."""
        self.stream.disconnect()


def start_viewer(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start rerun's viewer; whatever it opens for others stays on this machine.

    Args:
        arguments: besides those.

    Raises:
        ConfigError: there is no ``rerun`` command.
    """
    beside = Path(sys.executable).with_name('rerun')
    command = str(beside) if beside.exists() else shutil.which('rerun')
    if command is None:
        raise ConfigError("there is no command rerun: pip install 'lerobot_ros[display]'")
    fixed = ['--bind', LOOPBACK, '--hide-welcome-screen', '--memory-limit', VIEWER_MEMORY]
    return subprocess.Popen([command, *fixed, *arguments])
