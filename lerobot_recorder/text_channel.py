"""A source of texts: what was said last, row by row, in a feature of dtype string."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.channel import Channel
from lerobot_recorder.field_paths import text_at
from lerobot_recorder.mapping import SourceConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.streams import Take, Window


class TextChannel(Channel):
    """Texts, which travel through the streams as their numbers."""

    is_learned = True

    def __init__(
        self, feature: str, source: SourceConfig, number: int, window: Window | None = None
    ) -> None:
        super().__init__(feature, source, number, window)
        self._numbers: dict[str, int] = {}

    @property
    def take(self) -> Take:
        """How the stream is taken at a tick: a text is in force until the next one."""
        return Take.HOLD

    @property
    def reads_fields(self) -> bool:
        """Whether it needs messages decoded in full, field by field."""
        return True

    def can_use(self, msgtype: str) -> bool:
        """Return whether messages of a type may hold a text."""
        return self.source.fields is not None or msgtype == 'std_msgs/msg/String'

    def entry(self) -> dict[str, Any]:
        """Return the feature as info.json describes it."""
        return {'dtype': 'string', 'shape': [1], 'names': None}

    def learn(self, message: Any, raw: RawMessage) -> None:
        """Nothing is open."""

    def value(self, message: Any, raw: RawMessage) -> NDArray[np.float64]:
        """Return the number of the text in a message, shape (1,)."""
        try:
            found = text_at(message, self.source.text_path)
        except StreamError as error:
            raise StreamError(f'{raw.topic}: {raw.msgtype} {error}') from error
        return np.array([self._numbers.setdefault(found, len(self._numbers))], dtype=np.float64)

    def text(self, value: NDArray[np.float64]) -> str:
        """Return the text of a number."""
        return list(self._numbers)[int(value[0])]
