"""What of a dataset counts while it is recorded into."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from hub_scene import CAMERA, add_episode, features, local, record

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.hub import snapshot
from lerobot_recorder.hub.snapshot import LocalFile


def take(root, clock=None):
    return snapshot.take(root, clock or ManualClock())


def test_all_that_belongs_to_a_closed_dataset(root):
    (root / '.quarantine').mkdir()
    (root / '.quarantine/old.parquet').write_bytes(b'')
    (root / 'meta/.info.json.tmp').write_bytes(b'')
    (root / 'notes.txt').write_bytes(b'mine')
    found = take(root)
    content = {path: b''.join(file.blocks()) for path, file in found.files.items()}
    assert content == {path: c for path, c in local(root).items() if path != 'notes.txt'}
    assert found.episodes == 3


def test_an_episode_on_its_way_in_stays_out(tmp_path):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, DatasetInfo(10, features(), 'so_follower')) as writer:
        add_episode(writer)
        found = take(root)
        assert found.episodes == 1
        assert not [path for path in found.files if path.startswith('.recording')]
        add_episode(writer)
        assert found.is_still(), 'what was found does not change with what is added'
        assert take(root).episodes == 2


def test_files_that_info_does_not_count_yet_stay_out(root):
    """As in the moment before info.json is replaced."""
    before = (root / layout.INFO).read_bytes()
    whole = take(root)
    record(root, 1, resume=True)
    (root / layout.INFO).write_bytes(before)
    found = take(root)
    assert found.episodes == 3
    for folder in ('data/', 'videos/', layout.EPISODES):
        assert {p for p in found.files if p.startswith(folder)} == {
            p for p in whole.files if p.startswith(folder)
        }


class Saving(ManualClock):
    """Somebody finishes saving an episode while one waits: its last file comes, then the rest."""

    def __init__(self, root):
        super().__init__()
        self.root, self.pauses = root, 0

    def sleep(self, seconds):
        super().sleep(seconds)
        self.pauses += 1
        if self.pauses == 5:
            os.rename(self.root / 'late', layout.data_files(self.root)[0].with_name(LATE))
            shutil.rmtree(self.root / '.recording')


LATE = 'file-002.parquet'


def test_it_waits_until_an_episode_that_is_being_saved_is_whole(root):
    os.rename(layout.data_files(root)[2], root / 'late')
    folder = root / '.recording/episode-000003'
    folder.mkdir(parents=True)
    (folder / 'manifest.json').write_text('{}')
    with pytest.raises(DatasetError, match=r'--resume=true mends it'):
        take(root)
    assert take(root, Saving(root)).episodes == 3


def test_documents_that_are_replaced_meanwhile_are_read_again(root, monkeypatch):
    look, looked = snapshot._look, []

    def and_change(root):
        found = look(root)
        if not looked:
            (root / layout.STATS).write_text('{}')
        looked.append(found)
        return found

    monkeypatch.setattr(snapshot, '_look', and_change)
    assert take(root).files[layout.STATS].source == b'{}'
    assert len(looked) == 2


@pytest.mark.parametrize(
    ('spoil', 'told'),
    [
        (
            lambda root: shutil.rmtree(root / 'data'),
            'file-000.parquet is missing; lerobot-ros val',
        ),
        (lambda root: shutil.rmtree(root / 'videos'), 'file-000.mp4 is missing'),
        (lambda root: os.remove(layout.episodes_files(root)[1]), 'counts 3 episodes, meta/epi'),
        (lambda root: layout.episodes_files(root)[1].write_bytes(b'x'), 'cannot be read'),
        (lambda root: os.remove(root / layout.INFO), 'no LeRobot dataset'),
    ],
    ids=['data', 'videos', 'episodes', 'damaged', 'info'],
)
def test_what_is_not_whole_is_not_uploaded(root, spoil, told):
    spoil(root)
    with pytest.raises(DatasetError, match=told):
        take(root)


def test_a_changed_file_is_noticed(root):
    found = take(root)
    video = layout.video_files(root, CAMERA)[0]
    video.write_bytes(video.read_bytes())
    os.utime(video, ns=(1, 1))
    assert not found.is_still()


def test_contents_are_called_as_git_and_the_hub_call_them(tmp_path):
    # `printf hello | git hash-object --stdin` and `printf hello | sha256sum`
    file = LocalFile(b'hello', 5)
    assert file.git_sha1() == 'b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0'
    assert file.sha256() == '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
    (tmp_path / 'f').write_bytes(b'hello')
    assert LocalFile.of(tmp_path / 'f').git_sha1() == file.git_sha1()


def test_what_lerobot_put_into_meta_goes_along(root):
    (root / 'meta/subtasks.json').write_text(json.dumps({}))
    assert 'meta/subtasks.json' in take(root).files
