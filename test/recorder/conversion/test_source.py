"""Nothing of a bag becomes rows twice, whatever ended the conversion before."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import pytest
from long_bag import at, bag_of, convert, mapping, pictures, streams, text

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.conversion.source import ConvertedPart, fingerprint, without_converted
from lerobot_recorder.conversion.span import EpisodeSpan, Spans
from lerobot_recorder.convert import Conversion, ConvertJob, convert_bag
from lerobot_recorder.dataset import accepted, running_episode
from lerobot_recorder.dataset.record import EpisodeRecord
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.take import Take

CUT = {'by': 'marker', 'topic': '/m'}
MARKS = [
    (1.0, 'start'),
    (2.0, 'stop'),
    (3.0, 'start'),
    (4.0, 'stop'),
    (5.0, 'start'),
    (6.0, 'stop'),
]
WHOLE = [list(range(10, 21)), list(range(30, 41)), list(range(50, 61))]


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'set'


@pytest.fixture
def bag(tmp_path):
    return bag_of(tmp_path / 'bag', streams(7), (text('/m', *mark) for mark in MARKS))


def test_bags_go_one_by_one_into_a_dataset_and_each_but_once(tmp_path, root, bag):
    other = bag_of(tmp_path / 'other', streams(2))
    assert len(convert(bag, root, episodes=CUT, resume=True).episodes) == 3
    assert [e.index for e in convert(other, root, resume=True).episodes] == [3]
    again = convert(bag, root, episodes=CUT, resume=True)
    assert not again.episodes and [one.is_done for one in again.skipped] == [True] * 3
    assert again.skipped[1].reason == 'it was converted already, into episode 1'
    moved = bag.rename(tmp_path / 'moved')
    assert not convert(moved, root, episodes=CUT, resume=True).episodes
    assert pictures(root) == [*WHOLE, list(range(20))]
    assert not validate_dataset(root, decode=True)


def test_what_overlaps_with_what_is_there_is_not_made(root, bag):
    convert(bag, root, start_ns=at(0.95), end_ns=at(1.95))
    rest = convert(bag, root, episodes=CUT, resume=True)
    assert [(one.start_ns - at(0)) // 10**9 for one in rest.episodes] == [3, 5]
    assert rest.skipped[0].is_done


def test_without_resume_a_dataset_that_is_there_is_left_alone(root, bag):
    convert(bag, root, episodes=CUT)
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob('*'))
    with pytest.raises(DatasetExistsError):
        convert(bag, root, episodes=CUT)
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob('*')) == before


def test_another_dataset_is_not_added_to(root, bag):
    convert(bag, root, episodes=CUT)
    job = ConvertJob(bag, root, replace(mapping(), fps=5), 'x', resume=True, start_ns=at(6.2))
    with pytest.raises(DatasetFormatError, match='its fps is 10, this session has 5'):
        convert_bag(job)
    assert pictures(root) == WHOLE


def test_ctrl_c_keeps_what_was_done_and_the_next_call_makes_the_rest(root, bag):
    job = ConvertJob(bag, root, mapping(), 'x', episodes=_config(), resume=True)
    with pytest.raises(KeyboardInterrupt):
        convert_bag(job, _interrupt_at(400))
    assert pictures(root) == WHOLE[: len(pictures(root))] and 1 <= len(pictures(root)) < 3
    assert not (root / '.recording').exists()
    convert_bag(job)
    assert pictures(root) == WHOLE
    assert not validate_dataset(root, decode=True)


def killed(job, monkeypatch):
    """Convert; what a kill would leave is stood in for by a copy of all that is on the disk."""
    root, left = job.root, job.root.with_name('left')
    tell, told = Take.tell_at_end, []

    def copy_before_the_second_ends(self, details):
        told.append(self)
        if len(told) == 2:
            while not (root / 'meta/info.json').exists():  # the first is being saved meanwhile
                time.sleep(0.01)
            time.sleep(0.05)
            shutil.copytree(root, left)
        tell(self, details)

    monkeypatch.setattr(Take, 'tell_at_end', copy_before_the_second_ends)
    convert_bag(job)
    (record,) = left.glob('.recording/*/record.json')
    assert _record(record)['details']['source']['is_whole'] is False
    return left, record.parent


def test_an_accepted_episode_that_was_not_saved_is_dropped_and_made_anew(root, bag, monkeypatch):
    job = ConvertJob(bag, root, mapping(), 'x', episodes=_config(), resume=True)
    left, folder = killed(job, monkeypatch)
    accepted.write(folder, EpisodeRecord.recovered(folder, 'ab', {}), 20)
    converted = convert_bag(replace(job, root=left))
    assert 'dropped the unsaved episode' in converted.notices[0]
    assert pictures(left) == WHOLE


@pytest.mark.parametrize('first_comes_another', [False, True])
def test_a_half_episode_of_a_killed_conversion_is_dropped_and_made_anew(
    root, bag, monkeypatch, first_comes_another
):
    job = ConvertJob(bag, root, mapping(), 'x', episodes=_config(), resume=True)
    left, _ = killed(job, monkeypatch)
    other = bag_of(root.with_name('other'), streams(2)) if first_comes_another else None
    if other is not None:  # as in a loop over many bags
        convert(other, left, resume=True)
        assert len(convert_bag(replace(job, root=left)).episodes) == 2
        assert sorted(pictures(left)) == sorted([*WHOLE, list(range(20))])
        return
    converted = convert_bag(replace(job, root=left))
    assert converted.notices[0] == 'dropped the half episode that an interrupted conversion left'
    assert [one.is_done for one in converted.skipped] == [True]
    assert pictures(left) == WHOLE
    assert not validate_dataset(left, decode=True)


def test_what_somebody_else_recovered_of_it_is_told(root, bag):
    job = ConvertJob(bag, root, mapping(), 'x', episodes=_config(), resume=True)
    convert_bag(job)
    path = max((root / 'meta/ros/episodes').glob('*.json'), key=lambda p: _record(p)['frames'])
    record = _record(path)
    record['details']['source']['is_whole'] = False
    path.write_text(json.dumps(record))
    skipped = [one for one in convert_bag(job).skipped if not one.is_done]
    assert 'is what an interrupted conversion left of it; delete' in skipped[0].reason


def test_a_full_disk_keeps_what_was_done(root, bag, monkeypatch):
    finish, calls = running_episode.RunningEpisode.finish, []

    def full(self):
        calls.append(self)
        if len(calls) == 2:
            raise OSError(28, 'No space left on device')
        return finish(self)

    monkeypatch.setattr(running_episode.RunningEpisode, 'finish', full)
    with pytest.raises(DatasetError, match=r'No space left on device; the 1 episodes before it'):
        convert(bag, root, episodes=CUT)
    assert pictures(root)[0] == WHOLE[0]
    monkeypatch.undo()
    convert(bag, root, episodes=CUT, resume=True)
    assert sorted(pictures(root)) == WHOLE


def test_looking_mends_and_writes_nothing(root, bag):
    job = ConvertJob(bag, root, mapping(), 'x', episodes=_config())
    with Conversion(job, only_looks=True) as conversion:
        assert len(conversion.spans.spans) == 3 and not conversion.problems
        assert conversion.document()['features']['action']['shape'] == [2]
    assert not root.exists() and sorted(p.name for p in root.parent.iterdir()) == ['bag']


def test_what_comes_after_a_loss_is_made_though_what_came_before_is_there():
    span, half = EpisodeSpan(100, 200), ConvertedPart(100, 150, 4, is_whole=True)
    rest = without_converted(Spans((span,)), [half], goes_on=True)
    assert [(one.start_ns, one.end_ns) for one in rest.spans] == [(150, 200)]
    assert not without_converted(Spans((span,)), [half]).spans
    both = [half, ConvertedPart(150, 200, 5, is_whole=True)]
    assert not without_converted(Spans((span,)), both, goes_on=True).spans
    torn = [replace(half, is_whole=False)]
    assert not without_converted(Spans((span,)), torn, goes_on=True).spans


def test_silences_and_losses_are_converted_but_once(tmp_path, root):
    messages = [
        one
        for one in streams(6, silent=[(4.0, 5.5)])
        if one.topic != '/front' or not 1.0 <= (one.received_ns - at(0)) / 10**9 < 2.5
    ]
    bag = bag_of(tmp_path / 'bag', messages)
    first = convert(bag, root, episodes={'by': 'gaps'}, resume=True)
    again = convert(bag, root, episodes={'by': 'gaps'}, resume=True)
    assert len(first.episodes) == 3 and not again.episodes


def test_a_fingerprint_is_of_the_content(tmp_path, bag):
    mark = fingerprint(bag)
    copy = shutil.copytree(bag, tmp_path / 'copy')
    assert fingerprint(copy) == mark
    (file,) = copy.glob('*.mcap')
    data = bytearray(file.read_bytes())
    data[-40] ^= 1
    file.write_bytes(data)
    assert fingerprint(copy) != mark


def _record(path):
    return json.loads(path.read_text())


def _config():
    return build(EpisodesConfig, CUT, 'episodes')


def _interrupt_at(number):
    def progress(done):
        if done >= number:
            raise KeyboardInterrupt

    return progress
