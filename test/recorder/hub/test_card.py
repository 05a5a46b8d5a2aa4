"""The dataset card."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml
from hub_scene import REPO, Uploader, remote

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.hub.card import FILMSTRIP, is_ours, make_card, tags_of
from lerobot_recorder.hub.job import Job
from lerobot_recorder.hub.worker import push_all

pytestmark = pytest.mark.filterwarnings('ignore:Use .content:DeprecationWarning')
MINE = b'---\nlicense: mit\n---\n# Mine\n'


def card(root, **job):
    return make_card(Job(root, REPO, **job), DatasetReader(root))


def test_the_header_is_what_the_hub_and_lerobot_look_for(root):
    _, header, _ = card(root, tags=('sim', 'LeRobot'))['README.md'].decode().split('---\n', 2)
    assert yaml.safe_load(header) == {
        'license': 'apache-2.0',
        'task_categories': ['robotics'],
        'tags': ['LeRobot', 'sim'],
        'configs': [{'config_name': 'default', 'data_files': 'data/*/*.parquet'}],
    }


@pytest.mark.parametrize(
    'line',
    [
        '| episodes | 3 |',
        '| outcomes | 3 success |',
        '| frames | 15 at 10 fps, 1.5 s |',
        '| robot | so_follower |',
        '| cameras | front: 48x32, h264 |',
        '| defects | 6 repeats |',
        '| Pick \\| the &lt;cube> | 3 |',
        '| `action` | float32 | 2 | x.pos, y.pos |',
        "dataset = LeRobotDataset('me/pick')",
        f'![pictures and joints of the first episodes]({FILMSTRIP})',
    ],
)
def test_it_tells_the_figures(root, line):
    assert line in card(root)['README.md'].decode().splitlines()


def test_the_picture_shows_something(root):
    picture = cv2.imdecode(np.frombuffer(card(root)[FILMSTRIP], np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[0] > 3 * 100
    assert picture.std() > 10


def test_the_same_dataset_has_the_same_card(root):
    assert card(root) == card(root)


def test_a_damaged_video_costs_the_picture_only(root):
    next((root / 'videos').rglob('*.mp4')).write_bytes(b'')
    made = card(root)
    assert set(made) == {'README.md'}
    assert FILMSTRIP not in made['README.md'].decode()


def push(uploader):
    push_all(uploader.job, uploader.repository, uploader.clock)


def test_a_card_of_ones_own_here_is_kept(hub, uploader, root):
    (root / 'README.md').write_bytes(MINE)
    push(uploader)
    assert remote(hub)['README.md'] == MINE == (root / 'README.md').read_bytes()


def test_a_card_of_ones_own_there_is_kept(hub, uploader, root):
    uploader.run(make_card=lambda remote: {'README.md': MINE})
    push(uploader)
    assert remote(hub)['README.md'] == MINE
    assert not (root / 'README.md').exists()
    assert FILMSTRIP in remote(hub)


def test_our_card_is_written_anew_with_the_tags_it_had(hub, root):
    push(Uploader(root, tags=('sim',)))
    old = remote(hub)['README.md']
    (root / 'README.md').write_bytes(old.replace(b'| episodes | 3 |', b'| episodes | 2 |'))
    push(Uploader(root))
    assert remote(hub)['README.md'] == old
    assert is_ours(old)
    assert tags_of(old) == ('LeRobot', 'sim')
    assert tags_of(b'no card') == tags_of(MINE) == ()


def test_a_dataset_that_cannot_be_written_to_does_without(
    hub, uploader, root, monkeypatch, capsys
):
    def refuse(path, content):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('lerobot_recorder.hub.worker.durable.write_bytes', refuse)
    push(uploader)
    assert 'the card was not kept in' in capsys.readouterr().out
    assert is_ours(remote(hub)['README.md'])
