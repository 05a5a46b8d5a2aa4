"""The plan of a row: which channels make which feature, learnt from the first messages.

The recorder, the bag converter and the policy node all see the world through this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import FOREVER_NS
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.channels import Channel, NumericChannel, PictureChannel, make_channel
from lerobot_recorder.dataset.picture import Picture
from lerobot_recorder.mapping import MappingConfig, is_image_feature, unique
from lerobot_recorder.messages import RawMessage, decode
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig

MAX_ERRORS_IN_A_ROW = 10
"""So many unusable messages of one topic in a row are no accident."""


@dataclass(frozen=True)
class Row:
    """One row of a dataset.

    Attributes:
        values: numeric feature -> float32 vector, shape (n,).
        pictures: image feature -> picture.
    """

    values: Mapping[str, NDArray[np.float32]]
    pictures: Mapping[str, Picture]


@dataclass(frozen=True)
class Sample:
    """One message as a sample of one stream: value at an acquisition stamp [ns]."""

    stream: str
    stamp_ns: int
    value: Any


class RowPlan:
    """Channels by feature and by topic.

    Args:
        mapping: which topic becomes which feature.
        types: message definitions to decode with; the standard ones by default.

    Raises:
        StreamError: an image feature has more than one topic.
    """

    def __init__(self, mapping: MappingConfig, types: Typestore | None = None) -> None:
        self.mapping = mapping
        self._types = types
        self.channels: dict[str, list[Channel]] = {
            feature: [make_channel(feature, s, number) for number, s in enumerate(config.sources)]
            for feature, config in mapping.features.items()
        }
        for feature, channels in self.channels.items():
            if is_image_feature(feature) and len(channels) > 1:
                raise StreamError(f'{feature} is made of several topics; pictures have one')
        self._by_topic: dict[str, list[Channel]] = {}
        for channel in self.all_channels():
            self._by_topic.setdefault(channel.source.topic, []).append(channel)

    def all_channels(self) -> list[Channel]:
        """Return every channel, feature by feature."""
        return [channel for channels in self.channels.values() for channel in channels]

    @property
    def is_learned(self) -> bool:
        """Return whether nothing is open any more."""
        return all(channel.is_learned for channel in self.all_channels())

    def unlearned_topics(self) -> list[str]:
        """Return the topics from which something is still to be learnt."""
        open_ones = (c.source.topic for c in self.all_channels() if not c.is_learned)
        return list(dict.fromkeys(open_ones))

    def learn(self, raw: RawMessage) -> None:
        """Learn from one of the first messages; one bad message is counted, not fatal.

        Raises:
            StreamError: many messages of the topic in a row were unusable, or the joints are
                not those that the mapping names.
        """
        open_ones = [c for c in self._by_topic.get(raw.topic, ()) if not c.is_learned]
        if not open_ones:
            return
        try:
            message = decode(raw, self._types)
            for channel in open_ones:
                channel.learn(message, raw)
        except StreamError as error:
            self._count_error(open_ones, error)
        else:
            for channel in open_ones:
                channel.errors_in_a_row = 0

    def settle(self, now_ns: int = FOREVER_NS) -> None:
        """Stop gathering joints where that has lasted long enough by now [ns].

        Raises:
            StreamError: the joints are not those that the mapping names.
        """
        for channel in self.all_channels():
            if isinstance(channel, NumericChannel):
                channel.settle(now_ns)

    def last_errors(self) -> list[str]:
        """Return what was wrong with the last unusable message of each topic."""
        errors = (c.last_error for c in self.all_channels() if c.errors_in_a_row)
        return list(dict.fromkeys(error for error in errors if error is not None))

    def samples(self, raw: RawMessage) -> Iterator[Sample]:
        """Yield what a message gives to its streams; one bad message is counted, not fatal.

        Raises:
            StreamError: many messages of the topic in a row were unusable.
        """
        channels = self._by_topic.get(raw.topic, ())
        if not channels:
            return
        try:
            for channel in channels:
                channel.lost += raw.lost_before
            message = decode(raw, self._types)
            for channel in channels:
                stamp_ns = channel.stamps.choose(message, raw)
                yield Sample(channel.stream, stamp_ns, channel.value(message, raw))
        except StreamError as error:
            self._count_error(channels, error)
        else:
            for channel in channels:
                channel.errors_in_a_row = 0

    def sync_config(self) -> SyncConfig:
        """Return what the synchronizer must know."""
        mapping = self.mapping
        return SyncConfig(
            fps=mapping.fps,
            streams=tuple(channel.stream_config() for channel in self.all_channels()),
            reference=mapping.reference,
            mode=mapping.mode,
            watermark_ns=round(mapping.watermark_ms * 1e6),
            max_gap_ns=round(mapping.max_gap_s * 1e9),
        )

    def features(self) -> dict[str, dict[str, Any]]:
        """Return the features as info.json describes them, without the five defaults.

        Raises:
            ConfigError: two elements of a feature have one name.
        """
        return {key: self._feature(key) for key in self.channels}

    def row(self, aligned: AlignedSet) -> Row:
        """Return an aligned set as a row."""
        values, pictures = {}, {}
        for key, channels in self.channels.items():
            taken = [aligned.taken[channel.stream].value for channel in channels]
            if is_image_feature(key):
                pictures[key] = taken[0]
            else:
                values[key] = np.concatenate(taken).astype(np.float32)
        return Row(values, pictures)

    def _feature(self, key: str) -> dict[str, Any]:
        first = self.channels[key][0]
        if isinstance(first, PictureChannel):
            assert first.size is not None
            names = ['height', 'width', 'channels']
            return {'dtype': 'video', 'shape': [*first.size, 3], 'names': names}
        numeric = (c for c in self.channels[key] if isinstance(c, NumericChannel))
        names = unique((name for channel in numeric for name in channel.names), key)
        return {'dtype': 'float32', 'shape': [len(names)], 'names': names}

    def _count_error(
        self, channels: list[Channel] | tuple[Channel, ...], error: StreamError
    ) -> None:
        for channel in channels:
            channel.errors += 1
            channel.errors_in_a_row += 1
            channel.last_error = str(error)
            if channel.errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                raise StreamError(
                    f'{MAX_ERRORS_IN_A_ROW} unusable messages in a row; the last: {error}'
                ) from error
