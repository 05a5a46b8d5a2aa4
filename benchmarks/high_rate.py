"""What a stream faster than the rows costs: CPU per second of recording, without ROS.

Plays a take of joint states (100 Hz) alone, and with a 1 kHz wrench as windows, as a table at its
native rate, and as both, through the recorder's own path from serialised message to durable files.
All figures are CPU time of this process; the wrench's is the difference to the take without it.

    python benchmarks/high_rate.py [--seconds=60] [--hertz=1000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from lerobot_recorder.capture import Capture
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.fixed_messages import read_quickly
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage, decode
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.take import Take

TYPES = get_typestore(Stores.LATEST)
S = 1_000_000_000
T0 = 1_700_000_000 * S
FPS = 30
WRENCH = 'geometry_msgs/msg/WrenchStamped'
STATE = 'sensor_msgs/msg/JointState'
WINDOW = {'observation.wrench': {'topic': '/w', 'window': {'rate_hz': 1000}}}
NATIVE = {'wrench': {'topic': '/w'}}


def header(at: int) -> Any:
    made = TYPES.types
    stamp = made['builtin_interfaces/msg/Time'](at // S, at % S)
    return made['std_msgs/msg/Header'](stamp, 'tool')


def wrench(at: int) -> bytes:
    made = TYPES.types
    vectors = [made['geometry_msgs/msg/Vector3'](1.0, 2.0, at * 1e-9) for _ in range(2)]
    message = made[WRENCH](header(at), made['geometry_msgs/msg/Wrench'](*vectors))
    return bytes(TYPES.serialize_cdr(message, WRENCH))


def state(at: int) -> bytes:
    names, empty = list('abcdef'), np.empty(0)
    message = TYPES.types[STATE](header(at), names, np.full(6, at * 1e-9), empty, empty)
    return bytes(TYPES.serialize_cdr(message, STATE))


def messages(topic: str, kind: str, hertz: int, seconds: int) -> Iterator[RawMessage]:
    make = wrench if kind == WRENCH else state
    data = make(T0)
    for number in range(hertz * seconds):
        at = T0 + number * S // hertz
        stamped = data[:4] + np.array([at // S, at % S], '<u4').tobytes() + data[12:]
        yield RawMessage(topic, kind, stamped, at, at + 1_000_000)


def play(features: dict, native: dict, hertz: int, seconds: int) -> tuple[float, float, int]:
    """Return CPU while recording [s], while saving [s], and messages played."""
    features = {'observation.state': {'topic': '/s'}, **features}
    mapping = build_mapping({'features': features, 'native': native, 'fps': FPS}, 'benchmark')
    plan = RowPlan(mapping)
    streams = [messages('/s', STATE, 100, seconds)]
    if 'observation.wrench' in features or native:
        streams.append(messages('/w', WRENCH, hertz, seconds))
    for kind, topic, make in ((STATE, '/s', state), (WRENCH, '/w', wrench)):
        plan.learn(RawMessage(topic, kind, make(T0), T0, T0))
    plan.settle()
    played = list(merge(*streams, key=lambda raw: raw.received_ns))
    with tempfile.TemporaryDirectory() as folder:
        info = DatasetInfo(FPS, plan.features())
        with DatasetWriter.create(Path(folder) / 'd', info) as writer:
            take = Take(plan, writer, 'press', T0, Capture(mapping))
            begun = time.process_time()
            for raw in played:
                take.add(raw)
                take.poll(raw.received_ns)
            take.finish()
            recorded = time.process_time()
            take.save()
            return recorded - begun, time.process_time() - recorded, len(played)


def per_message(hertz: int) -> tuple[float, float]:
    """Return the CPU to decode one wrench, and to read it without decoding [us]."""
    raw = RawMessage('/w', WRENCH, wrench(T0), T0, T0)
    figures = []
    for read in (lambda: decode(raw), lambda: read_quickly(raw.msgtype, raw.data)):
        begun = time.process_time()
        for _ in range(20 * hertz):
            read()
        figures.append((time.process_time() - begun) / (20 * hertz) * 1e6)
    return figures[0], figures[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--hertz', type=int, default=1000)
    options = parser.parse_args()
    play({}, {}, options.hertz, 2)  # imports and caches
    found = {}
    takes = {'alone': ({}, {}), 'window': (WINDOW, {}), 'native': ({}, NATIVE),
             'both': (WINDOW, NATIVE)}  # fmt: skip
    print(f'{options.seconds} s of joint states at 100 Hz, wrench at {options.hertz} Hz; '
          f'load {os.getloadavg()[0]:.1f}')  # fmt: skip
    for name, (features, native) in takes.items():
        recording, saving, played = play(features, native, options.hertz, options.seconds)
        found[name] = {
            'recording_ms_per_s': recording * 1e3 / options.seconds,
            'saving_ms': saving * 1e3,
            'messages': played,
        }
        more = found[name]['recording_ms_per_s'] - found['alone']['recording_ms_per_s']
        print(f'{name:7} {found[name]["recording_ms_per_s"]:6.2f} ms/s recording'
              f' ({more:+6.2f} for the wrench), {saving * 1e3:6.1f} ms to save')  # fmt: skip
    decoding, quick = per_message(options.hertz)
    print(f'one wrench: {decoding:.1f} us decoded, {quick:.1f} us read as floats')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'peak memory of it all, the messages to be played included: {peak:.0f} MiB')
    print(json.dumps(found))
    return 0


if __name__ == '__main__':
    sys.exit(main())
