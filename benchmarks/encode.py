"""What recording costs: processor time per frame and the wait at the end of an episode.

Records episodes of a moving, noisy scene, at the pace of a camera or as fast as possible:

    python benchmarks/encode.py --cameras 2 --seconds 10 --episodes 3
    python benchmarks/encode.py --flat-out --preset superfast
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture

FPS = 30
JOINTS = [f'joint_{number}.pos' for number in range(6)]


def make_film(width: int, height: int, frames: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    scene = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    film = []
    for number in range(frames):
        noise = rng.normal(0, 2.5, scene.shape).astype(np.int16)
        picture = np.roll(scene, 4 * number, axis=1) + noise
        film.append(picture.clip(0, 255).astype(np.uint8))
    return film


def make_info(options: argparse.Namespace) -> DatasetInfo:
    vector = {'dtype': 'float32', 'shape': (6,), 'names': JOINTS}
    camera = {
        'dtype': 'video',
        'shape': (options.height, options.width, 3),
        'names': ['height', 'width', 'channels'],
    }
    features = {'action': vector, 'observation.state': vector}
    features |= {f'observation.images.cam{n}': camera for n in range(options.cameras)}
    return DatasetInfo(FPS, features, 'so_follower', VideoConfig(preset=options.preset))


def record_episode(
    writer: DatasetWriter, cameras: list[str], film: list[np.ndarray], options: argparse.Namespace
) -> dict[str, float]:
    frames = round(options.seconds * FPS)
    vector = np.arange(6, dtype=np.float32)
    waits = []
    before, start = time.process_time(), time.perf_counter()
    for number in range(frames):
        if not options.flat_out:
            time.sleep(max(0.0, start + number / FPS - time.perf_counter()))
        pictures = {
            camera: ArrayPicture(film[(number + 7 * place) % len(film)])
            for place, camera in enumerate(cameras)
        }
        began = time.perf_counter()
        writer.add_frame({'action': vector, 'observation.state': vector}, pictures, 'Benchmark')
        waits.append(time.perf_counter() - began)
    began, used = time.perf_counter(), time.process_time()
    writer.save_episode()
    saved = time.perf_counter() - began
    return {
        'cpu_ms_per_camera_frame': (time.process_time() - before) * 1e3 / frames / len(cameras),
        'add_frame_ms_median': float(np.median(waits)) * 1e3,
        'add_frame_ms_max': max(waits) * 1e3,
        'save_ms': saved * 1e3,
        'save_cpu_ms': (time.process_time() - used) * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--cameras', type=int, default=2)
    parser.add_argument('--width', type=int, default=640)
    parser.add_argument('--height', type=int, default=480)
    parser.add_argument('--seconds', type=float, default=10.0, help='length of an episode')
    parser.add_argument('--episodes', type=int, default=3)
    parser.add_argument('--preset', default='ultrafast', help="x264's preset")
    parser.add_argument('--flat-out', action='store_true', help='do not wait between frames')
    options = parser.parse_args()
    film, info = make_film(options.width, options.height), make_info(options)
    cameras = [key for key in info.features if key.startswith('observation.images.')]
    with tempfile.TemporaryDirectory(dir='.') as folder:
        root = Path(folder) / 'dataset'
        with DatasetWriter.create(root, info) as writer:
            for _ in range(options.episodes):
                figures = record_episode(writer, cameras, film, options)
                print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
        size = sum(path.stat().st_size for path in root.rglob('*.mp4'))
        began = time.perf_counter()
        with DatasetWriter.resume(root, info):
            resumed = time.perf_counter() - began
    frames = options.episodes * options.seconds * FPS * options.cameras
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                'kB_per_camera_frame': round(size / 1e3 / frames, 1),
                'resume_ms': round(resumed * 1e3, 1),
                'peak_rss_mb': round(peak),
            }
        )
    )


if __name__ == '__main__':
    main()
