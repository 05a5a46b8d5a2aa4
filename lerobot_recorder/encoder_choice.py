"""Which encoder a dataset gets: the one asked for, hardware that works, or what the cores allow.

It is settled once, before the dataset is created, and tried by encoding a few pictures and
decoding them again: an encoder that is there by name need not work.
"""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import ConfigError, DatasetError
from lerobot_recorder.dataset import schema, video_reader
from lerobot_recorder.dataset.encoders import ENCODERS, HARDWARE, JPEG
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget, as_frame

AUTO = 'auto'
VGA = 640 * 480
#: Part of all cores that recording may take; the rest belongs to robot and operator.
SHARE = 1 / 3
#: CPU of everything but the encoder [ms per 640x480 picture], on the core of `_REFERENCE_MS`.
_REST_MS = 1.6
#: Software encoders in the order of preference, their CPU [ms per 640x480 picture], and the cores
#: from which on they are worth it: AV1 files are smaller, and dearer to train on.
_CANDIDATES = (
    ('libsvtav1', 12, 12.5, 8),
    ('h264', 'superfast', 3.2, 1),
    ('h264', 'ultrafast', 1.6, 1),
)
_REFERENCE_MS = 1.4
_STEPS = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
_TRIAL_FRAMES = 8


@dataclass(frozen=True)
class Need:
    """What there is to encode.

    Attributes:
        sizes: height and width of each camera [px].
        fps: pictures per second.
    """

    sizes: tuple[tuple[int, int], ...]
    fps: int

    @classmethod
    def of(cls, features: schema.Features, fps: int) -> Need:
        """Return the need of a dataset's colour cameras."""
        cameras = [features[key] for key in schema.video_keys(features)]
        sizes = [schema.size_of(feature) for feature in cameras if not schema.is_depth(feature)]
        return cls(tuple(sizes), fps)

    @property
    def pictures_per_s(self) -> float:
        """Pictures of 640x480 per second with as many pixels."""
        return self.fps * sum(height * width for height, width in self.sizes) / VGA


@dataclass(frozen=True)
class Machine:
    """What there is to encode with.

    Attributes:
        cores: processor cores this process may use.
        slowness: CPU that it needs for the same work, against the machine of the prices.
    """

    cores: int
    slowness: float


def this_machine() -> Machine:
    """Return the cores there are, and how slow one is: measured by encoding a few pictures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return Machine(cores or 1, _slowness())


def resolve(
    vcodec: str | None,
    wish: Mapping[str, Any],
    need: Need,
    document: Mapping[str, Any] | None = None,
) -> VideoConfig:
    """Return the encoder of a recording; it has been tried.

    Args:
        vcodec: what was asked for: a name, `auto`, or None for what suits the cores.
        wish: settings of `VideoConfig` that were asked for besides.
        need: what there is to encode.
        document: info.json of the dataset that is added to, None for a new one.

    Raises:
        ConfigError: it does not work, or its settings are wrong.
    """
    config: VideoConfig | None
    if vcodec not in (None, AUTO):
        config = VideoConfig(vcodec=str(vcodec), **wish)
    else:
        config = of_dataset(document, wish) if document is not None and vcodec is None else None
        if config is None and vcodec == AUTO:
            config = hardware(wish, need, problem)
        if config is None and 'preset' in wish:
            config = VideoConfig(**wish)
        if config is None:
            config = choose(wish, need)
            why = f'no hardware encoder works; {config.why}' if vcodec == AUTO else config.why
            return dataclasses.replace(config, why=why)
    wrong = None if config.vcodec == JPEG else problem(config, need)
    if wrong is not None:
        raise ConfigError(f'--dataset.rgb_encoder: {wrong}')
    return config


def choose(
    wish: Mapping[str, Any], need: Need, machine: Callable[[], Machine] = this_machine
) -> VideoConfig:
    """Return the software encoder that the cores allow, with the reason.

    Args:
        wish: settings of `VideoConfig` that were asked for besides the encoder.
        need: what there is to encode.
        machine: what there is to encode with.
    """
    found = machine()
    load = need.pictures_per_s * found.slowness / 1000 / found.cores
    affordable = [
        (name, preset, load * (price_ms + _REST_MS))
        for name, preset, price_ms, cores in _CANDIDATES
        if found.cores >= cores
    ]
    last = affordable[-1]
    vcodec, preset, share = next((c for c in affordable if c[2] <= SHARE), last)
    cameras = len(need.sizes)
    why = (
        f'{cameras} camera{"" if cameras == 1 else "s"} at {need.fps}/s on {found.cores} cores '
        f'of speed {1 / found.slowness:.1f}: about {share:.0%} of them'
    )
    if share > 1:
        why += '; too much, store JPEG topics as they are (vcodec=mjpeg) or lower the size'
    odd = any(height % 2 or width % 2 for height, width in need.sizes)
    if (odd or 'crf' in wish or 'pix_fmt' in wish) and vcodec != 'h264':
        vcodec, preset = 'h264', 'superfast'  # its scale of quality, its formats are meant
    return VideoConfig(vcodec=vcodec, preset=preset, why=why, **wish)


def hardware(
    wish: Mapping[str, Any], need: Need, works: Callable[[VideoConfig, Need], str | None]
) -> VideoConfig | None:
    """Return the first hardware encoder that works, None if none does.

    Args:
        wish: settings of `VideoConfig` besides the encoder.
        need: what there is to encode.
        works: returns why an encoder does not work, None if it does.
    """
    for name in HARDWARE:
        try:
            config = VideoConfig(vcodec=name, **wish)
        except ConfigError:
            continue
        if works(config, need) is None:
            return dataclasses.replace(config, why='the first hardware encoder that works')
    return None


def of_dataset(document: Mapping[str, Any], wish: Mapping[str, Any]) -> VideoConfig | None:
    """Return how the videos of a dataset were encoded so far, None if nothing says so.

    Args:
        document: its info.json.
        wish: settings of `VideoConfig` that were asked for; they come first.
    """
    by_codec = {kind.codec: name for name, kind in reversed(list(ENCODERS.items()))}
    for feature in document['features'].values():
        block = feature.get('info') or {}
        if schema.is_depth(feature) or block.get('video.codec') not in by_codec:
            continue
        vcodec = by_codec[block['video.codec']]
        kind = ENCODERS[vcodec]
        preset, crf = block.get('video.preset'), block.get('video.crf')
        known = {
            'preset': preset if kind.takes_preset(preset) else None,
            'crf': crf if kind.takes_quality(crf) else None,
            'gop': block.get('video.g') or 2,
        }
        why = 'as the videos of this dataset are'
        return VideoConfig(vcodec=vcodec, why=why, **{**known, **wish})
    return None


def told(info: DatasetInfo) -> str:
    """Return how pictures are encoded and why, for the operator; empty without video."""
    if not Need.of(info.features, info.fps).sizes:
        return ''
    why = f' ({info.video.why})' if info.video.why else ''
    return f'{info.video.told()}{why}'


def problem(config: VideoConfig, need: Need) -> str | None:
    """Return why an encoder does not work, None if pictures come back from it.

    Args:
        config: how to encode.
        need: what there is to encode; each size is tried.
    """
    with tempfile.TemporaryDirectory() as folder:
        for height, width in sorted(set(need.sizes)):
            path = Path(folder) / f'{width}x{height}.mp4'
            target = VideoTarget('trial', path, height, width, need.fps, config)
            try:
                found = _trial(target)
            except (DatasetError, av.FFmpegError, OSError) as error:
                return str(error)
            if found is not None:
                return f'{config.kind.ffmpeg}: {found}'
    return None


def _trial(target: VideoTarget) -> str | None:
    rgb = _scene(target.height, target.width)
    encoder = Encoder(target)
    try:
        encoder.open()
        for _ in range(_TRIAL_FRAMES):
            encoder.write(ArrayPicture(rgb), False)
    finally:
        encoder.close()
    count = 0
    for found in video_reader.frames(target.path, 0, None, target.fps):
        count += 1
        if found.shape != rgb.shape or np.abs(found.astype(int) - rgb).mean() > 20:
            return 'other pictures come out than went in'
    return None if count == _TRIAL_FRAMES else f'{count} of {_TRIAL_FRAMES} pictures came out'


def _scene(height: int, width: int) -> NDArray[np.uint8]:
    down, across = np.linspace(40, 200, height)[:, None], np.linspace(40, 200, width)[None, :]
    planes = (down + 0 * across, across + 0 * down, 240 - (down + across) / 2)
    return np.stack(planes, axis=2).astype(np.uint8)


@cache
def _slowness() -> float:
    """Return how slow a core is, in coarse steps so that it is the same from run to run.

    Measured once: what is told before a recording and what is done are the same.
    """
    rng = np.random.default_rng(0)
    planes = np.full((720, 640), 128, dtype=np.uint8)
    planes[:480] = np.linspace(40, 200, 640) + rng.integers(0, 8, (480, 640))
    context: Any = av.CodecContext.create('libx264', 'w')
    context.width, context.height, context.pix_fmt = 640, 480, 'yuv420p'
    context.time_base = Fraction(1, 30)
    context.options = VideoConfig().options()
    taken = []
    for number in range(12):
        frame = as_frame(np.roll(planes, number, axis=1), 'yuv420p')
        frame.pts = number
        began = time.thread_time()
        context.encode(frame)
        taken.append(time.thread_time() - began)
    ratio = float(np.median(taken)) * 1e3 / _REFERENCE_MS
    return min(_STEPS, key=lambda step: abs(math.log(step / max(ratio, 1e-3))))
