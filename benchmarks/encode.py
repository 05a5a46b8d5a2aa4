"""What an encoder costs: CPU, size and quality, of each that is offered, in one run.

For each encoder and preset: CPU of the whole way from the picture's object to the file (decoding
or conversion, statistics, encoding, writing) per picture, beside that of the bare encoder given
frames ready made; bytes per picture; luma PSNR against what went in.

    python -m benchmarks.encode --frames 240
    python -m benchmarks.encode --frames 90 --only h264 mjpeg --width 1280 --height 720
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bare_encoder import FPS, bare_ms
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.depth_writer import DepthEncoder, levels
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.jpeg_writer import JpegCopier
from lerobot_recorder.dataset.picture import ArrayDepth
from lerobot_recorder.dataset.picture_thread import PictureThread
from lerobot_recorder.dataset.sampling import SampledHistogram
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget
from lerobot_recorder.images import CompressedPicture, PlanarRawPicture, RawPicture
from lerobot_recorder.pixels import has_short_way

FILM = 60
Film = list[NDArray[np.uint8]]
OFFERED = (
    VideoConfig('h264', 'ultrafast'),
    VideoConfig('h264', 'superfast'),
    VideoConfig('h264', 'veryfast'),
    VideoConfig('hevc', 'ultrafast'),
    VideoConfig('libsvtav1', 12),
    VideoConfig('libsvtav1', 10),
)


def make_film(width: int, height: int) -> Film:
    """A scene that moves a few pixels a frame, something nearer in front, noise of sigma 2."""
    rng = np.random.default_rng(0)
    cells = rng.integers(20, 235, (24, 32, 3), dtype=np.uint8)
    scene = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    scene = cv2.GaussianBlur(scene, (0, 0), 1.2).astype(np.int16)
    size = height // 4
    film = []
    for number in range(FILM):
        turn = 2 * np.pi * number / FILM
        picture = np.roll(scene, round(10 * np.sin(turn)), axis=1)
        x, y = (
            round(width * (0.4 + 0.3 * np.cos(turn))),
            round(height * (0.4 + 0.3 * np.sin(turn))),
        )
        picture[y : y + size, x : x + size] = (200, 60, 40)
        noise = rng.normal(0, 2, scene.shape)
        film.append((picture + noise).clip(0, 255).astype(np.uint8))
    return film


def raw(rgb: NDArray[np.uint8], encoding: str) -> RawPicture:
    codes = {'bgr8': cv2.COLOR_RGB2BGR, 'mono8': cv2.COLOR_RGB2GRAY}
    pixels = cv2.cvtColor(rgb, codes[encoding]) if encoding in codes else rgb
    if encoding == 'yuyv':
        luma, chroma = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV)[..., 0], np.full_like(rgb[..., 0], 128)
        pixels = np.stack([luma, chroma], axis=2)
    height, width = rgb.shape[:2]
    kind = PlanarRawPicture if has_short_way(encoding) else RawPicture
    data = np.ascontiguousarray(pixels).ravel()
    return kind(height, width, encoding, data.size // height, data)


def compressed(rgb: NDArray[np.uint8]) -> CompressedPicture:
    data = cv2.imencode('.jpg', rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].ravel()
    return CompressedPicture(*rgb.shape[:2], data, '/camera')


def whole_way(thread: PictureThread, pictures: Sequence[Any], frames: int) -> float:
    """Return CPU of this process per picture, in ms, opening and closing included."""
    began = time.process_time()
    for number in range(frames):
        thread.add(pictures[number % len(pictures)])
    assert thread.finish() == frames
    return (time.process_time() - began) * 1e3 / frames


def luma_psnr(path: Path, film: Film) -> float:
    """Return the mean PSNR of luma, in dB."""
    found = []
    for number, rgb in enumerate(video_reader.frames(path, 0, 30, FPS)):
        pair = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(float) for p in (rgb, film[number])]
        found.append(10 * np.log10(255**2 / max(np.mean((pair[0] - pair[1]) ** 2), 1e-9)))
    return float(np.mean(found))


def report(name: str, cpu_ms: float, alone: float | None, path: Path, quality: str) -> None:
    size = path.stat().st_size / len(video_reader.frame_times(path)) / 1e3
    beside = f'{alone:7.2f} {cpu_ms - alone:7.2f}' if alone is not None else f'{"":15}'
    print(f'{name:34}{cpu_ms:8.2f} {beside}{size:9.1f} {quality:>8}', flush=True)


def measure(config: VideoConfig, film: Film, frames: int, folder: Path) -> None:
    height, width = film[0].shape[:2]
    path = folder / 'video.mp4'
    alone = bare_ms(config, film, frames)
    encodings = ('rgb8', 'bgr8', 'yuyv', 'mono8', 'jpeg') if config == OFFERED[0] else ('rgb8',)
    for encoding in encodings:
        pictures = [compressed(p) if encoding == 'jpeg' else raw(p, encoding) for p in film]
        target = VideoTarget('camera', path, height, width, FPS, config)
        cpu_ms = whole_way(PictureThread('camera', Encoder(target), FPS), pictures, frames)
        quality = f'{luma_psnr(path, film):.1f}'
        report(f'{config.told()}, {encoding}', cpu_ms, alone, path, quality)


def measure_jpeg(film: Film, frames: int, folder: Path) -> None:
    height, width = film[0].shape[:2]
    path = folder / 'jpeg.mp4'
    target = VideoTarget('camera', path, height, width, FPS, VideoConfig(JPEG))
    pictures = [compressed(picture) for picture in film]
    for name, histogram in (('', SampledHistogram()), (', statistics of all', PictureHistogram())):
        thread = PictureThread('camera', JpegCopier(target), FPS, histogram)
        cpu_ms = whole_way(thread, pictures, frames)
        report(f'mjpeg, copied{name}', cpu_ms, None, path, f'{luma_psnr(path, film):.1f}')


def measure_depth(film: Film, frames: int, folder: Path) -> None:
    height, width = film[0].shape[:2]
    path = folder / 'depth.mp4'
    block = {'is_depth_map': True, 'depth_unit': 'mm'}
    histogram = PictureHistogram(levels({'dtype': 'video', 'shape': [1, 1, 1], 'info': block}))
    pictures = [ArrayDepth(picture[..., 0].astype(np.uint16) * 8 + 400) for picture in film]
    target = VideoTarget('camera', path, height, width, FPS, VideoConfig())
    thread = PictureThread('camera', DepthEncoder(target), FPS, histogram)
    cpu_ms = whole_way(thread, pictures, frames)
    report('hevc gray12le lossless, 16UC1', cpu_ms, None, path, 'exact')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--width', type=int, default=640)
    parser.add_argument('--height', type=int, default=480)
    parser.add_argument('--frames', type=int, default=240)
    parser.add_argument('--only', nargs='*', help='names of encoders, mjpeg, depth')
    options = parser.parse_args()
    film = make_film(options.width, options.height)
    print(
        f'{options.width}x{options.height}, {options.frames} frames, noise sigma 2; '
        f'{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}; '
        f'PyAV {av.__version__}'
    )
    print(f'{"":34}{"CPU ms":>8} {"bare":>7} {"rest":>7}{"kB":>9} {"PSNR-Y":>8}')
    only = options.only
    with tempfile.TemporaryDirectory() as folder:
        for config in OFFERED:
            if not only or config.vcodec in only:
                measure(config, film, options.frames, Path(folder))
        if not only or JPEG in only:
            measure_jpeg(film, max(options.frames, 1200), Path(folder))
        if not only or 'depth' in only:
            measure_depth(film, options.frames // 2, Path(folder))


if __name__ == '__main__':
    main()
