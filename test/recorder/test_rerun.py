"""What rerun is given: an episode row by row, a live view of what would be recorded."""

from __future__ import annotations

import importlib.util
import itertools

import numpy as np
import pytest
from synthetic_messages import MS, T0, S, compressed, image, joint_state, raw

from lerobot_recorder.live_display import LiveDisplay, shown_mapping

JOINT_STATE, IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
PIXELS = np.full((8, 12, 3), 77, np.uint8)
FEATURES = {
    'observation.state': {'topic': '/states', 'joints': ['a', 'b'], 'names': ['x.pos', 'y.pos']},
    'observation.images.front': {'topic': '/front'},
}


class Log:
    """Stands in for a RerunLog."""

    def __init__(self):
        self.shown, self.stamp = [], None

    def at(self, stamp_ns):
        self.stamp = stamp_ns

    def numbers(self, key, names, values):
        self.shown.append((key, self.stamp, tuple(names), tuple(values)))

    def picture(self, key, pixels):
        self.shown.append((key, self.stamp, pixels.shape, int(pixels.flat[0])))

    def jpeg(self, key, content):
        self.shown.append((key, self.stamp, 'jpeg', content[:2]))


def test_a_live_view_shows_what_is_recorded_at_a_rate_for_eyes():
    log = Log()
    mapping = shown_mapping({'recorder': {'features': FEATURES}}, {})
    display = LiveDisplay(mapping, log)
    for number in range(200):
        now = T0 + number * 10 * MS
        display.on_message(raw('/states', joint_state(now, ['b', 'a'], [2.0, 1.0]), now))
        if number % 3 == 0:
            display.on_message(raw('/front', image(now, PIXELS), now + MS))
    states = [entry for entry in log.shown if entry[0] == 'observation.state']
    pictures = [entry for entry in log.shown if entry[0] == 'observation.images.front']
    assert states[-1][2:] == (('x.pos', 'y.pos'), (1.0, 2.0))
    assert pictures[-1][2:] == ((8, 12, 3), 77)
    assert 12 <= len(states) <= 31 and 12 <= len(pictures) <= 31, 'of 200 and 67, in two seconds'
    assert all(b[1] - a[1] >= S // 15 for a, b in itertools.pairwise(states))


def test_a_jpeg_stays_one():
    log = Log()
    features = {'observation.images.front': {'topic': '/front'}}
    display = LiveDisplay(shown_mapping({'recorder': {'features': features}}, {}), log)
    for number in range(3):
        now = T0 + number * S
        display.on_message(raw('/front', compressed(now, PIXELS), now))
    assert log.shown[-1][2:] == ('jpeg', b'\xff\xd8')


def test_which_topics_are_shown():
    robot = {'type': 'so101_follower', 'port': 'sim://t/a', 'id': 'arm'}
    camera = {'front': {'index_or_path': 0, 'width': 64, 'height': 48, 'fps': 30}}
    ours = shown_mapping({'robot': {**robot, 'cameras': camera}}, {})
    assert ours.topics() == ['/arm/joint_states', '/arm/joint_commands', '/arm/front/image_raw']
    members = [{'robot': robot}, {'robot': {**robot, 'id': 'other', 'port': 'sim://t/b'}}]
    several = shown_mapping({'robots': {'members': members}}, {})
    assert '/other/joint_states' in several.topics()
    graph = {'/joint_states': JOINT_STATE, '/cam/image_raw': IMAGE}
    others = shown_mapping({'topics': {'action': 'none'}}, graph)
    assert others.topics() == ['/joint_states', '/cam/image_raw']


needs_rerun = pytest.mark.skipif(
    importlib.util.find_spec('rerun') is None, reason="needs the extra 'display' (rerun-sdk)"
)


def columns(path):
    """Return the columns of a recording, as a reader of rerun's finds them."""
    from rerun.experimental import RrdReader

    found = {}
    for chunk in RrdReader(path).stream():
        batch = chunk.to_record_batch()
        for name in batch.schema.names:
            field = batch.schema.field(name)
            path_, component = chunk.entity_path, (field.metadata or {}).get(b'rerun:component')
            if component is not None:
                found.setdefault((path_, component.decode()), []).extend(batch[name].to_pylist())
    return found


@needs_rerun
def test_what_was_written_can_be_read_back(tmp_path):
    from lerobot_recorder.rerun_log import RerunLog

    log = RerunLog('test')
    log.save(tmp_path / 'a.rrd')
    for row in range(3):
        log.at_frame(row, row / 30)
        log.numbers('action', ['x.pos', 'y.pos'], np.array([row, -row]))
        log.picture('observation.images.front', PIXELS)
        log.picture('observation.images.depth', np.full((4, 4), 900, np.uint16))
    log.close()
    found = columns(tmp_path / 'a.rrd')
    assert found['/action', 'Scalars:scalars'] == [[0.0, 0.0], [1.0, -1.0], [2.0, -2.0]]
    assert found['/action', 'SeriesLines:names'] == [['x.pos', 'y.pos']]
    assert len(found['/observation.images.front', 'Image:buffer']) == 3
    assert len(found['/observation.images.depth', 'DepthImage:buffer']) == 3
