"""Which class of stream vectors are taken from."""

from __future__ import annotations

from lerobot_recorder.numeric_stream import NumericStream
from lerobot_recorder.rotation import RotationStream
from lerobot_recorder.streams import StreamConfig
from lerobot_recorder.window_stream import WindowStream


def make_aligned(config: StreamConfig, period_ns: int) -> NumericStream | WindowStream:
    """Return the stream of vectors on acquisition time.

    Args:
        config: the stream.
        period_ns: time between two rows [ns].
    """
    if config.window is not None:
        return WindowStream(config, period_ns)
    kind = RotationStream if config.rotations else NumericStream
    return kind(config, period_ns)
