from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bulk.find import find_bags, is_bag


@pytest.fixture
def lab(tmp_path):
    for name in ('day2/run_10', 'day2/run_9', 'day1/take'):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / 'metadata.yaml').touch()
        (folder / f'{folder.name}_0.mcap').touch()
    (tmp_path / 'day1/notes.txt').touch()
    (tmp_path / 'day1/one.bag').touch()
    (tmp_path / 'day1/packed.db3.zstd').touch()
    (tmp_path / '.hidden').mkdir()
    (tmp_path / '.hidden/x.mcap').touch()
    return tmp_path


def names(found, lab):
    return [str(bag.relative_to(lab)) for bag in found]


def test_folders_are_searched_and_names_sorted_as_people_do(lab):
    assert names(find_bags([str(lab)]), lab) == [
        'day1/one.bag', 'day1/packed.db3.zstd', 'day1/take', 'day2/run_9', 'day2/run_10',
    ]  # fmt: skip


def test_words_keep_their_order_and_no_bag_comes_twice(lab):
    words = [str(lab / 'day2/run_10'), str(lab / 'day2'), str(lab / 'day2/run_9')]
    assert names(find_bags(words), lab) == ['day2/run_10', 'day2/run_9']


def test_a_pattern(lab):
    assert names(find_bags([f'{lab}/day*/run_*']), lab) == ['day2/run_9', 'day2/run_10']


def test_a_list_names_bags_beside_itself(lab):
    (lab / 'bags.txt').write_text('# the good ones\nday2/run_10\n\nday1\n')
    found = find_bags([f'@{lab}/bags.txt'])
    assert names(found, lab)[0] == 'day2/run_10'
    assert len(found) == 4


def test_a_link_into_itself_is_followed_once(lab):
    (lab / 'day2/again').symlink_to(lab)
    assert len(find_bags([str(lab)])) == 5


def test_parts_of_one_bag_are_one_and_others_are_one_each(lab):
    split, several = lab / 'split', lab / 'several'
    for folder, files in ((split, ('a_0.mcap', 'a_1.mcap')), (several, ('a.mcap', 'b.mcap'))):
        folder.mkdir()
        for name in files:
            (folder / name).touch()
    assert is_bag(split)
    assert not is_bag(several)
    assert names(find_bags([str(split), str(several)]), lab) == [
        'split', 'several/a.mcap', 'several/b.mcap',
    ]  # fmt: skip


def test_a_lone_file_beside_folders_does_not_hide_them(lab):
    (lab / 'day2/loose.mcap').touch()
    assert names(find_bags([str(lab / 'day2')]), lab) == [
        'day2/loose.mcap', 'day2/run_9', 'day2/run_10',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('word', 'told'),
    [
        ('nowhere', 'does not exist'),
        ('.hidden/none*', 'no bag in'),
        ('@nolist', 'list of bags'),
        ('day1/notes.txt', 'no bag in'),
    ],
)
def test_what_names_no_bag_is_told(lab, word, told):
    word = f'@{lab}/{word[1:]}' if word.startswith('@') else f'{lab}/{word}'
    with pytest.raises(BagError, match=told):
        find_bags([word])
