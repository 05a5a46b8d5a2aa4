"""Bags whose writer was killed: nothing that was whole is lost, and what is left is a bag."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bag_stage import bags, metadata, read
from mcap.reader import make_reader
from synthetic_messages import MS, T0, joint_state, raw

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bag_config import BagConfig, Compression, Storage
from lerobot_recorder.bag_leftovers import mend_bags
from lerobot_recorder.bag_link import BagPlace
from lerobot_recorder.bag_mending import mend
from lerobot_recorder.bag_types import MessageTypes
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.episode_bag import EpisodeBag
from lerobot_recorder.mcap_sealing import seal

TESTS = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from bag_stage import BagStage
from synthetic_messages import make, raw
from lerobot_recorder.bag_config import BagConfig, Storage
from lerobot_recorder.recorder_status import Phase
config = BagConfig(storage=Storage(sys.argv[3]), queue_mb=64)
stage = BagStage(Path(sys.argv[2]), config, num_episodes=2, episode_frames=60)
stage.run(until=lambda: stage.recorder.accepted == 1)
stage.recorder.wait()
stage.run_to(Phase.RECORDING)
stage.recorder._capture.beside = {'/big'}
for number in range(7):
    text = make('std_msgs/msg/String', f'{number}' * 300_000)
    stage.recorder.on_message(raw('/big', text, stage.now + number))
    stage.run(0.2)
while not stage.companion._thread._jobs.empty():
    pass
stage.recorder._writer._episode._write_journal()
for camera in stage.recorder._writer._episode._cameras.values():
    while camera.behind:
        pass
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_kill_9_leaves_a_bag_of_the_episode_that_is_recovered(tmp_path, storage):
    root = tmp_path / 'set'
    done = subprocess.run(
        [sys.executable, '-c', KILLED, str(TESTS), str(root), storage],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert any('recovered' in line for line in repair_dataset(root))
    place = BagPlace(root, 'me/set', 'configuration-0123.json', BagConfig())
    (line,) = mend_bags(place.folder, place.notes)
    first, second = bags(root)
    assert line == f'recovered the bag of episode 1, in {second}'
    assert mend_bags(place.folder, place.notes) == []
    uuids = {path.stem for path in (root / 'meta/ros/episodes').glob('*.json')}
    assert uuids == {first.name, second.name} and DatasetReader(root).num_episodes == 2
    found = read(second)
    assert [topic for topic, *_ in found].count('/big') >= 3
    assert {'/states', '/commands', '/front'} < {topic for topic, *_ in found}
    assert [at for _, _, at, _ in found] == sorted(at for _, _, at, _ in found)
    notes = metadata(second)['custom_data']
    assert (notes['outcome'], notes['interrupted']) == ('incomplete', 'true')
    assert metadata(second)['message_count'] == len(found)


def time_of(number):
    """Messages come a little out of order, as topics are drained one after the other."""
    return T0 + (number ^ 1) * 10 * MS


def written(folder, config=None, count=80):
    """A bag that nobody closed, of which all is with the operating system."""
    bag = EpisodeBag(folder, 'e1', config or BagConfig(), MessageTypes())
    for number in range(count):
        at = time_of(number)
        states = joint_state(at, [f'joint{k}' for k in range(2000)], [number] * 2000)
        bag.write(raw(f'/topic{number % 3}', states, at), ())
    bag._flush(to_disk=True)
    bag.leave()
    return folder / '.recording/e1'


@pytest.mark.parametrize(
    'config', [BagConfig(), BagConfig(compression=Compression.ZSTD)], ids=['plain', 'zstd']
)
def test_an_mcap_cut_anywhere_can_be_read_by_both_libraries(tmp_path, config):
    left = written(tmp_path / 'bags', config)
    path = left / 'e1.mcap'
    whole = path.read_bytes()
    counts = set()
    for size in (0, 70, *(len(whole) * part // 20 for part in range(1, 21))):
        path.write_bytes(whole[:size])
        (left / 'metadata.yaml').unlink(missing_ok=True)
        if size == 0:
            with pytest.raises(BagError, match='no mcap file'):
                mend(left, {})
            continue
        mend(left, {'episode_uuid': 'e1'})
        found = read(left)
        counts.add(len(found))
        assert metadata(left)['message_count'] == len(found)
        times = sorted(time_of(number) for number in range(len(found)))
        assert [at for _, _, at, _ in found] == times
        with path.open('rb') as file:
            assert sum(1 for _ in make_reader(file).iter_messages()) == len(found)
        sealed = path.read_bytes()
        seal(path)
        assert path.read_bytes() == sealed
    assert 0 in counts and len(counts) > 3


def test_a_database_holds_what_was_committed(tmp_path):
    config = BagConfig(storage=Storage.SQLITE3, compression=Compression.ZSTD)
    left = written(tmp_path / 'bags', config)
    mend(left, {'episode_uuid': 'e1'})
    assert metadata(left)['compression_mode'] == 'message'
    assert len(read(left)) == 80


def test_a_bag_without_an_episode_is_named_as_such(tmp_path):
    left = written(tmp_path / 'bags')
    (line,) = mend_bags(tmp_path / 'bags', lambda uuid: None)
    final = tmp_path / 'bags/leftover-e1'
    assert line.endswith(f'it is now {final}') and not left.exists()
    assert metadata(final)['custom_data'] == {'episode_uuid': 'e1', 'interrupted': 'true'}


def test_what_is_being_written_or_cannot_be_read_stays(tmp_path):
    folder = tmp_path / 'bags'
    bag = EpisodeBag(folder, 'running', BagConfig(), MessageTypes())
    (folder / '.recording/empty').mkdir()
    (folder / '.recording/odd').mkdir()
    (folder / '.recording/odd/odd.mcap').write_bytes(b'\x89MC')
    (line,) = mend_bags(folder, lambda uuid: None)
    assert 'odd of an interrupted episode cannot be recovered' in line
    assert sorted(path.name for path in (folder / '.recording').iterdir()) == ['odd', 'running']
    bag.discard()
    assert not (folder / '.recording/running').exists()
