"""Several episodes out of one bag, in one pass."""

from __future__ import annotations

import itertools
import json

import pytest
from long_bag import at, bag_of, convert, flag, mapping, pictures, states, streams, text
from synthetic_messages import S

from lerobot_drivers.common.errors import BagError, ConfigError
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'set'


def records(root):
    found = [json.loads(path.read_text()) for path in (root / 'meta/ros/episodes').glob('*.json')]
    return sorted(found, key=lambda record: record['episode_index_when_saved'])


def marked(tmp_path, *marks, seconds=8.0, topic='/episode'):
    said = [text(topic, at_s, word) for at_s, word in marks]
    return bag_of(tmp_path / 'bag', streams(seconds), said)


def test_a_text_marker_cuts_a_bag_into_rows_that_are_exactly_there(tmp_path, root):
    bag = marked(tmp_path, (1.05, 'start'), (2.55, 'success'), (4.0, 'start'), (5.0, 'failure'))
    converted = convert(bag, root, episodes={'by': 'marker', 'topic': '/episode'})
    assert [episode.frames for episode in converted.episodes] == [15, 11]
    assert [episode.outcome for episode in converted.episodes] == ['success', 'failure']
    assert states(root) == [
        [round(1.1 + k / 10, 4) for k in range(15)],
        [round(4.0 + k / 10, 4) for k in range(11)],
    ]
    assert pictures(root) == [list(range(11, 26)), list(range(40, 51))]
    assert not validate_dataset(root, decode=True)
    assert [record['outcome'] for record in records(root)] == ['success', 'failure']


def test_episodes_that_touch_share_no_picture_and_no_row(tmp_path, root):
    bag = marked(tmp_path, (1.0, 'start'), (2.0, 'start'), (3.0, 'start'), (4.02, 'stop'))
    convert(bag, root, episodes={'by': 'marker'})
    shown = pictures(root)
    assert [len(some) for some in shown] == [11, 10, 10]
    assert sorted(itertools.chain(*shown)) == list(range(10, 41))
    assert list(itertools.chain(*states(root))) == pytest.approx([k / 10 for k in range(10, 41)])


def test_what_is_discarded_short_or_empty_is_left_out_and_told(tmp_path, root):
    marks = [
        (0.5, 'start'), (1.5, 'discard'), (2.0, 'start'), (2.2, 'stop'),
        (3.0, 'start'), (4.0, 'stop'), (5.0, 'start'), (6.0, 'stop'), (6.5, 'discard'),
        (7, 'dance'),
    ]  # fmt: skip
    bag = marked(tmp_path, *marks)
    converted = convert(bag, root, episodes={'by': 'marker', 'min_length_s': 0.5})
    assert pictures(root) == [list(range(30, 41))]
    assert [
        (round((one.span.start_ns - at(0)) / S, 2), one.reason) for one in converted.skipped
    ] == [
        (0.5, 'a marker says discard'),
        (5.0, 'a marker says discard'),
        (2.0, '0.20 s, shorter than --episodes.min_length_s=0.5'),
    ]
    assert "'dance' (1)" in converted.look.notices[0]


def test_an_episode_that_nobody_ended_ends_with_the_bag_and_that_is_told(tmp_path, root):
    bag = marked(tmp_path, (6.0, 'start: fold the towel'))
    converted = convert(bag, root, episodes={'by': 'marker'})
    assert pictures(root) == [list(range(60, 80))]
    assert converted.notices == ('the bag ends before the episode begun by /episode',)
    assert converted.episodes[0].task == 'fold the towel' and DatasetReader(root).tasks == [
        'fold the towel'
    ]


def test_a_flag_cuts_as_it_rises_and_falls(tmp_path, root):
    said = [(0.4, False), (1.0, True), (1.5, True), (2.0, False), (3.0, True), (3.5, False)]
    bag = bag_of(tmp_path / 'bag', streams(5), (flag('/on', *one) for one in said))
    convert(bag, root, episodes={'by': 'marker', 'topic': '/on'})
    assert pictures(root) == [list(range(10, 21)), list(range(30, 36))]


def test_a_task_topic_names_what_it_begins(tmp_path, root):
    said = [(0.5, 'pick'), (1.5, 'pick'), (2.5, 'place'), (3.5, ''), (4.0, 'pick'), (4.5, '')]
    bag = bag_of(tmp_path / 'bag', streams(6), (text('/lab/task', *one) for one in said))
    converted = convert(bag, root, episodes={'by': 'task'})
    assert [episode.task for episode in converted.episodes] == ['pick', 'place', 'pick']
    assert [len(shown) for shown in pictures(root)] == [21, 10, 6]
    assert DatasetReader(root).tasks == ['pick', 'place']


def test_silence_cuts_and_what_lost_one_sensor_goes_on_after_it(tmp_path, root):
    messages = list(streams(10, silent=[(2.0, 4.0)]))
    blind = [
        one
        for one in messages
        if one.topic != '/front' or not 6.0 <= (one.received_ns - at(0)) / S < 8
    ]
    converted = convert(bag_of(tmp_path / 'bag', blind), root, episodes={'by': 'gaps'})
    shown = pictures(root)
    assert shown[0] == list(range(20)) and shown[2] == list(range(80, 100))
    assert shown[1][:20] == list(range(40, 60)) and set(shown[1][20:]) == {59}
    assert [episode.outcome for episode in converted.episodes] == [None, 'incomplete', None]


def test_by_default_a_lost_sensor_ends_it_and_the_rest_is_told(tmp_path, root):
    blind = [
        one
        for one in streams(6)
        if one.topic != '/front' or not 2 < (one.received_ns - at(0)) / S < 4
    ]
    converted = convert(bag_of(tmp_path / 'bag', blind), root)
    (left,) = converted.skipped
    assert left.reason.startswith('observation.images.front fell silent; --episodes.by=gaps')
    assert converted.episodes[0].outcome == 'incomplete'


def test_the_silence_of_one_stream_cuts(tmp_path, root):
    messages = [
        one
        for one in streams(6)
        if one.topic != '/states' or not 2 < (one.received_ns - at(0)) / S < 2.8
    ]
    episodes = {'by': 'gaps', 'topic': '/states', 'gap_s': 0.5}
    convert(bag_of(tmp_path / 'bag', messages), root, episodes=episodes)
    assert pictures(root) == [list(range(20)), list(range(28, 60))]


def test_a_file_of_times_cuts(tmp_path, root):
    bag = bag_of(tmp_path / 'bag', streams(6))
    file = tmp_path / 'cuts.csv'
    file.write_text('start_s,end_s,task,outcome\n3,4.0,fold,failure\n0.95,2,,\n')
    converted = convert(bag, root, episodes={'file': file})
    assert pictures(root) == [list(range(10, 21)), list(range(30, 41))]
    assert [(e.task, e.outcome) for e in converted.episodes] == [
        ('tidy', None),
        ('fold', 'failure'),
    ]


def test_times_since_the_epoch_are_known_by_their_size(tmp_path, root):
    bag = bag_of(tmp_path / 'bag', streams(4))
    file = tmp_path / 'cuts.csv'
    file.write_text(f'{at(1) / S:.3f}, {at(2) / S:.3f}\n')
    convert(bag, root, episodes={'file': file})
    assert pictures(root) == [list(range(10, 21))]


def test_a_file_that_lies_outside_the_bag_is_told_line_by_line(tmp_path, root):
    bag = bag_of(tmp_path / 'bag', streams(4))
    file = tmp_path / 'cuts.csv'
    file.write_text('1,2\n10,12\n20,22\n')
    with pytest.raises(BagError, match=r'cuts.csv:2 lies outside .* cuts.csv:3 lies outside'):
        convert(bag, root, episodes={'file': file})
    assert not root.exists()


def test_nothing_that_begins_one_is_refused(tmp_path, root):
    bag = marked(tmp_path, (1.0, 'hello'))
    with pytest.raises(BagError, match=r"no marker begins an episode: no word .* 'hello' \(1\)"):
        convert(bag, root, episodes={'by': 'marker'})
    with pytest.raises(
        BagError, match=r'--episodes.topic: /front \(sensor_msgs/msg/Image\) cannot'
    ):
        convert(bag, root, episodes={'by': 'marker', 'topic': '/front'})
    assert not root.exists()


def test_all_episodes_empty_is_refused_with_the_reasons(tmp_path, root):
    bag = marked(tmp_path, (1.01, 'start'), (1.02, 'stop'), (2.01, 'start'), (2.02, 'stop'))
    with pytest.raises(BagError, match=r'gives no row: its streams have no common time$'):
        convert(bag, root, episodes={'by': 'marker'})
    assert not root.exists()


def test_without_any_task_it_is_refused(tmp_path, root):
    bag = bag_of(tmp_path / 'bag', streams(2))
    with pytest.raises(ConfigError, match=r'dataset\.single_task is missing'):
        convert_bag(ConvertJob(bag, root, mapping(), ''))
    assert not root.exists()


def test_what_was_in_force_before_an_episode_is_in_force_in_it(tmp_path, root):
    """A command of long ago still holds: what came before the cut is taken in, not counted."""
    sparse = [
        one
        for one in streams(6)
        if one.topic != '/commands' or (one.received_ns - at(0)) / S < 0.5
    ]
    marks = [text('/m', 3.0, 'start'), text('/m', 4.0, 'stop')]
    converted = convert(bag_of(tmp_path / 'bag', sparse, marks), root, episodes={'by': 'marker'})
    (episode,) = converted.episodes
    rows = DatasetReader(root).episode(0).rows
    assert episode.frames == 11 and rows['action'][:, 0] == pytest.approx(0.48)
    assert episode.streams['observation.state']['clock']['header'] == pytest.approx(50, abs=8)


def test_what_was_said_to_our_recorder_is_kept_as_it_would_have_been(tmp_path, root):
    said = [
        (0.2, 'task', 'stack'), (2.5, 'note', 'too dark'), (2.6, 'event', 'contact'),
        (3.5, 'outcome', 'success'), (3.7, 'task', 'sort'), (5.0, 'note', 'between'),
    ]  # fmt: skip
    texts = [text(f'/lab/recorder/{kind}', at_s, words) for at_s, kind, words in said]
    marks = [text('/m', 2.0, 'start'), text('/m', 6.0, 'start'), text('/m', 7.0, 'stop')]
    bag = bag_of(tmp_path / 'bag', streams(8), texts, marks)
    converted = convert(bag, root, episodes={'by': 'marker'})
    assert [(e.task, e.outcome) for e in converted.episodes] == [
        ('stack', 'success'),
        ('sort', None),
    ]
    first, second = (record['details'] for record in records(root))
    assert first['notes'] == ['too dark'] and 'notes' not in second
    (mark,) = first['marks']
    assert (mark['kind'], mark['text'], mark['frame_index']) == ('event', 'contact', 6)
