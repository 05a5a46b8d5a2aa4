"""A power cut at every step of a session: unlike kill -9 it loses what the system has cached."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import power_cut
import write_trace
from crash_scenarios import DatasetReader, Promises, fingerprint, validate_dataset
from write_trace import Op

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.repair import repair_dataset

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
CUTS = int(os.environ.get('LEROBOT_ROS_CUTS', '14'))


@pytest.fixture(scope='module')
def trace(tmp_path_factory):
    """A session of a few episodes, accepted, saved, discarded, and resumed once."""
    folder = tmp_path_factory.mktemp('traced')
    strace = shutil.which('strace')
    command = [sys.executable, str(HERE / 'traced_session.py'), str(folder / 'base/set')]
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY)}
    (folder / 'base').mkdir()
    if strace is None:
        pytest.skip('NOT TESTED: the replay of a power cut needs strace')
    done = subprocess.run(
        [*write_trace.STRACE, '-o', str(folder / 'trace'), *command],
        env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    if 'ptrace' in done.stderr or 'Operation not permitted' in done.stderr:
        pytest.skip(f'NOT TESTED: the replay of a power cut needs strace: {done.stderr[:100]}')
    assert done.returncode == 0, done.stderr
    return write_trace.read(folder / 'trace', folder / 'base')


def promised(ops: list[Op]) -> Promises:
    promises = Promises()
    promises.hear(b''.join(op.data for op in ops if op.kind == 'said').decode())
    return promises


def check(root: Path, promises: Promises) -> None:
    try:
        done = repair_dataset(root)
    except DatasetFormatError:
        assert not promises.accepted
        return
    views = {}
    if (root / 'meta/info.json').exists():
        assert [str(finding) for finding in validate_dataset(root)] == [], done
        views = {view.extra['ros/uuid']: view for view in DatasetReader(root).episodes()}
    for uuid, (length, expected) in promises.durable.items():
        assert uuid in views, f'durable episode {uuid} is gone: {done}'
        assert (views[uuid].length, fingerprint(views[uuid])) == (length, expected), (uuid, done)
    aside = ''.join(path.read_text() for path in root.rglob('accepted.json'))
    for uuid, (_, outcome) in promises.accepted.items():
        assert uuid in views or uuid in aside, f'accepted episode {uuid} is gone: {done}'
        assert uuid not in views or views[uuid].extra['ros/outcome'] == outcome


def cuts(ops: list[Op], count: int, rng: random.Random) -> list[int]:
    """Return where to cut: everywhere but between writes, or a part of that."""
    places = [n for n, op in enumerate(ops) if op.kind != 'write'] + [len(ops)]
    return places if count >= len(places) else sorted(rng.sample(places, count))


@pytest.mark.timeout(120 + 5 * CUTS)
@pytest.mark.parametrize('model', power_cut.MODELS)
def test_what_was_durable_is_whole_after_a_power_cut_at_any_step(tmp_path, trace, model):
    """All steps, several times, with LEROBOT_ROS_CUTS=3000."""
    rng = random.Random(5)
    rounds = max(1, CUTS // 600)
    for turn in range(rounds):
        for cut in cuts(trace, CUTS // 2, rng):
            folder = tmp_path / f'{turn}_{cut}'
            power_cut.Disk(trace[:cut]).build(folder, model, rng)
            try:
                check(folder / 'set', promised(trace[:cut]))
            except AssertionError as error:
                raise AssertionError(f'cut at {cut} of {len(trace)}, {folder}: {error}') from error
            shutil.rmtree(folder)


def test_the_replay_notices_a_missing_sync(tmp_path, trace):
    """Without the syncs of the folders nothing is sure: the model can see that."""
    ops = [op for op in trace if op.kind != 'sync' or '.' in Path(op.path).name]
    with pytest.raises(AssertionError, match=r'gone|accepted'):
        for seed in range(20):
            folder = tmp_path / str(seed)
            power_cut.Disk(ops).build(folder, 'posix', random.Random(seed))
            check(folder / 'set', promised(ops))


def test_replaying_everything_gives_what_is_there(tmp_path, trace):
    """The trace knows all that was written, whoever wrote it."""

    class Kind(random.Random):
        def choice(self, _options):
            return 'all'

        def randint(self, _low, high):
            return high

    power_cut.Disk(trace).build(tmp_path / 'again', 'posix', Kind())
    check(tmp_path / 'again/set', promised(trace))
