"""A long bag in which somebody says where episodes begin and end, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from synthetic_messages import MS, T0, S, image, joint_state, make, raw, write_bag

from lerobot_drivers.common.config import build
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.convert import Converted, ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import MappingConfig, build_mapping
from lerobot_recorder.messages import RawMessage

FPS = 10
FEATURES = {
    'observation.state': {'topic': '/states'},
    'action': {'topic': '/commands'},
    'observation.images.front': {'topic': '/front'},
}


def mapping(**more: object) -> MappingConfig:
    return build_mapping({'fps': FPS, 'features': FEATURES, **more}, 'mapping')


def picture(number: int) -> np.ndarray:
    """A picture that tells its number up to 255, in two levels of grey that survive encoding."""
    number %= 256
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16], pixels[:, 16:] = 16 * (number // 16) + 8, 16 * (number % 16) + 8
    return pixels


def number_of(pixels: np.ndarray) -> int:
    left, right = pixels[4:12, 2:12].mean(), pixels[4:12, 20:30].mean()
    return int(left // 16) * 16 + int(right // 16)


def streams(seconds: float, silent: Iterable[tuple[float, float]] = ()) -> Iterator[RawMessage]:
    """Two joints at 50 Hz of which the first tells the time, commands at 25 Hz, 10 pictures/s."""
    for topic, hertz in (('/states', 50), ('/commands', 25), ('/front', FPS)):
        for k in range(round(seconds * hertz)):
            at = k / hertz
            if any(start <= at < end for start, end in silent):
                continue
            stamp = T0 + k * S // hertz
            if topic == '/front':
                yield raw(topic, image(stamp, picture(k)), stamp + 30 * MS)
            else:
                sign = 1 if topic == '/states' else -1
                yield raw(topic, joint_state(stamp, 'ab', [at, sign * at]), stamp + 2 * MS)


def text(topic: str, at_s: float, said: str) -> RawMessage:
    return raw(topic, make('std_msgs/msg/String', said), at(at_s))


def flag(topic: str, at_s: float, said: bool) -> RawMessage:
    return raw(topic, make('std_msgs/msg/Bool', said), at(at_s))


def at(seconds: float) -> int:
    return T0 + round(seconds * S)


def bag_of(path: Path, *messages: Iterable[RawMessage]) -> Path:
    everything = [one for some in messages for one in some]
    return write_bag(path, sorted(everything, key=lambda one: one.received_ns))


def convert(bag: Path, root: Path, **more: object) -> Converted:
    episodes = build(EpisodesConfig, more.pop('episodes', {}), 'episodes')
    return convert_bag(ConvertJob(bag, root, mapping(), 'tidy', episodes=episodes, **more))


def pictures(root: Path) -> list[list[int]]:
    """The numbers of the pictures that each episode shows."""
    reader = DatasetReader(root)
    return [
        [number_of(frame) for frame in reader.episode(k).frames('observation.images.front')]
        for k in range(reader.num_episodes)
    ]


def states(root: Path) -> list[list[float]]:
    """When, in seconds of the bag, the rows of each episode were."""
    reader = DatasetReader(root)
    episodes = (reader.episode(k) for k in range(reader.num_episodes))
    return [e.rows['observation.state'][:, 0].astype(float).round(4).tolist() for e in episodes]
