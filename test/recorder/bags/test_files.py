"""Which files a bag consists of, and what is said of a folder that is none."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.files import bag_files, kind_of


def folder(tmp_path, *names, metadata=None):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b'-')
    if metadata is not None:
        (tmp_path / 'metadata.yaml').write_text(metadata)
    return tmp_path


def naming(*names):
    return f'rosbag2_bagfile_information: {{relative_file_paths: [{", ".join(names)}]}}'


def names_of(path, **options):
    found = bag_files(path, **options)
    return [file.name for file in found.paths], found.notices


def test_the_parts_are_those_that_metadata_names_in_its_order(tmp_path):
    folder(tmp_path, 'b_1.mcap', 'b_0.mcap', 'more.mcap', metadata=naming('b_1.mcap', 'b_0.mcap'))
    assert names_of(tmp_path) == (['b_1.mcap', 'b_0.mcap'], ())


def test_before_version_4_names_began_with_the_folder(tmp_path):
    folder(tmp_path, 'b_0.db3', metadata=naming('somewhere/else/b_0.db3'))
    assert names_of(tmp_path) == (['b_0.db3'], ())


def test_a_bag_without_messages_names_no_parts(tmp_path):
    assert names_of(folder(tmp_path, metadata=naming())) == ([], ())


def test_missing_parts_are_named_and_so_is_what_helps(tmp_path):
    parts = [f'b_{number}.mcap' for number in range(6)]
    folder(tmp_path, parts[5], metadata=naming(*parts))
    told = (
        r'5 of the 6 parts .* missing \(b_0.mcap, b_1.mcap, b_2.mcap, \.\.\.\); .*'
        r'--allow_missing_parts=true, or one part by its name: .*/b_5.mcap$'
    )
    with pytest.raises(BagError, match=told):
        bag_files(tmp_path)
    names, (notice,) = names_of(tmp_path, allow_missing=True)
    assert names == ['b_5.mcap'] and '5 of the 6 parts' in notice
    assert names_of(tmp_path / 'b_5.mcap') == (['b_5.mcap'], ())
    (tmp_path / 'b_5.mcap').unlink()
    with pytest.raises(BagError, match='6 of the 6 parts'):
        bag_files(tmp_path, allow_missing=True)


@pytest.mark.parametrize(
    'metadata',
    ['', '{', '- [', 'rosbag2_bagfile_information: 3', naming('[]'), 'a: &a [*a]', '\x00', None],
)
def test_without_usable_metadata_the_parts_come_by_their_numbers(tmp_path, metadata):
    folder(tmp_path, 'b_10.mcap', 'b_9.mcap', 'notes.txt', metadata=metadata)
    names, (notice,) = names_of(tmp_path)
    assert names == ['b_9.mcap', 'b_10.mcap'] and notice.startswith('metadata.yaml')
    assert '\n' not in notice


@pytest.mark.parametrize('others', [('b.mcap', 'c.mcap'), ('b.bag', 'c.bag'), ('b.db3', 'b.mcap')])
def test_a_folder_of_several_bags_is_not_one(tmp_path, others):
    with pytest.raises(BagError, match=f'no parts of one bag; name one of them: {others[0]}'):
        bag_files(folder(tmp_path, *sorted(others)))


def test_a_folder_of_anything_is_no_bag(tmp_path):
    with pytest.raises(BagError, match=r'holds no metadata.yaml and no \.mcap, \.db3 or \.bag$'):
        bag_files(folder(tmp_path, 'photo.png'))
    with pytest.raises(BagError, match='none does not exist'):
        bag_files(tmp_path / 'none')


@pytest.mark.parametrize(
    ('begins', 'told'),
    [
        (b'', 'is empty: nothing was written into it'),
        (b'\x89PNG\r\n', 'is no bag: it begins neither as mcap nor as sqlite3 nor as a ROS 1 bag'),
        (b'#ROSBAG V1.2\n', 'is a ROS 1 bag of version 1.2; bring it to 2.0: rosbag fix'),
    ],
)
def test_what_a_file_begins_with_says_what_it_is(tmp_path, begins, told):
    path = tmp_path / 'a.mcap'
    path.write_bytes(begins)
    with pytest.raises(BagError, match=told):
        kind_of(path)
