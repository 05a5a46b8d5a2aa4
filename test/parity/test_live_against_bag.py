"""A take recorded live is what its bag gives: one caught by somebody else, and our own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from rosbags.highlevel import AnyReader

from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 4


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """A take recorded live, with a bag beside it, and a bag that somebody else caught of it."""
    folder = tmp_path_factory.mktemp('parity')
    catcher = subprocess.Popen([sys.executable, str(HERE / 'catcher.py'), str(folder / 'caught')])
    film = subprocess.Popen([sys.executable, str(HERE / 'film.py'), '60'])
    try:
        command('record', folder / 'live', '--bag=true', '--bag.topics=[/lab/map]')
    finally:
        film.terminate()
        film.wait(timeout=30)
        catcher.send_signal(signal.SIGINT)
        assert catcher.wait(timeout=30) == 0
    return folder


@pytest.fixture(scope='module', params=['caught', 'shipped'])
def live_and_converted(folder, request) -> tuple[Path, Path]:
    live, converted = folder / 'live', folder / f'converted-{request.param}'
    if request.param == 'shipped':
        command('convert', converted, str(shipped(folder)))
        return live, converted
    (path,) = (live / 'meta/ros/episodes').glob('*.json')
    details = json.loads(path.read_text())['details']
    last_tick = pq.read_table(path.with_suffix('.frames.parquet'))['tick_ns'][-1].as_py()
    mapping = build_mapping(details['mapping'], 'mapping')
    job = ConvertJob(
        folder / 'caught', converted, mapping, 'watch',
        start_ns=details['start_ns'], end_ns=last_tick,
    )  # fmt: skip
    convert_bag(job)
    return live, converted


def command(name: str, root: Path, *more: str) -> None:
    words = [
        sys.executable, '-m', 'lerobot_drivers.cli', name, *more, '--dataset.repo_id=a/b',
        f'--dataset.root={root}', '--dataset.single_task=watch', '--dataset.num_episodes=1',
        f'--dataset.episode_time_s={SECONDS}', '--recorder.watermark_ms=1000',
    ]  # fmt: skip
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shipped(folder: Path) -> Path:
    (bag,) = (folder / 'live_bags').iterdir()
    return bag


def messages(bag: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            found.setdefault(connection.topic, []).append(bytes(data))
    return found


def test_our_bag_holds_what_somebody_else_caught_and_what_lasts(folder):
    ours, theirs = messages(shipped(folder)), messages(folder / 'caught')
    once = {topic: ours.pop(topic) for topic in ('/robot_description', '/lab/map')}
    assert {topic: len(found) for topic, found in once.items()} == dict.fromkeys(once, 1)
    assert b'on /lab/map' in once['/lab/map'][0]
    assert set(ours) == set(theirs)
    for topic, found in ours.items():
        start = theirs[topic].index(found[0])
        assert theirs[topic][start : start + len(found)] == found, topic
        assert len(found) > 100


def test_our_bag_tells_what_was_offered_and_was_not_behind(folder):
    document = yaml.safe_load((shipped(folder) / 'metadata.yaml').read_text())
    topics = document['rosbag2_bagfile_information']['topics_with_message_count']
    offered = {
        topic['topic_metadata']['name']: topic['topic_metadata']['offered_qos_profiles'][0]
        for topic in topics
    }
    latched = {t for t, qos in offered.items() if qos['durability'] == 'transient_local'}
    assert latched == {'/robot_description', '/lab/map'}
    assert {qos['reliability'] for qos in offered.values()} == {'reliable'}
    (path,) = (folder / 'live/meta/ros/episodes').glob('*.json')
    told = json.loads(path.read_text())['details']['bag']
    assert told['path'] == f'../live_bags/{path.stem}' and 'dropped' not in told


def test_same_rows(live_and_converted):
    live, converted = (DatasetReader(root).episode(0).rows for root in live_and_converted)
    assert len(live['action']) == SECONDS * 30
    for key, values in live.items():
        assert np.array_equal(values, converted[key]), key


def test_same_stamps_and_choice_of_pictures(live_and_converted):
    live, converted = (
        pq.read_table(next((root / 'meta/ros/episodes').glob('*.frames.parquet')))
        for root in live_and_converted
    )
    assert live.column_names == converted.column_names
    for name in live.column_names:
        assert live[name].to_pylist() == converted[name].to_pylist(), name


def test_same_pictures(live_and_converted):
    live, converted = (DatasetReader(root).episode(0) for root in live_and_converted)
    for camera in ('observation.images.one', 'observation.images.two'):
        levels = []
        for one, other in zip(live.frames(camera), converted.frames(camera), strict=True):
            assert np.array_equal(one, other)
            levels.append(int(one[60, 80, 0]))
        assert len(set(levels)) > 30, 'the film stood still'
