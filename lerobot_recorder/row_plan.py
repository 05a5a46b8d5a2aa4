"""The plan of a row: which channels make which feature, learnt from the first messages.

The recorder, the bag converter and the policy node all see the world through this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.clock import FOREVER_NS
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.channels import (
    Channel,
    NumericChannel,
    PictureChannel,
    TextChannel,
    make_channel,
)
from lerobot_recorder.dataset.picture import Picture
from lerobot_recorder.fixed_messages import read_quickly
from lerobot_recorder.joint_states import JOINT_STATE, JointStateReader
from lerobot_recorder.mapping import MappingConfig, is_image_feature, unique
from lerobot_recorder.messages import (
    RawMessage,
    decode,
    header_stamp_ns,
    is_standard,
)
from lerobot_recorder.rates import LOW
from lerobot_recorder.row_processor import RowProcessor
from lerobot_recorder.synchronizer import AlignedSet, SyncConfig

MAX_ERRORS_IN_A_ROW = 10
"""So many unusable messages of one topic in a row are no accident."""
SYNC_TICK = 'sync.tick_ns'
STAMP_FEATURE = {'dtype': 'int64', 'shape': [1], 'names': None}


@dataclass(frozen=True)
class Row:
    """One row of a dataset.

    Attributes:
        values: numeric feature -> float32 vector, shape (n,), or windows, shape (K, n); stamps
            as int64, shape (1,) [ns]; texts as they are.
        pictures: image feature -> picture.
    """

    values: Mapping[str, Any]
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
        processor: steps on the rows, if there are any.

    Raises:
        StreamError: an image feature has more than one topic.
    """

    def __init__(
        self,
        mapping: MappingConfig,
        types: Typestore | None = None,
        processor: RowProcessor | None = None,
    ) -> None:
        self.mapping = mapping
        self.processor = processor
        self._types = types
        self.channels: dict[str, list[Channel]] = {
            feature: [
                make_channel(feature, source, number, source.grid(mapping.fps))
                for number, source in enumerate(config.sources)
            ]
            for feature, config in mapping.features.items()
        }
        for feature, channels in self.channels.items():
            if is_image_feature(feature) and len(channels) > 1:
                raise StreamError(f'{feature} is made of several topics; pictures have one')
        self._is_quick: dict[str, bool] = {}
        self._joints: dict[str, JointStateReader] = defaultdict(JointStateReader)
        self._by_topic: dict[str, list[Channel]] = {}
        for channel in self.all_channels():
            for topic in channel.topics():
                self._by_topic.setdefault(topic, []).append(channel)
        self._decoded = {c.source.topic for c in self.all_channels() if c.reads_fields}

    def all_channels(self) -> list[Channel]:
        """Return every channel, feature by feature."""
        return [channel for channels in self.channels.values() for channel in channels]

    @property
    def is_learned(self) -> bool:
        """Return whether nothing is open any more."""
        return all(channel.is_learned for channel in self.all_channels())

    @property
    def has_unseen(self) -> bool:
        """Return whether elements that the mapping names have been in no message yet."""
        numbers = (c for c in self.all_channels() if isinstance(c, NumericChannel))
        return any(channel.unseen for channel in numbers)

    def unlearned_topics(self) -> list[str]:
        """Return the topics from which something is still to be learnt."""
        open_ones = (c.topics() for c in self.all_channels() if not c.is_learned)
        return list(dict.fromkeys(topic for topics in open_ones for topic in topics))

    def unheard_topics(self) -> list[str]:
        """Return the topics of sensors that have not given a stamp yet."""
        silent = (c for c in self.all_channels() if not c.may_be_silent)
        return list(dict.fromkeys(c.source.topic for c in silent if not c.usual_rate.is_begun))

    def learn(self, raw: RawMessage) -> None:
        """Learn from one of the first messages; one bad message is counted, not fatal.

        Raises:
            StreamError: many messages of the topic in a row were unusable, or the joints are
                not those that the mapping names.
        """
        channels = self._by_topic.get(raw.topic, ())
        open_ones = [c for c in channels if not c.is_learned]
        unsure = [c for c in channels if isinstance(c, NumericChannel) and c.unseen]
        if not open_ones and not unsure:
            return
        try:
            message = decode(raw, self._types)
            for channel in open_ones:
                channel.learn(message, raw)
            for numbers in unsure:
                numbers.see(message, raw)
        except StreamError as error:
            self._count_error([*open_ones, *unsure], error)
        else:
            for channel in [*open_ones, *unsure]:
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
        errors = [c.last_error for c in self.all_channels() if c.errors_in_a_row]
        errors += [c.open_question() for c in self.all_channels() if not c.is_learned]
        return list(dict.fromkeys(error for error in errors if error is not None))

    def begin(self) -> None:
        """Let every channel begin a take."""
        for channel in self.all_channels():
            channel.begin()

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
            message = self.read(raw)
            header_ns = header_stamp_ns(message)
            for channel in channels:
                for stamp_ns, value in channel.samples(message, header_ns, raw):
                    yield Sample(channel.stream, stamp_ns, value)
        except StreamError as error:
            self._count_error(channels, error)
        else:
            for channel in channels:
                channel.errors_in_a_row = 0

    def observe(self, raw: RawMessage) -> None:
        """Take note of when a message was stamped that no take needs: what is usual is learnt."""
        for channel in self._by_topic.get(raw.topic, ()):
            channel.observe(raw, self._types)

    @contextmanager
    def heard_before(self) -> Iterator[None]:
        """Take in messages that were heard already: none of them is counted a second time."""
        heard = [(channel, replace(channel.heard)) for channel in self.all_channels()]
        yield
        for channel, before in heard:
            channel.heard = before

    def learn_stamps_anew(self, messages: Iterable[RawMessage]) -> None:
        """Take some messages alone as what is usual of stamps: a bag begins again at its start."""
        for channel in self.all_channels():
            channel.forget_stamps()
        for raw in messages:
            for channel in self._by_topic.get(raw.topic, ()):
                channel.observe_stamp(raw, self._types)

    @property
    def is_measured(self) -> bool:
        """Return whether the rate of every sensor is known."""
        return all(c.usual_rate.is_known for c in self.all_channels() if not c.may_be_silent)

    def slow_seconds(self, channel: Channel) -> int:
        """Return for how many seconds of the take a camera was slower than usual [s]."""
        usual_hz = channel.usual_rate.own_hz
        if not isinstance(channel, PictureChannel) or usual_hz is None:
            return 0
        return channel.rate.slow_windows(min(usual_hz, self.mapping.fps))

    def check_rates(self, may_be_low: bool) -> list[str]:
        """Return what is worth telling of the cameras' rates, one line each.

        Args:
            may_be_low: record even if no camera is as fast as the dataset says.

        Raises:
            StreamError: no camera is, and that is not allowed.
        """
        fps = self.mapping.fps
        cameras = [c for c in self.all_channels() if isinstance(c, PictureChannel)]
        rates = {c: hertz for c in cameras if (hertz := c.usual_rate.own_hz) is not None}
        told = [told_rate(camera, fps) for camera in rates]
        fastest = max(rates.values(), default=float(fps))
        if len(rates) == len(cameras) and fastest < LOW * fps and not may_be_low:
            measured = ', '.join(f'{c.source.topic}: {hz:.1f}' for c, hz in rates.items())
            raise StreamError(
                f'no camera holds the {fps} pictures/s the dataset would say ({measured} '
                f'pictures/s): record with --dataset.fps={max(1, round(fastest))}, or with '
                '--recorder.allow_low_rate=true and repeated pictures'
            )
        return [line for line in told if line]

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
            ConfigError: two elements of a feature have one name, or a step cannot work on them.
        """
        features = {key: self._feature(key) for key in self.channels}
        if self.processor is not None:
            features = self.processor.features(features)
        if not self.mapping.stamps:
            return features
        stamps = {stamp_key(c.stream): dict(STAMP_FEATURE) for c in self.all_channels()}
        both = unique([*features, SYNC_TICK, *stamps], 'features with stamps as columns')
        made = {**features, SYNC_TICK: dict(STAMP_FEATURE), **stamps}
        return {key: made[key] for key in both}

    def streams(self, cameras: Iterable[str]) -> set[str]:
        """Return the streams of cameras of the dataset, as far as steps let them be told."""
        named = {self.processor.camera(key) if self.processor else key for key in cameras}
        return named & set(self.channels)

    def row(self, aligned: AlignedSet) -> Row:
        """Return an aligned set as a row.

        Raises:
            ProcessorError: a step on the rows failed.
        """
        values: dict[str, Any] = {}
        pictures: dict[str, Picture] = {}
        for key, channels in self.channels.items():
            taken = [aligned.taken[channel.stream].value for channel in channels]
            if is_image_feature(key):
                pictures[key] = taken[0]
            elif isinstance(channels[0], TextChannel):
                values[key] = channels[0].text(taken[0])
            else:
                values[key] = np.concatenate(taken, axis=-1).astype(np.float32)
        if self.processor:
            values, pictures = self.processor.row(values, pictures)
        if self.mapping.stamps:
            values[SYNC_TICK] = np.array([aligned.tick_ns], np.int64)
            for stream, part in aligned.taken.items():
                values[stamp_key(stream)] = np.array([part.stamp_ns], np.int64)
        return Row(values, pictures)

    def read(self, raw: RawMessage) -> Any:
        """Return a message as its channels take it, decoded only as far as they need.

        Raises:
            StreamError: it is not of its type.
        """
        if raw.msgtype not in self._is_quick:
            self._is_quick[raw.msgtype] = is_standard(raw.msgtype, self._types)
        is_quick = self._is_quick[raw.msgtype] and raw.topic not in self._decoded
        quick = self._read_quickly(raw) if is_quick else None
        return quick or decode(raw, self._types)

    def _read_quickly(self, raw: RawMessage) -> Any:
        """Return a message of a standard type without decoding it, None if that cannot be."""
        if raw.msgtype == JOINT_STATE:
            return self._joints[raw.topic].read(raw.data)
        return read_quickly(raw.msgtype, raw.data)

    def _feature(self, key: str) -> dict[str, Any]:
        first = self.channels[key][0]
        if not isinstance(first, NumericChannel):
            return first.entry()
        numeric = (c for c in self.channels[key] if isinstance(c, NumericChannel))
        names = unique((name for channel in numeric for name in channel.names), key)
        slots = [] if first.window is None else [first.window.samples]
        return {'dtype': 'float32', 'shape': [*slots, len(names)], 'names': names}

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


def stamp_key(stream: str) -> str:
    """Return the column that holds the true stamps of a stream; never a policy's input.

    LeRobot makes an input of whatever begins with ``observation`` or ``action``.
    """
    return f'sync.{stream.removeprefix("observation.").replace("#", "_")}_ns'


def told_rate(camera: PictureChannel, fps: int) -> str:
    """Return what is to be told of a camera's rate, nothing if it is as it should be."""
    own, received = camera.usual_rate.own_hz, camera.usual_rate.received_hz
    topic = camera.source.topic
    if own is not None and own < LOW * fps:
        return (
            f'{topic}: {own:.1f} pictures/s, the dataset says {fps}: pictures will be repeated; '
            'let the camera run faster (exposure, resolution, USB) or lower --dataset.fps'
        )
    if received is not None and received < LOW * fps:
        return (
            f'{topic}: makes {own:.1f} pictures/s, {received:.1f} arrive, the dataset says '
            f'{fps}: pictures are lost on the way; look at its QoS, network and CPU load'
        )
    return ''
