from __future__ import annotations

import bulk_scene
import pytest
from bulk_scene import DATASET, make_bag

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.bulk import joining
from lerobot_recorder.bulk.work import WorkPlace
from lerobot_recorder.commands import convert, convert_many
from lerobot_recorder.dataset import durable, folder_swap
from lerobot_recorder.dataset.dataset_reader import DatasetReader


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setattr(convert_many, 'Crew', bulk_scene.Here)
    for number in (1, 2):
        make_bag(tmp_path / f'lab/run_{number}', number)
    return tmp_path / 'lab'


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'sets/set'


def run(lab, root):
    return convert.run([str(lab), *DATASET, f'--dataset.root={root}', '--jobs=1'])


class Killed(BaseException):
    pass


def killed(*arguments):
    raise Killed


@pytest.mark.parametrize('where', ['merge_datasets', 'swap', 'remove_tree', 'tidy'])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_the_next_call_ends_it(
    lab, root, monkeypatch, where
):
    run(lab, root)
    make_bag(lab / 'run_3', 3)
    place = {
        'merge_datasets': joining,
        'swap': folder_swap,
        'remove_tree': durable,
        'tidy': WorkPlace,
    }[where]
    real = getattr(place, where)

    def patched(*arguments):
        if where == 'remove_tree' and not str(arguments[0]).endswith('.lerobot-compact'):
            return real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, where, patched)
        with pytest.raises(Killed):
            run(lab, root)
    assert DatasetReader(root).num_episodes in (2, 3)
    assert run(lab, root) == 0
    assert DatasetReader(root).num_episodes == 3
    assert run(lab, root) == 0
    assert [path.name for path in root.parent.iterdir()] == ['set']


def test_an_interrupted_recording_is_not_added_to(lab, root):
    run(lab, root)
    make_bag(lab / 'run_3', 3)
    (root / '.recording').mkdir()
    (root / '.recording/session.json').write_text('{}')
    with pytest.raises(DatasetError, match='interrupted recording'):
        run(lab, root)


def test_what_is_no_dataset_is_not_added_to(lab, root):
    root.mkdir(parents=True)
    (root / 'notes.txt').touch()
    with pytest.raises(DatasetFormatError, match='no LeRobot dataset'):
        run(lab, root)
