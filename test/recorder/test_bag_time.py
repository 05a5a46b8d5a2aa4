"""Bags whose headers do not run on log time, and bags of streams that lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_messages import (
    MS,
    T0,
    S,
    image,
    joint_state,
    make,
    raw,
    write_bag,
)

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.conversion.config import By, EpisodesConfig
from lerobot_recorder.convert import Converted, ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import CLOCK_TYPE, RawMessage

FEATURES = {
    'observation.state': {'topic': '/states'},
    'action': {'topic': '/commands'},
    'observation.images.front': {'topic': '/front'},
}
PIXELS = np.zeros((16, 16, 3), np.uint8)
SECONDS = 4


def scene(begin: int, hertz: float = 30.0, seconds: float = SECONDS):
    """Yield (time sent, topic, message): joints, commands without a stamp, a late camera."""
    for k in range(round(100 * seconds)):
        stamp = begin + k * S // 100
        yield stamp + MS, '/states', joint_state(stamp, 'ab', [k / 100, 0])
    for k in range(round(50 * seconds)):
        stamp = begin + k * S // 50
        values = make('std_msgs/msg/MultiArrayLayout', [], 0), np.array([k / 50, 1.0])
        yield stamp, '/commands', make('std_msgs/msg/Float64MultiArray', *values)
    for k in range(round(hertz * seconds)):
        stamp = begin + round(k * S / hertz)
        yield stamp + 30 * MS, '/front', image(stamp, PIXELS)


def clock(sim: int):
    return '/clock', make(CLOCK_TYPE, make('builtin_interfaces/msg/Time', sim // S, sim % S))


def convert(tmp_path: Path, messages: list[RawMessage], **job) -> Converted:
    bag = write_bag(tmp_path / 'bag', sorted(messages, key=lambda one: one.received_ns))
    mapping = build_mapping({'fps': 30, 'features': FEATURES}, 'mapping')
    return convert_bag(ConvertJob(bag, tmp_path / 'set', mapping, 'look', **job))


def check_rows(root: Path, begin: int, rows: int, tolerance_s: float = 2e-3) -> None:
    """Whatever the log says, rows are those of header time."""
    view = DatasetReader(root).episode(0)
    assert view.length == rows
    (path,) = (root / 'meta/ros/episodes').glob('*.frames.parquet')
    at = (pq.read_table(path)['target_ns'].to_numpy() - begin) / S
    assert np.abs(view.rows['observation.state'][:, 0] - at).max() < 1e-5
    assert np.abs(view.rows['action'][:, 0] - at).max() < 0.02 + tolerance_s


@pytest.mark.parametrize('pace', [0.4, 1.0, 2.5])
def test_a_bag_of_a_simulation_runs_on_its_clock(tmp_path, pace):
    begin = 50 * S

    def logged(sim):
        return T0 + round((sim - begin) / pace)

    messages = [raw(topic, one, logged(sent)) for sent, topic, one in scene(begin)]
    steps = range(begin - 10 * MS, begin + SECONDS * S + 100 * MS, 5 * MS)
    messages += [raw(*clock(sim), logged(sim)) for sim in steps]
    result = convert(tmp_path, messages)
    assert (result.episodes[0].outcome, result.defects) == (None, {})
    assert set(result.episodes[0].streams['observation.state']['clock']) == {'header'}
    check_rows(tmp_path / 'set', begin, SECONDS * 30)


def test_a_pause_of_the_simulation_is_no_loss(tmp_path):
    begin = 50 * S

    def logged(sim):
        return T0 + sim - begin + (5 * S if sim > begin + 2 * S else 0)

    messages = [raw(topic, one, logged(sent)) for sent, topic, one in scene(begin)]
    steps = range(begin - 10 * MS, begin + SECONDS * S + 100 * MS, 5 * MS)
    messages += [raw(*clock(sim), logged(sim)) for sim in steps]
    result = convert(tmp_path, messages)
    assert (result.episodes[0].outcome, result.defects) == (None, {})
    check_rows(tmp_path / 'set', begin, SECONDS * 30)


def test_a_simulation_that_begins_anew_ends_the_episode_and_says_so(tmp_path):
    messages = []
    for begin, log in ((50 * S, T0), (10 * S, T0 + SECONDS * S)):
        off = log - begin
        messages += [raw(topic, one, sent + off) for sent, topic, one in scene(begin)]
        steps = range(begin - 5 * MS, begin + SECONDS * S, 5 * MS)
        messages += [raw(*clock(sim), sim + off) for sim in steps]
    result = convert(tmp_path, messages)
    (episode,) = result.episodes
    assert episode.outcome == 'incomplete' and result.frames == pytest.approx(120, abs=2)
    assert episode.ended == 'the simulated clock went back'
    assert result.look.notices == ('the simulated clock went back: what comes after is left out',)


def test_a_simulation_without_its_clock_runs_on_headers(tmp_path):
    begin = 50 * S
    messages = [raw(topic, one, sent - begin + T0) for sent, topic, one in scene(begin)]
    result = convert(tmp_path, messages)
    assert (result.episodes[0].outcome, result.defects) == (None, {})
    check_rows(tmp_path / 'set', begin, SECONDS * 30)


def test_a_bag_written_in_one_go_runs_on_headers(tmp_path):
    """Log time tells nothing then: everything was logged within a few milliseconds."""
    ordered = sorted(scene(T0), key=lambda one: one[0])
    messages = [
        raw(topic, one, T0 + 99 * S + k * 1000) for k, (_, topic, one) in enumerate(ordered)
    ]
    result = convert(tmp_path, messages)
    assert (result.episodes[0].outcome, result.defects) == (None, {})
    check_rows(tmp_path / 'set', T0, SECONDS * 30, tolerance_s=0.04)


def test_lying_stamps_in_a_bag_are_left_out_and_counted(tmp_path):
    messages = []
    for number, (sent, topic, one) in enumerate(scene(T0)):
        if topic != '/commands' and number % 97 == 60:
            one.header.stamp.sec += 3
        messages.append(raw(topic, one, sent))
    result = convert(tmp_path, messages)
    lies = sum(
        result.episodes[0].streams[name]['lying_stamps'] for name in result.episodes[0].streams
    )
    assert lies >= 5
    assert result.defects == {'doubtful_stamps': lies} and result.episodes[0].outcome is None
    check_rows(tmp_path / 'set', T0, SECONDS * 30)


def test_the_dataset_does_not_say_30_of_a_bag_at_27(tmp_path):
    messages = [raw(topic, one, sent) for sent, topic, one in scene(T0, hertz=27)]
    with pytest.raises(StreamError, match=r'--dataset.fps=27'):
        convert(tmp_path, messages)
    assert not (tmp_path / 'set').exists()


def test_a_low_rate_may_be_allowed(tmp_path):
    messages = [raw(topic, one, sent) for sent, topic, one in scene(T0, hertz=27)]
    result = convert(tmp_path, messages, allow_low_rate=True)
    assert result.notices[0].startswith('/front: 27.0 pictures/s, the dataset says 30')
    assert result.episodes[0].streams['observation.images.front']['rate_hz'] == pytest.approx(
        27, abs=0.1
    )


@pytest.mark.parametrize('kind', ['log', 'clock', 'shifted', 'headers'])
def test_cuts_fall_on_the_clock_of_the_headers(tmp_path, kind):
    """Markers have no header: what the log says of them is put on the headers' clock too."""
    begin = T0 if kind == 'log' else 50 * S
    said = [(begin + round(at * S), '/m', make('std_msgs/msg/String', word)) for at, word in
            ((0.5, 'start'), (1.5, 'stop'), (2.0, 'start'), (3.0, 'stop'))]  # fmt: skip
    sent = sorted([*scene(begin), *said], key=lambda one: one[0])
    log = {
        'log': lambda k, at: at,
        'clock': lambda k, at: T0 + (at - begin) * 5 // 2,
        'shifted': lambda k, at: at - begin + T0,
        'headers': lambda k, at: T0 + 1000 * k,
    }[kind]
    messages = [raw(topic, one, log(k, at)) for k, (at, topic, one) in enumerate(sent)]
    if kind == 'clock':
        steps = range(begin - 5 * MS, begin + SECONDS * S, 5 * MS)
        messages += [raw(*clock(sim), log(0, sim)) for sim in steps]
    config = EpisodesConfig(by=By.MARKER, topic='/m')
    result = convert(tmp_path, messages, episodes=config)
    starts = [(episode.start_ns - begin) / S for episode in result.episodes]
    near = 0.04 if kind == 'headers' else 0.034
    assert starts == pytest.approx([0.5, 2.0], abs=near)
    assert [episode.frames for episode in result.episodes] == pytest.approx([30, 30], abs=2)
    assert [episode.outcome for episode in result.episodes] == [None, None]
    told = {'log': 'one clock', 'clock': '/clock', 'shifted': 'behind the log', 'headers': 'pace'}
    assert told[kind] in result.look.clock


def test_without_any_header_the_clock_is_that_of_the_log(tmp_path):
    values = make('std_msgs/msg/MultiArrayLayout', [], 0), np.array([1.0, 2.0])
    said = make('std_msgs/msg/Float64MultiArray', *values)
    messages = [raw('/states', said, T0 + k * 10 * MS) for k in range(100)]
    bag = write_bag(tmp_path / 'bag', messages)
    mapping = build_mapping({'features': {'observation.state': {'topic': '/states'}}}, 'm')
    result = convert_bag(ConvertJob(bag, tmp_path / 'set', mapping, 'x'))
    assert result.look.clock == 'that of the log; no header tells another'
