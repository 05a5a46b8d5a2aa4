"""Channels of every kind: which one a feature's source needs."""

from __future__ import annotations

from lerobot_recorder.channel import Channel
from lerobot_recorder.mapping import SourceConfig, is_image_feature
from lerobot_recorder.numeric_channel import NumericChannel
from lerobot_recorder.picture_channel import PictureChannel
from lerobot_recorder.streams import Window
from lerobot_recorder.text_channel import TextChannel
from lerobot_recorder.transform_channel import TransformChannel

__all__ = ['Channel', 'NumericChannel', 'PictureChannel', 'TextChannel', 'make_channel']


def make_channel(
    feature: str, source: SourceConfig, number: int, window: Window | None = None
) -> Channel:
    """Return the channel of a feature's source; see ``Channel``."""
    if is_image_feature(feature):
        return PictureChannel(feature, source, number, window)
    if source.transform is not None:
        return TransformChannel(feature, source, number, window)
    kind = TextChannel if source.dtype else NumericChannel
    return kind(feature, source, number, window)
