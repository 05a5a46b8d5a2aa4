"""A recording among strangers, measured: the recorder as its user starts it, foreign cameras.

Used by the benchmarks of cost, of many cameras and of transports.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.bare_encoder import bare_ms
from benchmarks.film import frame_at, make_film, open_film, psnr_db
from benchmarks.processes import Child, memory_mb, others_s, real_time_threads, steal_s
from lerobot_drivers.common.processes import PROFILE_VARIABLES, SHARED_MEMORY_PROFILE
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.info import VideoConfig

FILM_FRAMES = 60


@dataclass(frozen=True)
class Cameras:
    """The strangers' cameras.

    Attributes:
        count: how many, 640x480 at 30 Hz each.
        per_process: how many of them one process publishes.
        reliability: what they offer.
        tuned: they have a shared-memory profile, as we tell users to set.
        jpeg: quality of compressed pictures, 0 for raw ones.
        joints_hz: rate of two joint topics, by a process of their own.
    """

    count: int
    per_process: int = 1
    reliability: str = 'reliable'
    tuned: bool = True
    jpeg: int = 0
    joints_hz: float = 100.0

    @classmethod
    def of(cls, options: argparse.Namespace, count: int, jpeg: int = 0) -> Cameras:
        """Return so many cameras as the command line's `add_options` describe them."""
        return cls(count, options.per_process, options.reliability, not options.untuned, jpeg)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [f'cam{number:02d}' for number in range(self.count)]

    def described(self) -> str:
        """Return them in a few words."""
        kind = f'JPEG q{self.jpeg}' if self.jpeg else 'rgb8'
        transport = 'shared-memory profile' if self.tuned else 'default Fast DDS'
        return f'{self.count} x 640x480 {kind} @30, {self.reliability}, publishers: {transport}'


@dataclass
class Figures:
    """What one recording cost and gave.

    Attributes:
        rows: rows of the dataset.
        cpu_s: processor time of the recorder from the first row to its end [s].
        wall_s: how long that was [s].
        publishers_cpu_s: of the publishers, meanwhile [s].
        others_cpu_s: of everything else on the machine, meanwhile [s].
        steal_s: what the host took, meanwhile [core s].
        published: pictures published between the first and the last one taken, per camera.
        arrived: pictures that arrived in the take, per camera.
        lost: pictures that were sent during the take and did not arrive, of all cameras.
        missing: rows for which a camera's picture was missing, of all cameras.
        defects: of the episode.
        memory_mb: time since the first row [s], resident and anonymous memory [MB].
        real_time: the recorder's threads with a real-time priority.
        video_bytes: of all videos.
        psnr_db: of some pictures against the film.
        codec: as info.json tells it.
    """

    rows: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    publishers_cpu_s: float = 0.0
    others_cpu_s: float = 0.0
    steal_s: float = 0.0
    published: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    missing: int = 0
    defects: dict[str, int] = field(default_factory=dict)
    memory_mb: list[tuple[float, float, float]] = field(default_factory=list)
    real_time: list[str] = field(default_factory=list)
    video_bytes: int = 0
    psnr_db: float = float('nan')
    codec: str = ''

    def per_frame_ms(self) -> float:
        """Return the recorder's processor time per camera and row [ms]."""
        return self.cpu_s * 1e3 / max(self.rows * len(self.arrived), 1)

    def slope_mb_per_min(self, after_s: float) -> float:
        """Return how fast the memory grows after a while [MB/min]."""
        late = np.array([(at, rss) for at, rss, _ in self.memory_mb if at >= after_s])
        return float(np.polyfit(late[:, 0], late[:, 1], 1)[0] * 60) if len(late) > 2 else 0.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what every benchmark of recordings can be told."""
    parser.add_argument('--scratch', type=Path, help='folder for film and datasets')
    parser.add_argument('--film', type=Path, help='film as made by benchmarks.film')
    parser.add_argument('--reliability', choices=('best_effort', 'reliable'), default='reliable')
    parser.add_argument('--untuned', action='store_true', help='publishers without any profile')
    parser.add_argument('--per-process', type=int, default=1, help='cameras of one publisher')


def scratch_folder(options: argparse.Namespace) -> tempfile.TemporaryDirectory[str]:
    """Return a folder for one run."""
    return tempfile.TemporaryDirectory(dir=options.scratch, prefix='recording-')


def film_of(options: argparse.Namespace, folder: Path) -> Path:
    """Return the film, made if none was given."""
    if options.film:
        return Path(options.film)
    path = folder / 'film.npy'
    make_film(path, FILM_FRAMES)
    return path


def encoder_flags(text: str) -> list[str]:
    """Return ``preset=superfast,crf=23`` as flags of the recorder."""
    return [f'--dataset.rgb_encoder.{pair}' for pair in text.split(',') if pair]


def bare_encoder_ms(text: str, film: Path) -> float | None:
    """Return what the encoder of such flags costs alone on a film [ms], None of copied JPEGs."""
    told = dict(pair.split('=', 1) for pair in text.split(',') if pair)
    preset = told.get('preset')
    config = VideoConfig(
        told.get('vcodec', 'h264'),
        int(preset) if preset and preset.isdecimal() else preset,
        float(told['crf']) if 'crf' in told else None,
        int(told.get('g', 2)),
    )
    return None if config.vcodec == JPEG else bare_ms(config, list(open_film(film)), 180)


def start_publishers(cameras: Cameras, film: Path, log: Path) -> list[Child]:
    """Start the strangers, each with nothing of ours in its environment."""
    program = str(Path(__file__).with_name('strangers.py'))
    profile = {name: str(SHARED_MEMORY_PROFILE) for name in PROFILE_VARIABLES}
    children = []
    for start in range(0, cameras.count, cameras.per_process):
        names = cameras.names[start : start + cameras.per_process]
        flags = ['--name', str(start), '--cameras', ','.join(names)]
        flags += ['--reliability', cameras.reliability, '--jpeg', str(cameras.jpeg)]
        tuning = profile if cameras.tuned else {}
        children.append(Child([program, str(film), *flags], environment=tuning, log=log))
    if cameras.joints_hz:
        flags = ['--name', 'arm', '--joints', str(cameras.joints_hz)]
        children.append(Child([program, str(film), *flags], log=log))
    for child in children:
        assert child.process.stdout is not None
        child.process.stdout.readline()
    return children


def record(
    cameras: Cameras, film: Path, root: Path, seconds: float, flags: Sequence[str] = ()
) -> Figures:
    """Record one episode among strangers and return what it cost.

    Args:
        cameras: who publishes.
        film: what they publish.
        root: the dataset's folder, new.
        seconds: length of the episode [s].
        flags: further flags of the recorder, such as its encoder.
    """
    log = root.with_suffix('.log')
    publishers = start_publishers(cameras, film, log)
    sent: dict[str, list[int]] = {}
    try:
        figures = _run_recorder(publishers, root, seconds, [*topics_flags(cameras), *flags], log)
    finally:
        for child in publishers:
            sent |= child.stop().get('sent', {})
    _read_dataset(figures, root, sent, open_film(film))
    return figures


def topics_flags(cameras: Cameras) -> list[str]:
    """Return the flags that name the strangers' topics to the recorder."""
    last = 'image_raw/compressed' if cameras.jpeg else 'image_raw'
    topics = ', '.join(f'{name}: /lab/{name}/{last}' for name in cameras.names)
    return [f'--topics.cameras={{{topics}}}']


def _run_recorder(
    publishers: list[Child], root: Path, seconds: float, flags: Sequence[str], log: Path
) -> Figures:
    common = ['--dataset.repo_id=bench/film', '--dataset.single_task=Benchmark']
    common += [f'--dataset.root={root}', '--dataset.num_episodes=1']
    common += [f'--dataset.episode_time_s={seconds}']
    arguments = ['-m', 'lerobot_drivers.cli', 'record', *common, *flags]
    recorder = Child(arguments, log=log)
    figures = Figures()
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(_heard(recorder, lines)), daemon=True).start()
    while not recorder.ended() and not any(line.startswith('recording') for line in lines):
        time.sleep(0.005)
    if recorder.ended():
        said = log.read_text() if log.exists() else ''
        raise SystemExit(f'the recorder ended: {" / ".join(lines)} {said}')
    everyone = [recorder.pid, *(child.pid for child in publishers)]
    began, stolen, others = time.monotonic(), steal_s(), others_s(everyone)
    before, publishing = recorder.cpu_s(), sum(child.cpu_s() for child in publishers)
    while not recorder.ended():
        at = time.monotonic() - began
        _sample(recorder, figures, at)
        last_others = _tried(lambda: others_s(everyone), others)
        time.sleep(min(1.0, max(0.05, seconds / 200)))
    figures.wall_s = time.monotonic() - began
    figures.cpu_s = recorder.cpu_s() - before
    figures.publishers_cpu_s = sum(child.cpu_s() for child in publishers) - publishing
    figures.others_cpu_s, figures.steal_s = last_others - others, steal_s() - stolen
    if recorder.process.returncode:
        raise SystemExit(f'the recorder failed: {" / ".join(lines[-5:])} {log.read_text()}')
    return figures


def _heard(child: Child, lines: list[str]) -> list[str]:
    assert child.process.stdout is not None
    for line in child.process.stdout:
        lines.append(line.rstrip())
    return []


def _tried(read: Any, otherwise: float) -> float:
    try:
        return float(read())
    except OSError:
        return otherwise


def _sample(recorder: Child, figures: Figures, at: float) -> None:
    try:
        figures.memory_mb.append((at, *memory_mb(recorder.pid)))
        found = real_time_threads(recorder.pid)
    except (OSError, KeyError):
        return
    figures.real_time += [name for name in found if name not in figures.real_time]


def _read_dataset(figures: Figures, root: Path, sent: dict[str, list[int]], film: Any) -> None:
    reader = DatasetReader(root)
    episode = reader.episode(0)
    (record,) = (root / 'meta/ros/episodes').glob('*.json')
    details = json.loads(record.read_text())
    figures.rows, figures.defects = episode.length, details['defects']
    stamps = pq.read_table(record.with_suffix('.frames.parquet'))
    quality = []
    for camera in reader.cameras:
        name = camera.rpartition('.')[2]
        taken = stamps[f'{camera}.stamp_ns'].to_numpy()
        stream = details['details']['streams'][camera]
        figures.arrived[name] = stream['received']
        figures.lost += stream['lost']
        figures.missing += stream['repeats']
        published = np.array(sent[name])
        inside = (published >= taken[0]) & (published <= taken[-1])
        figures.published[name] = int(inside.sum())
        quality += _quality(episode, camera, (taken, published), film)
    figures.psnr_db = float(np.mean(quality))
    videos = reader.info['features'][reader.cameras[0]].get('info') or {}
    figures.codec = str(videos.get('video.codec', 'images'))
    figures.video_bytes = sum(path.stat().st_size for path in root.rglob('*.mp4'))


def _quality(episode: Any, camera: str, times: tuple[Any, Any], film: Any) -> list[float]:
    """Return the PSNR of some rows of a camera against the pictures that were published."""
    taken, published = times
    found = []
    for row in np.linspace(0, episode.length - 1, 6).astype(int):
        number = int(np.searchsorted(published, taken[row]))
        original = film[frame_at(number, len(film))]
        found.append(psnr_db(episode.frame(camera, int(row)), original))
    return found
