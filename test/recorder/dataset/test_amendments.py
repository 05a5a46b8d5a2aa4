"""Second thoughts: labels, notes and the end of an episode that is saved, also under a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.validate import validate_dataset


class Crash(BaseException):
    """The process is dead."""


def record_of(root: Path, uuid: str) -> dict:
    return json.loads((root / layout.RECORDS / f'{uuid}.json').read_text())


def outcomes(root: Path) -> list[str | None]:
    return [view.extra['ros/outcome'] for view in DatasetReader(root).episodes()]


def is_whole(root: Path) -> bool:
    return not validate_dataset(root)


def test_a_label_and_a_note_reach_row_and_record(tmp_path, film, tools):
    root = tmp_path / 'set'
    with DatasetWriter.create(root, film.info) as writer:
        film.episode(writer, record=EpisodeRecord('one', details={'task': 'x'}))
        film.episode(writer, record=EpisodeRecord('two'))
        writer.amendments.amend('one', 'success', {'notes': ['neat']}).wait()
        assert outcomes(root) == ['success', None]
        film.episode(writer)
    assert outcomes(root) == ['success', None, None]
    found = record_of(root, 'one')
    assert found['outcome'] == 'success'
    assert found['details'].items() >= {'task': 'x', 'notes': ['neat']}.items()
    assert record_of(root, 'two')['outcome'] is None
    assert is_whole(root)
    for view, frames in zip(DatasetReader(root).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)


def test_an_episode_of_nobody_cannot_be_changed(tmp_path, film):
    with DatasetWriter.create(tmp_path / 'set', film.info) as writer:
        film.episode(writer, record=EpisodeRecord('one'))
        with pytest.raises(DatasetError, match='no episode two of this session'):
            writer.amendments.amend('two', 'success').wait()
        film.episode(writer)


@pytest.mark.parametrize('before', [0, 1, 2])
def test_the_last_episode_can_be_dropped_and_leaves_no_trace(tmp_path, film, tools, before):
    root, other = tmp_path / 'set', tmp_path / 'other'
    with DatasetWriter.create(root, film.info) as writer:
        for number in range(before):
            film.episode(writer, 5, 'Push', EpisodeRecord(f'kept{number}'))
        film.episode(writer, 7, 'Pull', EpisodeRecord('gone'))
        writer.amendments.drop('gone').wait()
        del film.saved[-1]
        with pytest.raises(DatasetError, match='only the last episode'):
            writer.amendments.drop('kept0').wait()
        if not before:
            assert not (root / layout.INFO).exists()
        film.episode(writer, 6, 'Lift', EpisodeRecord('next'))
    assert is_whole(root)
    assert not [path for path in root.rglob('*') if 'gone' in path.name]
    for view, frames in zip(DatasetReader(root).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    again = tools.Film(film.info)
    with DatasetWriter.create(other, film.info) as writer:
        for number in range(before):
            again.episode(writer, 5, 'Push', EpisodeRecord(f'kept{number}'))
        again.count += 7
        again.episode(writer, 6, 'Lift', EpisodeRecord('next'))
    names = {p.relative_to(root).as_posix() for p in root.rglob('*') if p.is_file()}
    assert names == {p.relative_to(other).as_posix() for p in other.rglob('*') if p.is_file()}
    assert json.loads((root / layout.STATS).read_text()) == json.loads(
        (other / layout.STATS).read_text()
    )
    assert (root / layout.INFO).read_text() == (other / layout.INFO).read_text()


def test_dropping_all_leaves_an_empty_folder(tmp_path, film):
    root = tmp_path / 'set'
    with DatasetWriter.create(root, film.info) as writer:
        film.episode(writer, record=EpisodeRecord('gone', files={'lens-1.json': b'{}'}))
        writer.amendments.drop('gone').wait()
    assert not root.exists() or layout.is_free(root)
    with DatasetWriter.create(root, film.info) as writer:
        film.episode(writer)
    assert is_whole(root)


def crash_at(monkeypatch, step: int):
    """Let the process die before its n-th change on the disk; return what counts them."""
    count = [0]

    def deadly(function):
        def change(*args, **kwargs):
            count[0] += 1
            if count[0] >= step:
                raise Crash
            return function(*args, **kwargs)

        return change

    for owner, name in ((os, 'replace'), (Path, 'unlink'), (Path, 'rmdir'), (Path, 'mkdir')):
        monkeypatch.setattr(owner, name, deadly(getattr(owner, name)))
    return count


@pytest.mark.parametrize('kind', ['drop', 'label'])
@pytest.mark.parametrize('episodes', [1, 2])
def test_after_a_crash_at_any_step_a_change_is_there_or_it_is_not(tmp_path, film, kind, episodes):
    seen = set()
    for step in range(1, 40):
        root = tmp_path / f'{kind}{episodes}-{step}'
        writer = DatasetWriter.create(root, film.info)
        for number in range(episodes):
            film.episode(writer, 3, f'Task {number}', EpisodeRecord(f'e{number}'))
        last, amendments = f'e{episodes - 1}', writer.amendments
        changes = {
            'drop': lambda folder, w=writer, u=last: w._state.drop_last(folder, u),
            'label': lambda folder, a=amendments, u=last: a._amend(folder, u, 'success', {}),
        }
        with pytest.MonkeyPatch.context() as patch:
            count = crash_at(patch, step)
            died = False
            try:
                amendments._apply(changes[kind])
            except Crash:
                died = True
        writer._saver.close()
        writer._work.close(clean=False)
        repair_dataset(root)
        if not (root / layout.INFO).exists():
            assert kind == 'drop' and episodes == 1
            seen.add('gone')
        else:
            assert is_whole(root)
            views = list(DatasetReader(root).episodes())
            state = len(views) == episodes, views[-1].extra['ros/outcome']
            seen.add(state)
            if state == (True, 'success'):
                assert record_of(root, last)['outcome'] == 'success'
        if not died:
            assert count[0] >= 3
            break
    else:
        raise AssertionError('it never came to its end')
    assert len(seen) == 2, seen
