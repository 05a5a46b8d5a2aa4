from __future__ import annotations

import json
import stat

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import parquet_writer, state
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, EpisodeRecord
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.validate import validate_dataset


def test_a_dataset_holds_what_was_added(good, film, tools):
    reader = DatasetReader(good)
    assert reader.num_episodes == 3
    assert reader.tasks == ['Pick up the cube', 'Place the cube']
    for view, frames in zip(reader.episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
        for found, frame in zip(view.frames(tools.CAMERA), frames, strict=True):
            assert tools.psnr(found, frame['pictures'][tools.CAMERA]) > 32
    assert validate_dataset(good, decode=True) == []


def test_the_files_are_where_lerobot_looks(good, tools):
    files = [name for name in tools.tree(good) if not name.startswith('meta/ros/')]
    expected = ['meta/info.json', 'meta/stats.json', 'meta/tasks.parquet']
    for number in range(3):
        expected += [
            f'data/chunk-000/file-{number:03d}.parquet',
            f'meta/episodes/chunk-000/file-{number:03d}.parquet',
            f'videos/{tools.CAMERA}/chunk-000/file-{number:03d}.mp4',
        ]
    assert files == sorted(expected)
    for name in files:
        assert stat.S_IMODE((good / name).stat().st_mode) & 0o444 == 0o444


def test_info_says_what_the_dataset_is(good, tools):
    document = json.loads((good / 'meta/info.json').read_text())
    assert list(document) == [
        'codebase_version', 'fps', 'features', 'total_episodes', 'total_frames', 'total_tasks',
        'chunks_size', 'data_files_size_in_mb', 'video_files_size_in_mb', 'data_path',
        'video_path', 'robot_type', 'splits',
    ]  # fmt: skip
    assert (document['total_episodes'], document['total_frames']) == (3, 18)
    assert document['splits'] == {'train': '0:3'}
    assert list(document['features'])[-5:] == [
        'timestamp', 'frame_index', 'episode_index', 'index', 'task_index'
    ]  # fmt: skip
    block = document['features'][tools.CAMERA]['info']
    assert block == {
        'is_depth_map': False, 'video.height': 48, 'video.width': 64, 'video.codec': 'h264',
        'video.pix_fmt': 'yuv420p', 'video.fps': 10, 'video.channels': 3, 'has_audio': False,
        'video.g': 2, 'video.crf': 21, 'video.preset': 'ultrafast', 'video.fast_decode': 0,
        'video.video_backend': 'pyav', 'video.extra_options': {},
    }  # fmt: skip


def test_parquet_files_have_lerobots_types(good):
    schema = pq.read_schema(good / 'data/chunk-000/file-001.parquet')
    assert {field.name: str(field.type) for field in schema} == {
        'action': 'fixed_size_list<element: float>[3]',
        'observation.state': 'fixed_size_list<element: float>[3]',
        'timestamp': 'float', 'frame_index': 'int64', 'episode_index': 'int64',
        'index': 'int64', 'task_index': 'int64',
    }  # fmt: skip
    assert pq.ParquetFile(good / 'data/chunk-000/file-001.parquet').num_row_groups == 1
    episodes = pq.read_schema(good / 'meta/episodes/chunk-000/file-000.parquet')
    assert str(episodes.field('stats/action/mean').type) == 'list<element: double>'
    assert episodes.names[-2:] == ['meta/episodes/chunk_index', 'meta/episodes/file_index']


def test_global_statistics_are_those_of_all_rows(good, film, tools):
    stats = json.loads((good / 'meta/stats.json').read_text())
    frames = [frame for episode in film.saved for frame in episode]
    action = np.stack([frame['values']['action'] for frame in frames]).astype(float)
    np.testing.assert_allclose(stats['action']['mean'], action.mean(0))
    np.testing.assert_allclose(stats['action']['std'], action.std(0))
    np.testing.assert_allclose(stats['action']['q99'], np.quantile(action, 0.99, axis=0))
    np.testing.assert_allclose(stats['index']['q01'], [np.quantile(np.arange(18), 0.01)])
    pixels = np.stack([frame['pictures'][tools.CAMERA] for frame in frames]).reshape(-1, 3) / 255
    found = stats[tools.CAMERA]
    assert found['count'] == [18]
    np.testing.assert_allclose(np.ravel(found['mean']), pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(np.ravel(found['std']), pixels.std(0), atol=1e-9)
    np.testing.assert_allclose(
        np.ravel(found['q90']), np.quantile(pixels, 0.9, axis=0), atol=1 / 255 + 1e-9
    )


def test_statistics_after_a_resume_are_those_of_one_session(tmp_path, info, film, good):
    with DatasetWriter.resume(good, info) as writer:
        film.episode(writer, 4, 'A third task')
    whole = tmp_path / 'whole'
    again = type(film)(info)
    with DatasetWriter.create(whole, info) as writer:
        for count, task in ((5, 'Pick up the cube'), (7, 'Place the cube'),
                            (6, 'Pick up the cube'), (4, 'A third task')):  # fmt: skip
            again.episode(writer, count, task)
    one, two = (json.loads((root / 'meta/stats.json').read_text()) for root in (good, whole))
    assert one.keys() == two.keys()
    for key in one:
        for name in one[key]:
            np.testing.assert_allclose(one[key][name], two[key][name], atol=1e-9, err_msg=key)
    assert validate_dataset(good) == []


def test_every_kind_of_column_comes_back(tmp_path, tools):
    kinds = {
        'next.done': {'dtype': 'bool', 'shape': (1,), 'names': None},
        'next.reward': {'dtype': 'float32', 'shape': (1,), 'names': None},
        'sync.front_ns': {'dtype': 'int64', 'shape': (1,), 'names': None},
        'flags': {'dtype': 'bool', 'shape': (4,), 'names': None},
        'wide': {'dtype': 'float64', 'shape': (2,), 'names': ['a', 'b']},
        'pose': {'dtype': 'float32', 'shape': (4, 4), 'names': None},
        'touch': {'dtype': 'uint8', 'shape': (2, 3, 5), 'names': None},
        'note': {'dtype': 'string', 'shape': (1,), 'names': None},
    }
    film = tools.Film(DatasetInfo(30, kinds))
    with DatasetWriter.create(tmp_path / 'kinds', film.info) as writer:
        film.episode(writer, 31)
        film.episode(writer, 9)
    reader = DatasetReader(tmp_path / 'kinds')
    for view, frames in zip(reader.episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert validate_dataset(tmp_path / 'kinds', decode=True) == []
    assert reader.info['video_path'] is None


def test_images_come_back_without_loss(tmp_path, tools):
    film = tools.Film(DatasetInfo(10, tools.features(dtype='image')))
    with DatasetWriter.create(tmp_path / 'images', film.info) as writer:
        film.episode(writer, 6)
        film.episode(writer, 4)
    for view, frames in zip(
        DatasetReader(tmp_path / 'images').episodes(), film.saved, strict=True
    ):
        for found, frame in zip(view.frames(tools.CAMERA), frames, strict=True):
            np.testing.assert_array_equal(found, frame['pictures'][tools.CAMERA])
    assert validate_dataset(tmp_path / 'images', decode=True) == []


def test_what_is_known_of_an_episode_is_kept_beside_it(tmp_path, info, film):
    root = tmp_path / 'd'
    stamps = pa.table({'stamp_ns': pa.array([1, 2, 3], pa.int64())})
    record = EpisodeRecord('abc', 'success', {'repeated': 2}, {'operator': 'jo'}, {'sync': stamps})
    with DatasetWriter.create(root, info) as writer:
        saved = film.episode(writer, 3, record=record)
        film.episode(writer, 3)
    assert saved.uuid == 'abc'
    kept = json.loads((root / 'meta/ros/episodes/abc.json').read_text())
    assert kept['outcome'] == 'success'
    assert kept['details']['operator'] == 'jo'
    assert kept['details']['video']['encoder'] == 'h264 preset ultrafast crf 21'
    assert kept['episode_index_when_saved'] == 0
    assert pq.read_table(root / 'meta/ros/episodes/abc.sync.parquet').equals(stamps)
    extra = DatasetReader(root).episode(0).extra
    assert extra['ros/uuid'] == 'abc'
    assert extra['ros/outcome'] == 'success'
    assert json.loads(extra['ros/defects']) == {'repeated': 2}
    assert DatasetReader(root).episode(1).extra['ros/outcome'] is None
    with pytest.raises(DatasetError, match='file name'):
        EpisodeRecord('../x')


def test_discarding_leaves_no_trace(tmp_path, info, film, tools):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, info) as writer:
        film.episode(writer, 3)
        before = tools.tree(root)
        film.add(writer, 9)
        assert writer.num_frames == 9
        film.discard(writer)
        assert writer.num_frames == 0
        assert [f for f in tools.tree(root) if 'finished-' not in f] == before
        film.episode(writer, 4)
    for view, frames in zip(DatasetReader(root).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert not (root / '.recording').exists()


@pytest.mark.parametrize('frames', [0, 5])
def test_a_dataset_without_episodes_leaves_nothing_behind(tmp_path, info, film, frames):
    with DatasetWriter.create(tmp_path / 'a/b', info) as writer:
        film.add(writer, frames)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / 'empty').mkdir()
    with (
        pytest.raises(KeyboardInterrupt),
        DatasetWriter.create(tmp_path / 'empty', info) as writer,
    ):
        film.add(writer, frames)
        raise KeyboardInterrupt
    assert list((tmp_path / 'empty').iterdir()) == []


def test_an_exception_discards_the_running_episode_only(tmp_path, info, film, tools):
    root = tmp_path / 'd'
    with pytest.raises(ZeroDivisionError), DatasetWriter.create(root, info) as writer:
        film.episode(writer, 4)
        film.add(writer, 3)
        raise ZeroDivisionError
    assert DatasetReader(root).num_episodes == 1
    assert validate_dataset(root) == []
    assert not (root / '.recording').exists()


def test_nothing_is_overwritten(good, tmp_path, info):
    with pytest.raises(DatasetExistsError, match='resume'):
        DatasetWriter.create(good, info)
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetExistsError, match='file'):
        DatasetWriter.create(tmp_path / 'file', info)


def test_only_one_writer_at_a_time(good, info):
    with DatasetWriter.resume(good, info), pytest.raises(DatasetError, match='another process'):
        DatasetWriter.resume(good, info)
    with DatasetWriter.resume(good, info):
        pass


def test_an_empty_episode_cannot_be_saved(tmp_path, info):
    writer = DatasetWriter.create(tmp_path / 'd', info)
    with writer, pytest.raises(DatasetError, match='no frame'):
        writer.save_episode()


def misfits(tools):
    good = {'action': np.zeros(3, np.float32), 'observation.state': np.zeros(3, np.float32)}
    front = {tools.CAMERA: ArrayPicture(np.zeros((48, 64, 3), np.uint8))}
    small = {tools.CAMERA: ArrayPicture(np.zeros((24, 64, 3), np.uint8))}
    return [
        ({'action': good['action']}, front, 'x', 'lack.*observation.state'),
        ({**good, 'more': np.zeros(1)}, front, 'x', 'hold.*more'),
        (good, {}, 'x', 'pictures lack'),
        (good, small, 'x', '64x24, expected 64x48'),
        ({**good, 'action': np.zeros(3)}, front, 'x', 'action is float64'),
        ({**good, 'action': np.zeros((3, 1), np.float32)}, front, 'x', r'\(3, 1\)'),
        ({**good, 'action': [0, 0, 0]}, front, 'x', 'list'),
        ({**good, 'action': np.array([0, np.nan, 0], np.float32)}, front, 'x', r'nan at \[1\]'),
        (good, front, ' ', 'task'),
    ]


def test_a_row_that_does_not_fit_adds_nothing(tmp_path, info, film, tools):
    with DatasetWriter.create(tmp_path / 'd', info) as writer:
        film.add(writer, 2)
        for values, pictures, task, match in misfits(tools):
            with pytest.raises(DatasetError, match=match):
                writer.add_frame(values, pictures, task)
        assert writer.num_frames == 2
        film.save(writer)
    assert validate_dataset(tmp_path / 'd') == []


class Broken:
    height, width = 48, 64

    def rgb(self):
        raise ValueError('broken cable')


def test_a_failing_encoder_loses_its_episode_loudly_and_no_other(tmp_path, info, film, tools):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, info) as writer:
        film.episode(writer, 3)
        film.add(writer, 2)
        with pytest.raises(DatasetError, match=r'broken cable.*1 episodes before it are safe'):
            for _ in range(1000):
                writer.add_frame(film.frame(), {tools.CAMERA: Broken()}, 'x')
        with pytest.raises(DatasetError, match='discard_episode'):
            film.add(writer)
        with pytest.raises(DatasetError, match='discard_episode'):
            writer.save_episode()
        film.discard(writer)
        film.episode(writer, 4)
    assert DatasetReader(root).num_episodes == 2
    assert validate_dataset(root, decode=True) == []


def test_a_full_disk_loses_nothing(tmp_path, info, film, tools, monkeypatch):
    root = tmp_path / 'd'

    def full(table, path):
        raise OSError(28, 'No space left on device')

    with DatasetWriter.create(root, info) as writer:
        film.episode(writer, 3)
        film.add(writer, 5)
        monkeypatch.setattr(parquet_writer, 'write_table', full)
        with pytest.raises(DatasetError, match=r'No space left.*1 episodes before it are safe'):
            writer.save_episode()
        assert writer.num_episodes == 1
        monkeypatch.undo()
    assert (root / '.recording/episode-000001').exists()
    with DatasetWriter.resume(root, info) as writer:
        assert 'saved an accepted episode of 5 frames' in writer.notices[0]
        film.saved.append(film.running)
        film.running = []
        film.episode(writer, 2)
    for view, frames in zip(DatasetReader(root).episodes(), film.saved, strict=True):
        tools.same_rows(view, frames)
    assert DatasetReader(root).episode(1).extra['ros/outcome'] is None
    assert validate_dataset(root, decode=True) == []


def test_a_failed_save_can_be_discarded(tmp_path, info, film, tools, monkeypatch):
    root = tmp_path / 'd'
    with DatasetWriter.create(root, info) as writer:
        film.add(writer, 5)
        monkeypatch.setattr(state.commit, 'commit', lambda *args: 1 / 0)
        with pytest.raises(DatasetError, match='division'):
            writer.save_episode()
        monkeypatch.undo()
        film.discard(writer)
        film.episode(writer, 4, 'Another')
    assert DatasetReader(root).tasks == ['Another']
    tools.same_rows(DatasetReader(root).episode(0), film.saved[0])
    assert validate_dataset(root) == []


@pytest.mark.parametrize(
    ('changes', 'match'),
    [
        ({'fps': 20}, 'fps is 10, this session has 20'),
        ({'robot_type': 'koch_follower'}, "robot_type is 'so_follower'"),
        ({'features': {'action': {'dtype': 'float32', 'shape': [3], 'names': None}}}, 'action'),
    ],
)
def test_resuming_refuses_what_differs(good, info, tools, changes, match):
    before = tools.tree(good)
    wanted = {'fps': info.fps, 'features': info.features, 'robot_type': info.robot_type, **changes}
    with pytest.raises(DatasetFormatError, match=match):
        DatasetWriter.resume(good, DatasetInfo(**wanted))
    assert tools.tree(good) == before


def test_resuming_refuses_a_gap(good, info):
    (good / 'meta/episodes/chunk-000/file-001.parquet').unlink()
    with pytest.raises(DatasetFormatError, match=r'row 1 .* is episode 2, expected 1'):
        DatasetWriter.resume(good, info)


def test_a_closed_writer_refuses(tmp_path, info, film):
    writer = DatasetWriter.create(tmp_path / 'd', info)
    writer.finalize()
    writer.finalize()
    with pytest.raises(DatasetError, match='closed'):
        film.add(writer)
