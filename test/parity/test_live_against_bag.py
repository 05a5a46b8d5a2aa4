"""A take recorded live and the bag of the same take, caught by somebody else, are one dataset."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 3
CAMERAS = {'plain': ('one', 'two'), 'processed': ('first', 'two')}
STEPS = {
    'robot_observation': [
        {
            'type': 'rename_observations_processor',
            'rename_map': {'one': 'first', 'a.pos': 'x.pos'},
        },
        {'type': 'image_crop_resize_processor', 'crop_params_dict': {'first': [0, 20, 120, 120]}},
    ],
    'teleop_action': [{'type': 'scale_joints_processor', 'scale': {'a': 2.0}}],
}
AUGMENTATION = {'rotation': 5, 'noise': 4, 'seed': 3}


@pytest.fixture(scope='module', params=CAMERAS)
def live_and_converted(tmp_path_factory, request) -> tuple[Path, Path, tuple[str, ...]]:
    is_processed = request.param == 'processed'
    processor = build(ProcessorConfig, STEPS if is_processed else {}, 'processor')
    section = {'repo_id': 'a/b', 'single_task': 'watch'}
    flags = []
    if is_processed:
        section['augmentation'] = AUGMENTATION
        flags = [f'--processor.{place}={json.dumps(steps)}' for place, steps in STEPS.items()]
        flags += [f'--dataset.augmentation.{key}={value}' for key, value in AUGMENTATION.items()]
    folder = tmp_path_factory.mktemp('parity')
    live, bag, converted = folder / 'live', folder / 'bag', folder / 'converted'
    catcher = subprocess.Popen([sys.executable, str(HERE / 'catcher.py'), str(bag)])
    film = subprocess.Popen([sys.executable, str(HERE / 'film.py'), '60'])
    try:
        record(live, flags)
    finally:
        film.terminate()
        film.wait(timeout=30)
        catcher.send_signal(signal.SIGINT)
        assert catcher.wait(timeout=30) == 0
    (path,) = (live / 'meta/ros/episodes').glob('*.json')
    details = json.loads(path.read_text())['details']
    last_tick = pq.read_table(path.with_suffix('.frames.parquet'))['tick_ns'][-1].as_py()
    mapping = build_mapping(details['mapping'], 'mapping')
    job = ConvertJob(
        bag, converted, mapping, 'watch', start_ns=details['start_ns'], end_ns=last_tick,
        processor=processor, dataset=build(DatasetConfig, section, 'dataset'),
    )  # fmt: skip
    convert_bag(job)
    return live, converted, CAMERAS[request.param]


def record(root: Path, flags: list[str]) -> None:
    command = [
        sys.executable, '-m', 'lerobot_drivers.cli', 'record', '--dataset.repo_id=a/b',
        f'--dataset.root={root}', '--dataset.single_task=watch', '--dataset.num_episodes=1',
        f'--dataset.episode_time_s={SECONDS}', '--recorder.watermark_ms=1000',
        *flags,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_same_rows(live_and_converted):
    live, converted = (DatasetReader(root).episode(0).rows for root in live_and_converted[:2])
    assert len(live['action']) == SECONDS * 30
    for key, values in live.items():
        assert np.array_equal(values, converted[key]), key


def test_same_stamps_and_choice_of_pictures(live_and_converted):
    live, converted = (
        pq.read_table(next((root / 'meta/ros/episodes').glob('*.frames.parquet')))
        for root in live_and_converted[:2]
    )
    assert live.column_names == converted.column_names
    for name in live.column_names:
        assert live[name].to_pylist() == converted[name].to_pylist(), name


def test_same_pictures(live_and_converted):
    *roots, cameras = live_and_converted
    live, converted = (DatasetReader(root).episode(0) for root in roots)
    for camera in cameras:
        levels = []
        key = f'observation.images.{camera}'
        for one, other in zip(live.frames(key), converted.frames(key), strict=True):
            assert np.array_equal(one, other)
            levels.append(int(one[60, 80, 0]))
            assert one.shape == ((120, 120, 3) if camera == 'first' else (120, 160, 3))
        assert len(set(levels)) > 30, 'the film stood still'
