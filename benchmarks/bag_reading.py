"""What reading a bag costs: BagReader beside rosbags, the mcap library and a plain read.

A bag of one raw and one JPEG camera (640x480 at 30 Hz) and joints (100 Hz) is written in each
format and read message by message, each reader in a process of its own, the file in the page
cache and the allocator set as the command line sets it. Told are CPU seconds per minute of bag
and the process' peak memory above what it took to import the libraries::

    python -m benchmarks.bag_reading --seconds 20 --folder /tmp
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from mcap.reader import make_reader
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from benchmarks.processes import load
from lerobot_drivers.common.processes import tune_malloc
from lerobot_recorder.bag_reader import BagReader

TYPES = get_typestore(Stores.LATEST)
FPS, JOINTS_HZ = 30, 100
T0_NS, NS = 1_700_000_000_000_000_000, 1_000_000_000
TYPE_OF = {
    '/raw': 'sensor_msgs/msg/Image',
    '/jpeg': 'sensor_msgs/msg/CompressedImage',
    '/joints': 'sensor_msgs/msg/JointState',
}


def header(at_ns: int) -> object:
    stamp = TYPES.types['builtin_interfaces/msg/Time'](at_ns // NS, at_ns % NS)
    return TYPES.types['std_msgs/msg/Header'](stamp, 'camera')


def messages(seconds: float) -> Iterator[tuple[str, int, bytes]]:
    """Yield topic, time [ns] and bytes, in the order of time; the pictures look like some."""
    noise = np.random.default_rng(0).integers(0, 32, (480, 640, 3), np.uint8)
    slope = np.linspace(0, 200, 640, dtype=np.uint8)[None, :, None]
    events = [(T0_NS + k * NS // FPS, '/raw') for k in range(round(seconds * FPS))]
    events += [(at_ns + 1, '/jpeg') for at_ns, _ in events]
    events += [(T0_NS + k * NS // JOINTS_HZ, '/joints') for k in range(round(seconds * JOINTS_HZ))]
    for number, (at_ns, topic) in enumerate(sorted(events)):
        pixels = np.roll(noise, number, axis=1) + slope
        kind = TYPES.types[TYPE_OF[topic]]
        if topic == '/raw':
            message = kind(header(at_ns), 480, 640, 'rgb8', 0, 1920, pixels.ravel())
        elif topic == '/jpeg':
            _, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
            message = kind(header(at_ns), 'jpeg', data.ravel())
        else:
            message = kind(header(at_ns), list('abcdef'), *[np.full(6, number * 0.1)] * 3)
        yield topic, at_ns, bytes(TYPES.serialize_cdr(message, TYPE_OF[topic]))


def make_mcap(path: Path, seconds: float, compression: CompressionType) -> None:
    writer = McapWriter(str(path), chunk_size=768 << 10, compression=compression)
    writer.start('ros2', 'benchmark')
    channels = {}
    for topic, msgtype in TYPE_OF.items():
        text = TYPES.generate_msgdef(msgtype, ros_version=2)[0].encode()
        schema = writer.register_schema(msgtype, 'ros2msg', text)
        channels[topic] = writer.register_channel(topic, 'cdr', schema)
    for topic, at_ns, data in messages(seconds):
        writer.add_message(channels[topic], at_ns, data, at_ns)
    writer.finish()


def make_sqlite(path: Path, seconds: float) -> None:
    with Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connections = {
            topic: writer.add_connection(topic, msgtype, typestore=TYPES)
            for topic, msgtype in TYPE_OF.items()
        }
        for topic, at_ns, data in messages(seconds):
            writer.write(connections[topic], at_ns, data)


def read_ours(path: Path) -> int:
    with BagReader(path) as bag:
        return sum(len(message.data) for message in bag.messages(bag.topics))


def read_joints(path: Path) -> int:
    with BagReader(path) as bag:
        return sum(len(message.data) for message in bag.messages(['/joints']))


def read_rosbags(path: Path) -> int:
    with AnyReader([path], default_typestore=TYPES) as reader:
        return sum(len(data) for _, _, data in reader.messages())


def read_mcap(path: Path) -> int:
    with path.open('rb') as file:
        return sum(len(message.data) for _, _, message in make_reader(file).iter_messages())


def read_plain(path: Path) -> int:
    files = [path] if path.is_file() else list(path.glob('*.db3'))
    total = 0
    for one in files:
        with one.open('rb') as file:
            while piece := file.read(1 << 20):
                total += len(piece)
    return total


READERS = {
    'BagReader': read_ours,
    'BagReader, joints only': read_joints,
    'rosbags': read_rosbags,
    'mcap library': read_mcap,
    'plain read': read_plain,
}


def peak_since_reset_mb(reset: bool = False) -> float:
    """Return the largest memory since the last reset [MB]; a process inherits its parent's."""
    if reset:
        Path('/proc/self/clear_refs').write_text('5')
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) / 1024


def measured(name: str, path: Path) -> dict[str, float]:
    """Read a bag in this process and say what it cost."""
    idle_mb = peak_since_reset_mb(reset=True)
    tune_malloc()
    before = os.times()
    size = READERS[name](path)
    after = os.times()
    peak_mb = peak_since_reset_mb() - idle_mb
    cpu = after.user + after.system - before.user - before.system
    return {'cpu_s': cpu, 'peak_mb': peak_mb, 'mb': size / 1e6}


def tell(bag: Path, kind: str, seconds: float) -> None:
    for name in READERS:
        if name == 'mcap library' and kind == 'sqlite3':
            continue
        command = [sys.executable, '-m', 'benchmarks.bag_reading', '--read', name, str(bag)]
        runs = [json.loads(subprocess.check_output(command)) for _ in range(3)]
        best = min(runs, key=lambda run: run['cpu_s'])
        per_minute = best['cpu_s'] * 60 / seconds
        print(
            f'{kind:10} {name:24} {per_minute:6.2f} CPU s/min of bag  {best["mb"]:7.0f} MB read  '
            f'peak +{best["peak_mb"]:.0f} MB'
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--folder', type=Path)
    parser.add_argument('--read', nargs=2, metavar=('READER', 'BAG'))
    chosen = parser.parse_args()
    if chosen.read:
        print(json.dumps(measured(chosen.read[0], Path(chosen.read[1]))))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        print(load())
        for kind in ('none', 'zstd', 'lz4', 'sqlite3'):
            bag = Path(folder) / (kind if kind == 'sqlite3' else f'{kind}.mcap')
            if kind == 'sqlite3':
                make_sqlite(bag, chosen.seconds)
            else:
                make_mcap(bag, chosen.seconds, CompressionType[kind.upper()])
            tell(bag, kind, chosen.seconds)


if __name__ == '__main__':
    main()
