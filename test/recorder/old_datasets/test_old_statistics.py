"""What v2.1 kept of pictures stays where the pictures agree with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from old_scene import CAMERA, LENGTHS, OldScene, decoded, picture, write_lines

from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.old_datasets import convert, old_statistics
from lerobot_recorder.old_datasets.pictures import positions, sample


@pytest.fixture(params=['video', 'image'])
def scene(tmp_path, request):
    scene = OldScene(tmp_path / 'old', dtype=request.param)
    scene.write()
    return scene


def kept(number, **changed):
    """Statistics as v2.1 keeps them, of the pictures before they were encoded."""
    pixels = np.stack([picture(number, f) for f in range(LENGTHS[number])]) / 255
    found = {name: getattr(pixels, name)((0, 1, 2)) for name in ('min', 'max', 'mean', 'std')}
    lists = {name: row.reshape(3, 1, 1).tolist() for name, row in found.items()}
    return {CAMERA: {**lists, 'count': [777], **changed}}


def write(scene, *stats):
    lines = [{'episode_index': n, 'stats': one} for n, one in enumerate(stats)]
    write_lines(scene.root / old_statistics.FILE, lines)


def converted(scene):
    root = scene.root.with_name('new')
    told = convert.convert_old(convert.OldJob(scene.root, root)).notices
    reader = DatasetReader(root)
    return told, [row.statistics[CAMERA] for row in reader.rows_of_episodes()], root


def test_they_stay(scene):
    write(scene, *map(kept, range(3)))
    told, found, root = converted(scene)
    assert told == ()
    for number, one in enumerate(found):
        expected = kept(number)[CAMERA]
        assert one.count == 777
        for name, row in (('min', one.minimum), ('mean', one.mean), ('std', one.std)):
            np.testing.assert_array_equal(row, np.ravel(expected[name]))
        assert (np.diff(one.quantiles, axis=0) >= 0).all()
        assert (one.quantiles >= one.minimum).all() and (one.quantiles <= one.maximum).all()
        assert one.quantiles[4].max() > one.mean.max()
    assert json.loads((root / layout.STATS).read_text())[CAMERA]['count'] == [3 * 777]


def test_they_are_computed_anew_where_the_pictures_are_others(scene):
    write(scene, kept(0), kept(1, mean=[[[0.2]], [[0.3]], [[0.4]]]), kept(2))
    told, found, _ = converted(scene)
    assert told == (
        f'{CAMERA}: its statistics in episodes_stats.jsonl are not those of its pictures: '
        'computed anew (episode 1)',
    )
    assert [one.count for one in found] == [777, LENGTHS[1], 777]
    np.testing.assert_allclose(found[1].mean, np.ravel(kept(1)[CAMERA]['mean']), atol=0.03)


@pytest.mark.parametrize(
    'changed', [{'mean': [0.1]}, {'count': [0]}, {'max': [[[2.0]]] * 3}, {'std': None}]
)
def test_what_makes_no_sense_is_passed_over(scene, changed):
    write(scene, *(kept(number, **changed) for number in range(3)))
    told, found, _ = converted(scene)
    assert told == ()
    assert [one.count for one in found] == list(LENGTHS)


def test_a_file_that_is_broken_is_told(scene):
    write(scene, *map(kept, range(3)))
    with (scene.root / old_statistics.FILE).open('a') as file:
        file.write('{"episode_')
    told, found, _ = converted(scene)
    assert told[0].startswith('meta/episodes_stats.jsonl cannot be read (')
    assert [one.count for one in found] == list(LENGTHS)


def test_positions_are_evenly_spaced_and_as_many_as_lerobot_takes():
    assert positions(60) == list(range(60))
    assert len(positions(400)) == 100 and len(positions(10_000)) == 1000
    assert positions(400)[0] == 0 and positions(400)[-1] == 399
    assert set(np.diff(positions(1000, 24))) <= {43, 44}


@pytest.mark.parametrize('gop', [1, 2, 50])
def test_pictures_are_those_asked_for_or_next_to_them(tmp_path, gop):
    options = {'g': str(gop), 'x264-params': 'scenecut=0'}
    scene = OldScene(tmp_path / 'old', lengths=(40,), options=options)
    scene.write()
    wanted = positions(40, 10)
    histogram = sample(scene.video(0), wanted)
    near = decoded(scene.video(0))
    if gop == 2:
        wanted = [at - at % 2 for at in wanted]
    expected = np.stack([near[at] for at in wanted]) / 255
    assert histogram.pictures == 10
    np.testing.assert_allclose(histogram.summary().mean, expected.mean((0, 1, 2)))
