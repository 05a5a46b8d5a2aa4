"""``--bag`` as a switch and as a section, for record and for convert."""

from __future__ import annotations

from pathlib import Path

import pytest

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_recorder.bag_config import BagConfig, Compression, Storage, bag_config
from lerobot_recorder.commands import convert, record
from lerobot_recorder.session_file import record_config

DATASET = {'repo_id': 'me/set', 'single_task': 'fold'}
SQLITE = BagConfig(storage=Storage.SQLITE3)


@pytest.fixture
def in_file(tmp_path):
    def written(text):
        path = tmp_path / 'session.yaml'
        path.write_text(text)
        return f'--config_path={path}'

    return written


@pytest.mark.parametrize(
    ('flags', 'expected'),
    [
        ([], None),
        (['--bag=false'], None),
        (['--bag'], BagConfig()),
        (['--bag=true'], BagConfig()),
        (['--bag.storage=sqlite3'], SQLITE),
        (['--bag=true', '--bag.storage=sqlite3'], SQLITE),
        (['--bag.storage=sqlite3', '--bag=true'], SQLITE),
        (['--bag.topics=[/a, /b]'], BagConfig(topics=['/a', '/b'])),
        (['--bag.topics=all', '--bag.compression=zstd'],
         BagConfig(topics='all', compression=Compression.ZSTD)),
    ],
)  # fmt: skip
def test_flags(flags, expected):
    assert bag_config(read_sections(flags, ['bag'])) == expected


@pytest.mark.parametrize(
    ('text', 'flags', 'expected'),
    [
        ('bag: true', [], BagConfig()),
        ('bag: {storage: sqlite3}', [], SQLITE),
        ('bag: {storage: sqlite3}', ['--bag=true'], SQLITE),
        ('bag: {storage: sqlite3}', ['--bag=false'], None),
        ('bag: true', ['--bag.storage=sqlite3'], SQLITE),
        ('bag: false', ['--bag=true'], BagConfig()),
        ('bag: /data/what_convert_reads', [], None),
    ],
)
def test_a_file_and_flags_over_it(in_file, text, flags, expected):
    assert bag_config(read_sections([in_file(text), *flags], ['bag'])) == expected


@pytest.mark.parametrize(
    ('section', 'told'),
    [
        ({'bag': 3}, 'bag is true, false or a section'),
        ({'bag': {'storge': 'mcap'}}, 'bag.storge is not a known key'),
        ({'bag': {'storage': 'db3'}}, "bag.storage: Input should be 'mcap' or 'sqlite3'"),
        ({'bag': {'topics': ['map']}}, 'topics must be absolute, such as /map'),
        ({'bag': {'topics': 'some'}}, "topics is a list of topics or all, found 'some'"),
        ({'bag': {'queue_mb': 0}}, 'queue_mb must be at least 1'),
    ],
)
def test_what_cannot_be_obeyed(section, told):
    with pytest.raises(ConfigError, match=told):
        bag_config(section)


def test_a_path_is_not_a_switch():
    with pytest.raises(UsageError, match=r"--bag is true or false, found '/data/bags'; name a"):
        record.run(['--bag=/data/bags', '--dataset.repo_id=me/set', '--dataset.single_task=x'])


@pytest.mark.parametrize('text', ['bag: true', 'bag: {storage: sqlite3}'])
def test_convert_asks_for_its_own_bag(in_file, text):
    with pytest.raises(UsageError, match='name the bag'):
        convert.run([in_file(text), '--dataset.repo_id=me/set'])


def test_bags_lie_beside_the_dataset_or_where_they_are_told_to():
    assert BagConfig().folder(Path('/data/set')) == Path('/data/set_bags')
    assert BagConfig(root=Path('/big')).folder(Path('/data/set')) == Path('/big')


def test_a_session_with_a_bag_guards_the_disk_of_both(tmp_path):
    sections = {'dataset': {**DATASET, 'root': str(tmp_path / 'set')}, 'bag': True}
    config = record_config({**sections, 'recorder': {'memory_limit_mb': 0}}, 'file')
    (check,) = config.guard()._checks
    assert check._folders == (tmp_path / 'set', tmp_path / 'set_bags')
    assert config.guard().look() is None
    off = {'memory_limit_mb': 0, 'min_free_disk_mb': 0}
    assert record_config({**sections, 'recorder': off}, 'file').guard()._checks == ()
    with pytest.raises(ConfigError, match='min_free_disk_mb must not be negative'):
        record_config({**sections, 'recorder': {'min_free_disk_mb': -1}}, 'file')
