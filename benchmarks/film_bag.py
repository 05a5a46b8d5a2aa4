"""A bag for the benchmarks of conversion: two cameras that show a film, joints and commands.

python -m benchmarks.film_bag BAG --seconds 20 --jpeg 85
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from benchmarks.film import Pixels, frame_at, make_film, open_film

CAMERAS = ('front', 'wrist')
FILM_FRAMES = 60
FPS, JOINTS_HZ, JOINTS = 30, 100, 6
STATES, COMMANDS = '/joint_states', '/joint_commands'
BEGIN_NS = 1_700_000_000_000_000_000
LATE_NS = 3_000_000
"""From a message's stamp to its place in the bag [ns]."""
_STORE = get_typestore(Stores.LATEST)
Event = tuple[int, str, bytes]


@dataclass(frozen=True)
class BagPlan:
    """What a bag is to hold.

    Attributes:
        seconds: its length [s].
        jpeg: quality of compressed pictures, 0 for raw ones.
        size: height and width of the pictures [px].
    """

    seconds: float
    jpeg: int = 0
    size: tuple[int, int] = (480, 640)

    @property
    def pictures(self) -> int:
        """Pictures of each camera."""
        return round(self.seconds * FPS)

    @property
    def topics(self) -> dict[str, str]:
        """Camera -> its topic."""
        last = 'image_raw/compressed' if self.jpeg else 'image_raw'
        return {name: f'/{name}/{last}' for name in CAMERAS}

    def described(self) -> str:
        """Return it in a few words."""
        kind = f'JPEG q{self.jpeg}' if self.jpeg else 'rgb8'
        height, width = self.size
        return (
            f'{self.seconds:.0f} s of 2 cameras {width}x{height} {kind} at {FPS} Hz, '
            f'joints and commands at {JOINTS_HZ} Hz'
        )


def make_bag(path: Path, plan: BagPlan) -> None:
    """Write a bag, mcap without compression; its folder must not exist."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        film_path = Path(folder) / 'film.npy'
        make_film(film_path, FILM_FRAMES, plan.size)
        shown = _pictures(open_film(film_path), plan)
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            add = _adder(writer)
            for stamp_ns, topic, data in _events(shown, plan):
                add(topic, stamp_ns + LATE_NS, data)


def joints_at(at_s: float) -> list[float]:
    """Return where the joints are at a time after the beginning [rad]."""
    return [0.4 * math.sin(at_s * (1.0 + 0.3 * number)) for number in range(JOINTS)]


def _adder(writer: Writer) -> Callable[[str, int, bytes], None]:
    known: dict[str, Any] = {}

    def add(topic: str, logged_ns: int, data: bytes) -> None:
        if topic not in known:
            known[topic] = writer.add_connection(topic, _msgtype(topic), typestore=_STORE)
        writer.write(known[topic], logged_ns, data)

    return add


def _msgtype(topic: str) -> str:
    if topic in (STATES, COMMANDS):
        return 'sensor_msgs/msg/JointState'
    return f'sensor_msgs/msg/{"CompressedImage" if topic.endswith("compressed") else "Image"}'


def _events(shown: list[bytes], plan: BagPlan) -> Iterator[Event]:
    """Yield stamp, topic and message in the order of their stamps."""
    numbers = round(plan.seconds * JOINTS_HZ)
    at = [(number * 1_000_000_000 // JOINTS_HZ, topic, number)
          for number in range(numbers) for topic in (STATES, COMMANDS)]  # fmt: skip
    at += [(number * 1_000_000_000 // FPS + 1_000_000, topic, number)
           for number in range(plan.pictures) for topic in plan.topics.values()]  # fmt: skip
    for after_ns, topic, number in sorted(at):
        stamp_ns = BEGIN_NS + after_ns
        if topic in (STATES, COMMANDS):
            yield stamp_ns, topic, _joint_state(stamp_ns, after_ns * 1e-9)
        else:
            frame = shown[frame_at(number, len(shown))]
            yield stamp_ns, topic, _stamped(frame, stamp_ns)


def _header(stamp_ns: int) -> Any:
    types = _STORE.types
    time = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 1_000_000_000))
    return types['std_msgs/msg/Header'](time, 'robot')


def _joint_state(stamp_ns: int, at_s: float) -> bytes:
    names = [f'joint_{number}' for number in range(JOINTS)]
    nothing = np.zeros(0)
    message = _STORE.types['sensor_msgs/msg/JointState'](
        _header(stamp_ns), names, np.array(joints_at(at_s)), nothing, nothing
    )
    return bytes(_STORE.serialize_cdr(message, 'sensor_msgs/msg/JointState'))


def _pictures(film: Pixels, plan: BagPlan) -> list[bytes]:
    """Return each picture of a film as a message, stamped with nothing yet."""
    return [_compressed(frame, plan.jpeg) if plan.jpeg else _raw(frame) for frame in film]


def _raw(frame: Pixels) -> bytes:
    height, width, _ = frame.shape
    message = _STORE.types['sensor_msgs/msg/Image'](
        _header(0), height, width, 'rgb8', 0, width * 3, np.ascontiguousarray(frame).reshape(-1)
    )
    return bytes(_STORE.serialize_cdr(message, 'sensor_msgs/msg/Image'))


def _compressed(frame: Pixels, quality: int) -> bytes:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    message = _STORE.types['sensor_msgs/msg/CompressedImage'](_header(0), 'jpeg', data.reshape(-1))
    return bytes(_STORE.serialize_cdr(message, 'sensor_msgs/msg/CompressedImage'))


def _stamped(message: bytes, stamp_ns: int) -> bytes:
    """Return a message with another header stamp; CDR has it right behind its four first bytes."""
    time = np.array(divmod(stamp_ns, 1_000_000_000), '<u4').tobytes()
    return message[:4] + time + message[12:]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('path', type=Path)
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--jpeg', type=int, default=0, help='quality of the pictures; 0: raw')
    options = parser.parse_args()
    make_bag(options.path, BagPlan(options.seconds, options.jpeg))


if __name__ == '__main__':
    main()
