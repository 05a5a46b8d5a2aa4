"""A source of pictures."""

from __future__ import annotations

from typing import Any

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.channel import Channel
from lerobot_recorder.depth_images import says_depth
from lerobot_recorder.images import IMAGE_TYPES, Pictures, to_picture
from lerobot_recorder.mapping import SourceConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.streams import Window


class PictureChannel(Channel):
    """Pictures of one size."""

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        super().__init__(feature, source, number, window)
        self.size: tuple[int, int] | None = None
        self.depth_unit: str | None = None
        named = True if says_depth(feature) else None
        self._is_depth = named if source.depth is None else source.depth

    @property
    def is_learned(self) -> bool:
        """Return whether the size is known."""
        return self.size is not None

    def can_use(self, msgtype: str) -> bool:
        """Return whether messages of a type are pictures."""
        return msgtype in IMAGE_TYPES

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Take the size of the first picture."""
        if self.size is None:
            picture = self._picture(message, raw)
            self.size = (picture.height, picture.width)
            self.depth_unit = getattr(picture, 'unit', None)

    def entry(self) -> dict[str, Any]:
        """Return the feature as info.json describes it."""
        assert self.size is not None
        names = ['height', 'width', 'channels']
        if self.depth_unit is None:
            return {'dtype': 'video', 'shape': [*self.size, 3], 'names': names}
        info = {'is_depth_map': True, 'depth_unit': self.depth_unit}
        return {'dtype': 'video', 'shape': [*self.size, 1], 'names': names, 'info': info}

    def value(self, message: Any, raw: RawMessage) -> Any:
        """Return the picture, its pixels not yet decoded."""
        picture = self._picture(message, raw)
        if self.size is not None and (picture.height, picture.width) != self.size:
            raise StreamError(
                f'{raw.topic}: a picture is {picture.width}x{picture.height}, '
                f'expected {self.size[1]}x{self.size[0]} as the first one'
            )
        if self.size is not None and getattr(picture, 'unit', None) != self.depth_unit:
            expected = f'depth in {self.depth_unit}' if self.depth_unit else 'colour'
            raise StreamError(f'{raw.topic}: a picture is not {expected} as the first one')
        return picture

    def _picture(self, message: Any, raw: RawMessage) -> Pictures:
        return to_picture(message, self._image_type(raw), raw.topic, self._is_depth)

    def _image_type(self, raw: RawMessage) -> str:
        if raw.msgtype not in IMAGE_TYPES:
            raise StreamError(
                f'{raw.topic} holds {raw.msgtype}, but {self.feature} needs one of '
                + ', '.join(IMAGE_TYPES)
            )
        return raw.msgtype
