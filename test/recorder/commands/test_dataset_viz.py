"""``lerobot-ros dataset-viz``: which episode, and what is written where."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from lerobot_drivers.common.errors import ConfigError, DatasetError, UsageError
from lerobot_recorder.commands import dataset_viz
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.picture import ArrayPicture

CAMERA = 'observation.images.front'
FEATURES = {
    'action': {'dtype': 'float32', 'shape': [2], 'names': ['x.pos', 'y.pos']},
    CAMERA: {'dtype': 'video', 'shape': [32, 48, 3], 'names': ['height', 'width', 'channels']},
}
needs_rerun = pytest.mark.skipif(
    importlib.util.find_spec('rerun') is None, reason="needs the extra 'display' (rerun-sdk)"
)


def add(writer, count, value):
    for row in range(count):
        picture = ArrayPicture(np.full((32, 48, 3), 100 + row, np.uint8))
        writer.add_frame({'action': np.float32([value, row])}, {CAMERA: picture}, 'fold')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('viz') / 'set'
    with DatasetWriter.create(root, DatasetInfo(10, FEATURES)) as writer:
        for number in range(2):
            add(writer, 4, number)
            writer.save_episode()
    return root


@needs_rerun
@pytest.mark.parametrize(('index', 'expected'), [('0', 0), ('-1', 1)])
def test_an_episode_becomes_a_file(root, tmp_path, capsys, index, expected):
    flags = [f'--root={root}', '--repo-id=me/set', '--episode-index', index]
    more = ['--save', '1', '--output-dir', str(tmp_path / 'new'), '--display-compressed-images']
    assert dataset_viz.run([*flags, *more]) == 0
    path = tmp_path / 'new' / f'me_set_episode_{expected}.rrd'
    assert capsys.readouterr().out.strip().endswith(f'4 frames, 0.4 s, in {path}')
    from rerun.experimental import RrdReader

    values = [
        value
        for chunk in RrdReader(path).stream()
        if chunk.entity_path == '/action'
        and 'Scalars:scalars' in chunk.to_record_batch().schema.names
        for value in chunk.to_record_batch()['Scalars:scalars'].to_pylist()
    ]
    assert values == [[expected, row] for row in range(4)]


def test_the_newest_may_still_be_on_its_way(tmp_path):
    with DatasetWriter.create(tmp_path / 'set', DatasetInfo(10, FEATURES)) as writer:
        add(writer, 4, 0)
        writer.save_episode()
        add(writer, 30, 1)
        dataset, episode = dataset_viz.find_episode(tmp_path / 'set', -1)
        assert episode.index == 1 and isinstance(dataset, dataset_viz.RunningDataset)
        assert dataset_viz.find_episode(tmp_path / 'set', 0)[1].index == 0
        with pytest.raises(DatasetError, match='has episodes 0 to 0, not 1'):
            dataset_viz.find_episode(tmp_path / 'set', 1)
        writer.save_episode()


@pytest.mark.parametrize(
    ('arguments', 'error', 'told'),
    [
        (['--episode-index=-2'], UsageError, 'whole number, or -1, found -2'),
        (['--episode-index=one'], UsageError, "found 'one'"),
        (['--save=1'], UsageError, '--save=1 needs --output-dir'),
        (['--mode=remote'], ConfigError, 'dataset-viz.mode'),
        (['--display-mode=foxglove'], ConfigError, 'dataset-viz.display_mode'),
        (['--host=0.0.0.0'], UsageError, '--host is not taken here: it belongs to Foxglove'),
        (
            ['--batch-size=32'],
            UsageError,
            'no data loaders',
        ),
        (['--num-workers=4'], UsageError, 'no data loaders'),
        (['--tolerance-s=1e-4'], UsageError, 'validate checks that'),
        ([], ConfigError, 'needs a screen, and neither DISPLAY nor WAYLAND_DISPLAY'),
    ],
)
def test_what_cannot_be_obeyed(root, monkeypatch, arguments, error, told):
    monkeypatch.setattr(dataset_viz, 'require_rerun', lambda what: None)
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(error, match=told):
        dataset_viz.run([str(root), *arguments])


@pytest.mark.parametrize('mode', ['local', 'distant'])
def test_the_viewer_gets_a_file_and_is_not_left_behind(root, monkeypatch, mode):
    started = []

    class Viewer:
        def wait(self):
            return 0

        def terminate(self):
            started.append('terminated')

    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(dataset_viz, 'require_rerun', lambda what: None)
    monkeypatch.setattr(dataset_viz, 'write', lambda *args: args[3].write_text('rrd'))
    monkeypatch.setattr(dataset_viz, 'start_viewer', lambda args: started.extend(args) or Viewer())
    assert dataset_viz.run([str(root), f'--mode={mode}', '--web-port=9091']) == 0
    assert started[0].endswith('set_episode_1.rrd') and started[-1] == 'terminated'
    assert ('--serve-web' in started) == (mode == 'distant')
