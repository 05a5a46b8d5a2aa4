"""How much memory does a take need that lasts an hour? In simulated time, as fast as it goes.

    python -m benchmarks.long_take [--minutes 60] [--cameras 2] [--size 160x120]

The recorder without ROS, its real writer behind it: joints at 100 Hz, commands at 50 Hz, cameras
at 30 Hz whose pictures differ. Small pictures, since what grows with a take does not grow with
them: rows, stamps, native tables, the index of the MP4.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_typestore

from benchmarks.processes import memory_mb
from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter, VideoConfig
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_status import Phase, SessionConfig
from lerobot_recorder.row_plan import RowPlan

FPS, STEP_NS, START_NS = 30, NS_PER_S // 50, 1_700_000_000 * NS_PER_S
TYPES = get_typestore(Stores.ROS2_JAZZY)
JOINTS = [f'joint_{number}' for number in range(7)]


def header(stamp: int) -> object:
    time_type = TYPES.types['builtin_interfaces/msg/Time']
    return TYPES.types['std_msgs/msg/Header'](
        stamp=time_type(sec=stamp // NS_PER_S, nanosec=stamp % NS_PER_S), frame_id=''
    )


def raw(topic: str, msgtype: str, message: object, stamp: int) -> RawMessage:
    data = bytes(TYPES.serialize_cdr(message, msgtype))
    return RawMessage(topic, msgtype, data, stamp + 1_000_000, stamp + 2_000_000)


def joints(topic: str, stamp: int) -> RawMessage:
    kind = 'sensor_msgs/msg/JointState'
    position = np.sin(stamp / NS_PER_S + np.arange(len(JOINTS)))
    message = TYPES.types[kind](header(stamp), JOINTS, position, np.zeros(0), np.zeros(0))
    return raw(topic, kind, message, stamp)


def picture(topic: str, stamp: int, size: tuple[int, int]) -> RawMessage:
    kind, (width, height) = 'sensor_msgs/msg/Image', size
    noise = np.random.default_rng(stamp).integers(0, 60, height * width * 3, np.uint8)
    message = TYPES.types[kind](header(stamp), height, width, 'rgb8', 0, width * 3, noise)
    return raw(topic, kind, message, stamp)


def messages(cameras: int, size: tuple[int, int]) -> Iterator[RawMessage]:
    """Yield all that a graph says, for ever, in order."""
    tick = 0
    while True:
        stamp = START_NS + tick * NS_PER_S // 300
        if tick % 10 == 0:
            for camera in range(cameras):
                yield picture(f'/cam{camera}', stamp, size)
        if tick % 3 == 0:
            yield joints('/joint_states', stamp)
        if tick % 6 == 0:
            yield joints('/joint_commands', stamp)
        tick += 1


def recorder_of(options: argparse.Namespace, root: Path) -> Recorder:
    features: dict[str, object] = {
        'observation.state': {'topic': '/joint_states'},
        'action': {'topic': '/joint_commands'},
    }
    for camera in range(options.cameras):
        features[f'observation.images.cam{camera}'] = {'topic': f'/cam{camera}'}
    mapping = build_mapping({'features': features, 'fps': FPS}, 'benchmark')
    session = SessionConfig('Wait', 1, round(options.minutes * 60 * FPS))
    video = VideoConfig(preset='ultrafast')

    def make_writer(found: dict[str, dict[str, object]]) -> DatasetWriter:
        return DatasetWriter.create(root, DatasetInfo(FPS, found, 'thing', video))

    return Recorder(RowPlan(mapping), make_writer, session, START_NS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--cameras', type=int, default=2)
    parser.add_argument('--size', default='160x120')
    options = parser.parse_args()
    width, height = map(int, options.size.split('x'))
    began, marks, now = time.monotonic(), [], START_NS
    with tempfile.TemporaryDirectory() as folder:
        recorder = recorder_of(options, Path(folder) / 'set')
        for message in messages(options.cameras, (width, height)):
            recorder.on_message(message)
            if message.received_ns < now + STEP_NS:
                continue
            now = message.received_ns
            while recorder._writer is not None and recorder._writer.frames_behind > FPS // 2:
                time.sleep(0.001)  # simulated time waits for the encoders
            recorder.poll(now)
            if recorder.phase not in (Phase.PREPARING, Phase.WAITING, Phase.RECORDING):
                break
            minute = (now - START_NS) / NS_PER_S / 60
            if minute >= len(marks) * options.minutes / 12:
                marks.append(memory_mb(os.getpid())[0])
        recorder.wait()
        closed = memory_mb(os.getpid())[0]
        recorder.close()
        (episode,) = recorder.episodes
    print(
        f'{options.cameras} cameras {options.size}, {episode.frames} rows in '
        f'{time.monotonic() - began:.0f} s, defects {episode.defects or "none"}'
    )
    print(f'RSS every {options.minutes / 12:.1f} min: {", ".join(f"{m:.0f}" for m in marks)} MB')
    print(f'when it is durable {closed:.0f} MB')


if __name__ == '__main__':
    main()
