"""The disk refuses, at every step: one clear error, nothing durable lost, and it can go on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crash_scenarios import Promises, check

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import journal, parquet_writer, recover
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset

STRIDE = 1 if 'LEROBOT_ROS_KILLS' in os.environ else 4  # all steps in the long form only
STEPS = [
    (parquet_writer, 'write_table'), (os, 'replace'), (os, 'fsync'), (Path, 'write_bytes'),
]  # fmt: skip


class Refusal:
    """Makes the n-th call of a function, and all later ones, fail."""

    def __init__(self, monkeypatch, owner, name, after):
        self.left, self.hits = after, 0
        step = getattr(owner, name)

        def refusing(*arguments, **more):
            self.left -= 1
            if self.left < 0:
                self.hits += 1
                raise OSError(errno.ENOSPC, 'No space left on device')
            return step(*arguments, **more)

        monkeypatch.setattr(owner, name, refusing)


def save_refused(root, info, film, monkeypatch, owner, name, after):
    """Save two episodes, the second while the disk refuses; return the error and the hits."""
    writer = DatasetWriter.create(root, info)
    film.episode(writer, 4)
    film.add(writer, 5)
    error = None
    with monkeypatch.context() as patch:
        refusal = Refusal(patch, owner, name, after)
        try:
            writer.accept_episode(EpisodeRecord('second', 'success')).wait()
        except DatasetError as found:
            error = found
        except OSError as found:
            pytest.fail(f'a bare {found!r} came through')
        try:
            writer.finalize()
        except DatasetError as found:
            error = error or found
    return error, refusal.hits


@pytest.mark.parametrize(('owner', 'name'), STEPS, ids=[name for _, name in STEPS])
def test_a_disk_that_refuses_at_any_step(tmp_path, info, tools, monkeypatch, owner, name):
    for after in range(0, 200, STRIDE):
        root, film = tmp_path / f'after_{after}', tools.Film(info)
        error, hits = save_refused(root, info, film, monkeypatch, owner, name, after)
        if not hits:
            break
        assert error is None or 'No space left' in str(error)
        saved, running = film.saved, film.running
        done = repair_dataset(root)
        assert [str(f) for f in validate_dataset(root)] == [], (name, after, done)
        views = list(DatasetReader(root).episodes())
        tools.same_rows(views[0], saved[0])
        assert len(views) == 2, (name, after, str(error), done)
        tools.same_rows(views[1], running[: views[1].length])
        assert not (root / '.recording').exists()
    assert root.name != 'after_0'


def test_after_a_refusal_one_can_discard_and_go_on(tmp_path, info, film, tools, monkeypatch):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        film.episode(writer, 4)
        film.add(writer, 5)
        with monkeypatch.context() as patch:
            Refusal(patch, parquet_writer, 'write_table', 0)
            with pytest.raises(
                DatasetError, match=r'No space left.*1 episodes before it are safe'
            ):
                writer.save_episode()
            with pytest.raises(DatasetError, match='discard_episode'):
                film.add(writer)
        film.discard(writer)
        film.episode(writer, 6)
    reader = DatasetReader(tmp_path / 'd')
    for view, frames in zip(reader.episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert validate_dataset(tmp_path / 'd') == []


def test_an_accepted_episode_that_fails_is_told_and_does_not_touch_the_next(
    tmp_path, info, film, tools, monkeypatch
):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, info) as writer:
        film.add(writer, 5)
        with monkeypatch.context() as patch:
            Refusal(patch, parquet_writer, 'write_table', 0)
            failed = writer.accept_episode(EpisodeRecord('first', 'success'))
            first, film.running = film.running, []
            film.add(writer, 3)
            with pytest.raises(DatasetError, match='No space left'):
                failed.wait()
        film.add(writer, 4)
        assert film.save(writer).index == 0
    assert (root / '.recording').exists()
    assert 'saved an accepted episode of 5 frames' in repair_dataset(root)[0]
    reader = DatasetReader(root)
    assert [view.length for view in reader.episodes()] == [7, 5]
    tools.same_rows(reader.episode(1), first)
    assert reader.episode(1).extra['ros/outcome'] == 'success'
    assert validate_dataset(root) == []


def test_a_failure_that_nobody_heard_of_is_told_at_the_end(tmp_path, info, film, monkeypatch):
    writer = DatasetWriter.create(tmp_path / 'd', info)
    film.add(writer, 5)
    with monkeypatch.context() as patch:
        Refusal(patch, parquet_writer, 'write_table', 0)
        pending = writer.accept_episode()
        while not pending.is_done:
            pending._done.wait()
    with pytest.raises(DatasetError, match='No space left'):
        writer.finalize()


def test_a_journal_that_fails_costs_no_earlier_episode(tmp_path, info, film, tools, monkeypatch):
    root = tmp_path / 'd'
    writer = DatasetWriter.create(root, info)
    film.episode(writer, 4)
    film.add(writer, 11)
    with monkeypatch.context() as patch:

        def refuse(*_):
            raise OSError(errno.ENOSPC, 'No space left on device')

        patch.setattr(journal.Journal, 'append', refuse)
        with pytest.raises(DatasetError, match=r'No space left.*1 episodes before it are safe'):
            film.add(writer, 5)
    writer.finalize()
    done = repair_dataset(root)
    assert 'recovered' in done[0] and "outcome 'incomplete'" in done[0]
    view = DatasetReader(root).episode(1)
    assert 8 <= view.length <= 12
    tools.same_rows(view, film.running[: view.length])


@pytest.mark.parametrize('error', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_sets_no_interrupted_episode_aside(tmp_path, info, film, monkeypatch, error):
    root, killed = tmp_path / 'd', tmp_path / 'killed'
    with DatasetWriter.create(root, info) as writer:
        film.episode(writer, 4)
        film.add(writer, 40)
        shutil.copytree(root, killed)
        writer.discard_episode()
    with monkeypatch.context() as patch:

        def refuse(*_):
            raise OSError(error, os.strerror(error))

        patch.setattr(recover, 'shorten', refuse)
        for _ in range(2):
            with pytest.raises(DatasetError, match='No space left'):
                repair_dataset(killed)
    assert any('recovered' in line for line in repair_dataset(killed))
    assert DatasetReader(killed).episode(1).length >= 5
    assert not (killed / '.quarantine').exists()


def test_arrows_errors_are_told_as_ours(tmp_path, info, film, monkeypatch):
    writer = DatasetWriter.create(tmp_path / 'd', info)
    film.add(writer, 5)

    def broken(*_):
        raise pa.ArrowInvalid('strange')

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, 'append', broken)
        with pytest.raises(DatasetError, match='strange'):
            writer.accept_episode()
    writer.discard_episode()
    writer.finalize()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, info):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(DatasetError, match=r'file.*cannot be written'):
        DatasetWriter.create(tmp_path / 'file/set', info)


SMALL_DISK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from crash_scenarios import *
from lerobot_drivers.common.errors import DatasetError
root = Path(sys.argv[1])
writer = DatasetWriter.create(root, INFO)
try:
    for serial in range(10_000):
        add_frames(writer, serial, 30)
        pending = writer.accept_episode(EpisodeRecord(f'e{serial}', 'success'))
        tell('accepted', f'e{serial}', 30, 'success')
        tell_durable(root, pending)
except DatasetError as error:
    tell('error', error)
try:
    writer.finalize()
except DatasetError as error:
    tell('error', error)
"""


def test_a_disk_that_is_really_full(tmp_path, capsys):
    """In a file system of 700 kB, where that can be mounted."""
    script = (
        'mount -t tmpfs -o size=700k tmpfs "$1" && "$2" -c "$3" "$1/set" "$4"; '
        'mkdir -p "$5" && cp -r "$1/set" "$5/"'
    )
    small = tmp_path / 'small'
    small.mkdir()
    here = Path(__file__).parent
    arguments = [str(small), sys.executable, SMALL_DISK, str(here), str(tmp_path / 'copy')]
    done = subprocess.run(
        ['unshare', '--mount', 'bash', '-c', script, 'x', *arguments],
        capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, 'PYTHONPATH': str(here.parents[2])},
    )  # fmt: skip
    if 'permitted' in done.stderr or 'denied' in done.stderr:
        pytest.skip(f'NOT TESTED: no file system can be mounted here: {done.stderr.strip()}')
    assert 'No space left' in done.stdout, (done.stdout, done.stderr)
    assert 'Traceback' not in done.stderr, done.stderr
    promises = Promises()
    promises.hear(done.stdout)
    assert len(promises.durable) >= 2
    repair_dataset(tmp_path / 'copy/set')
    check(tmp_path / 'copy/set', promises)
