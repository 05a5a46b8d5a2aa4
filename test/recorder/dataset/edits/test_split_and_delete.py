"""Parts of datasets: exactly their rows and pictures, whatever files they shared with others."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from compact_scene import CAMERA, CODECS, FPS, WRIST, decoded, encode, make, paths, whole

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import folder_links, layout, renewal, video_reader
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.edits import video_cut
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import extract_episodes, split_dataset
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.validate import validate_dataset


@pytest.fixture(scope='module')
def made(tmp_path_factory, tools):
    folder = tmp_path_factory.mktemp('edit')
    make(folder / 'single', tools)
    shutil.copytree(folder / 'single', folder / 'joined')
    compact_dataset(folder / 'joined')
    return folder


@pytest.fixture(params=['single', 'joined'])
def root(request, made, tmp_path):
    return Path(shutil.copytree(made / request.param, tmp_path / 'd'))


@pytest.fixture
def joined(made, tmp_path):
    return Path(shutil.copytree(made / 'joined', tmp_path / 'd'))


def pictures(root, numbers):
    views = list(DatasetReader(root).episodes())
    return [
        picture.tobytes()
        for number in numbers
        for camera in (CAMERA, WRIST)
        for picture in views[number].frames(camera)
    ]


def check(found, source, numbers):
    """A dataset holds exactly these episodes of another."""
    assert whole(found) == []
    assert pictures(found, range(len(numbers))) == pictures(source, numbers)
    views = list(DatasetReader(found).episodes())
    there = list(DatasetReader(source).episodes())
    start = 0
    for at, (view, number) in enumerate(zip(views, numbers, strict=True)):
        assert (view.row_tasks, view.extra) == (there[number].row_tasks, there[number].extra)
        assert np.array_equal(view.rows['action'], there[number].rows['action'])
        assert set(view.rows['episode_index']) == {at}
        assert list(view.rows['index']) == list(range(start, start + view.length))
        start += view.length


def test_parts_hold_their_episodes_and_the_source_stays(root, tmp_path):
    before = folder_links.snapshot(root, ())
    parts = {'train': [0, 3, 4, 6], 'val': [1], 'rest': [2, 5]}
    made, notices = split_dataset(read_source(root), tmp_path / 's', parts)
    assert notices == []
    assert [(part.root.name, part.episodes) for part in made] == [
        ('train', 4), ('val', 1), ('rest', 2),
    ]  # fmt: skip
    for name, numbers in parts.items():
        check(tmp_path / 's' / name, root, numbers)
    assert folder_links.snapshot(root, ()) == before
    assert sorted(os.listdir(tmp_path)) == ['d', 's']
    assert [path for path in paths(tmp_path / 's/val') if path.startswith(layout.RECORDS)] == [
        f'{layout.RECORDS}/{DatasetReader(root).episode(1).extra["ros/uuid"]}{ending}'
        for ending in ('.json', '.picture_histograms.parquet')
    ]
    assert len(DatasetReader(tmp_path / 's/val').tasks) == 1


def test_deleted_in_place(root, tmp_path, tools):
    copy = Path(shutil.copytree(root, tmp_path / 'before'))
    (root / 'README.md').write_text('by hand')
    gone = DatasetReader(root).episode(2).extra['ros/uuid']
    done = delete_episodes(root, [2, 0])
    assert (done.episodes, gone in done.gone, done.notices) == (5, True, ())
    check(root, copy, [1, 3, 4, 5, 6])
    assert (root / 'README.md').read_text() == 'by hand'
    assert not [path for path in paths(root) if gone in path]
    assert sorted(os.listdir(tmp_path)) == ['before', 'd']
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with DatasetWriter.resume(root, info) as writer:
        assert writer.notices == ()
        tools.Film(info).episode(writer, 3)
    assert whole(root) == []


def test_the_last_and_the_first_can_go(root, tmp_path):
    copy = Path(shutil.copytree(root, tmp_path / 'before'))
    delete_episodes(root, [6])
    delete_episodes(root, [0])
    check(root, copy, [1, 2, 3, 4, 5])


def test_all_cannot_go(root):
    before = folder_links.snapshot(root, ())
    with pytest.raises(DatasetError, match='no episode would be left'):
        delete_episodes(root, range(7))
    assert folder_links.snapshot(root, ()) == before


def test_a_file_of_which_all_is_kept_is_the_same_file(made, tmp_path):
    source = read_source(made / 'single')
    extract_episodes(source, tmp_path / 'e', [1, 4], link=True)
    (one, other) = layout.video_files(tmp_path / 'e', WRIST)
    assert one.samefile(layout.video_files(made / 'single', WRIST)[1])
    extract_episodes(source, tmp_path / 'f', [1, 4])
    assert all(p.stat().st_nlink == 1 for p in (tmp_path / 'f').rglob('*') if p.is_file())
    assert other.exists()


@pytest.mark.parametrize('codec', CODECS)
def test_episodes_off_key_frames_are_exact_all_the_same(joined, tmp_path, codec):
    """As LeRobot leaves videos of which it deleted an episode: one stream, encoded in one go."""
    for camera in (CAMERA, WRIST):
        (path,) = layout.video_files(joined, camera)
        film = list(video_reader.frames(path, 0, None, FPS))
        path.unlink()
        encode(path, codec, film)
    for numbers in ([1, 2, 5], [0, 6]):
        name = tmp_path / ''.join(map(str, numbers))
        _, notices = extract_episodes(read_source(joined), name, numbers)
        findings = [f for f in validate_dataset(name, decode=True) if f.severity == 'error']
        assert findings == []
        assert pictures(name, range(len(numbers))) == pictures(joined, numbers)
        spare = 'no episode shows them' in ' '.join(notices)
        assert spare == (codec != 'mjpeg') or numbers != [1, 2, 5]
        compact_dataset(name)
        assert pictures(name, range(len(numbers))) == pictures(joined, numbers)


def test_what_cannot_be_cut_is_refused(joined, tmp_path, monkeypatch):
    look = video_cut.pictures
    spoils = {
        'begins_anew': lambda *_: False,
        'pictures': lambda path, *rest: look(path, *rest)[path.name.startswith('.') :],
    }
    for name, spoilt in spoils.items():
        with monkeypatch.context() as patch:
            patch.setattr(video_cut, name, spoilt)
            with pytest.raises(DatasetFormatError, match='transcode encodes the videos anew'):
                extract_episodes(read_source(joined), tmp_path / 'e', [1])
        assert sorted(os.listdir(tmp_path)) == ['d']


def test_packets_that_are_others_are_noticed(joined, tmp_path, monkeypatch):
    mux = video_cut._mux

    def late(packet, stream, scan, number, piece):
        mux(packet, stream, scan, number + (number > 4), piece)

    monkeypatch.setattr(video_cut, '_mux', late)
    with pytest.raises((DatasetFormatError, DatasetError)):
        extract_episodes(read_source(joined), tmp_path / 'e', [1, 2])
    assert sorted(os.listdir(tmp_path)) == ['d']


def test_a_second_stream_is_told(joined, tmp_path):
    (path,) = layout.video_files(joined, WRIST)
    other = path.with_name('other.mp4')
    with av.open(str(path)) as source, av.open(str(other), 'w') as target:
        video = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream('aac', rate=8000)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
        silence.sample_rate = 8000
        target.mux(sound.encode(silence))
        target.mux(sound.encode(None))
    other.replace(path)
    _, notices = extract_episodes(read_source(joined), tmp_path / 'e', [1])
    assert f'{WRIST}: only the pictures of {path} were cut out' in notices
    assert pictures(tmp_path / 'e', [0]) == pictures(joined, [1])


def test_images_in_parquet_and_text_come_along(tmp_path, tools):
    features = tools.features(dtype='image')
    features['note'] = {'dtype': 'string', 'shape': [1], 'names': None}
    info = DatasetInfo(FPS, features)
    film = tools.Film(info)
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        for count in (3, 4, 5):
            film.episode(writer, count)
    before = decoded(tmp_path / 'd')
    delete_episodes(tmp_path / 'd', [1])
    assert decoded(tmp_path / 'd') == before[:3] + before[7:]
    assert whole(tmp_path / 'd') == []
    assert DatasetReader(tmp_path / 'd').episode(1).rows['note'][0] == 'text 7'


def test_files_that_several_episodes_name_go_with_the_last(tmp_path, tools):
    info = DatasetInfo(FPS, tools.features())
    film = tools.Film(info)
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        for number, name in enumerate(('urdf-1.xml', 'urdf-1.xml', 'urdf-2.xml')):
            record = EpisodeRecord(
                f'u{number}', details={'kept': {'files': {'urdf': name}}},
                files={name: name.encode()},
            )  # fmt: skip
            film.episode(writer, 3, record=record)
    delete_episodes(tmp_path / 'd', [0])
    folder = tmp_path / 'd' / layout.SHARED_FILES
    assert sorted(os.listdir(folder)) == ['urdf-1.xml', 'urdf-2.xml']
    delete_episodes(tmp_path / 'd', [0])
    assert os.listdir(folder) == ['urdf-2.xml']


def test_a_record_still_finds_its_bag(tmp_path, tools):
    info = DatasetInfo(FPS, tools.features())
    (tmp_path / 'd.bags/u0').mkdir(parents=True)
    record = EpisodeRecord('u0', details={'bag': {'path': '../d.bags/u0', 'bytes': 1}})
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        tools.Film(info).episode(writer, 3, record=record)
    extract_episodes(read_source(tmp_path / 'd'), tmp_path / 'deep/er/e', [0])
    document = json.loads((tmp_path / f'deep/er/e/{layout.RECORDS}/u0.json').read_text())
    bag = document['details']['bag']
    assert (tmp_path / 'deep/er/e' / bag['path']).samefile(tmp_path / 'd.bags/u0')
    assert bag['bytes'] == 1


def test_a_recording_keeps_its_dataset(root, tmp_path, tools):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    with DatasetWriter.resume(root, info):
        with pytest.raises(DatasetError, match='another process is recording'):
            delete_episodes(root, [0])
        with pytest.raises(DatasetError, match='is being recorded into'):
            read_source(root)


def test_nobody_records_while_episodes_are_deleted(root, tools, monkeypatch):
    info = DatasetInfo(FPS, tools.features((CAMERA, WRIST)), 'so_follower')
    refused = []

    def attempt(*arguments):
        with pytest.raises(DatasetError, match='another process'):
            DatasetWriter.resume(root, info)
        refused.append(arguments)

    carry_over = renewal._carry_over
    monkeypatch.setattr(renewal, '_carry_over', lambda *a: (attempt(), carry_over(*a)))
    delete_episodes(root, [0], attempt)
    assert len(refused) > 3
    DatasetWriter.resume(root, info).finalize()


def test_a_change_from_elsewhere_stops_it(root, tmp_path):
    def disturb(done, total):
        (root / layout.STATS).write_text((root / layout.STATS).read_text() + ' ')

    with pytest.raises(DatasetError, match='was changed while'):
        delete_episodes(root, [0], disturb)
    assert DatasetReader(root).num_episodes == 7
    with pytest.raises(DatasetError, match='was changed while'):
        split_dataset(read_source(root), tmp_path / 's', {'a': [0]}, disturb)
    assert sorted(os.listdir(tmp_path)) == ['d']


def test_places_that_cannot_be(root, tmp_path):
    source = read_source(root)
    for target in (root, root / 'x', tmp_path):
        with pytest.raises(DatasetError):
            extract_episodes(source, target, [0])
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there/file').write_text('')
    with pytest.raises(DatasetExistsError):
        split_dataset(source, tmp_path / 'there', {'a': [0]})
    (tmp_path / 'there/file').unlink()
    split_dataset(source, tmp_path / 'there', {'a': [0]})
    assert whole(tmp_path / 'there/a') == []


def test_a_full_disk_is_told_beforehand(joined, tmp_path, monkeypatch):
    before = folder_links.snapshot(joined, {layout.RECORDING})
    usage = shutil.disk_usage(joined)._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(DatasetError, match=r'16 MiB are needed, 10 MiB are free'):
        delete_episodes(joined, [0])
    with pytest.raises(DatasetError, match='are free; nothing was made'):
        extract_episodes(read_source(joined), tmp_path / 'e', [0])
    assert folder_links.snapshot(joined, {layout.RECORDING}) == before
    assert sorted(os.listdir(tmp_path)) == ['d']
