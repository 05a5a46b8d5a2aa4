"""Dataset, bag, dataset: the same rows at the same stamps, whatever was recorded how."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from bag_round_trip import back, differences, table_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from synthetic_messages import MS, T0, S, image, joint_state, raw, write_bag

from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.streams import Take
from lerobot_recorder.synchronizer import SyncMode
from lerobot_recorder.to_bag.outline import NumberPart, Times
from lerobot_recorder.to_bag.row_samples import samples_of

JOINTS = ['pan', 'lift', 'grip']
UNITS = {
    'pan': {'mode': 'degrees'},
    'lift': {'mode': 'range_m100_100', 'lower': -1.7, 'upper': 2.3},
    'grip': {'mode': 'range_0_100', 'lower': -0.17, 'upper': 1.74},
}
PIXELS = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)


@dataclass(frozen=True)
class Scene:
    """What is recorded, and how well the streams behave."""

    fps: int = 30
    joints_hz: float = 100.0
    commands_hz: float = 50.0
    camera_hz: float = 30.0
    phase_ms: float = 4.0
    lost: frozenset = frozenset()
    silent_from: int = 1000
    mode: str = 'aligned'
    units: bool = True
    window: bool = False
    native: bool = False
    cameras: int = 1
    offset_ms: float = 0.0
    seed: int = 0

    def mapping(self):
        joints = {'joints': JOINTS, 'units': UNITS if self.units else {}}
        features = {
            'observation.state': {
                'sources': [
                    {'topic': '/arm', **joints, 'offset_ms': self.offset_ms},
                    {'topic': '/base', 'field': 'velocity'},
                ]
            },
            'action': {'topic': '/commands', **joints},
        }
        if self.window:
            features['observation.force'] = {
                'topic': '/arm', 'field': 'effort', 'joints': JOINTS[:1],
                'window': {'rate_hz': 100},
            }  # fmt: skip
        for number in range(self.cameras):
            features[f'observation.images.c{number}'] = {'topic': f'/c{number}/image_raw'}
        native = {'arm': {'topic': '/arm'}} if self.native else {}
        more = {'mode': self.mode, 'max_gap_s': 5.0, 'stamps': self.seed % 2 == 0}
        return build_mapping(
            {'fps': self.fps, 'features': features, 'native': native, **more}, 'mapping'
        )

    def messages(self):
        random = np.random.default_rng(self.seed)
        rates = {'/arm': self.joints_hz, '/base': 23.0, '/commands': self.commands_hz}
        for topic, hertz in rates.items():
            for k in range(round(1.6 * hertz)):
                if topic == '/commands' and self.silent_from < k < 1.3 * hertz:
                    continue
                jitter = random.integers(-MS, MS)
                at = T0 + round(k * S / hertz) + int(jitter)
                values = random.uniform(-1.5, 1.5, 3)
                yield raw(topic, joint_message(at, topic, values), at + 3 * MS, 0)
        for number in range(self.cameras):
            for k in range(round(1.6 * self.camera_hz)):
                if (number, k) in self.lost:
                    continue
                at = T0 + round(k * S / self.camera_hz + (number + 1) * self.phase_ms * MS)
                yield raw(f'/c{number}/image_raw', image(at, np.roll(PIXELS, k)), at + 35 * MS)


def joint_message(at, topic, values):
    if topic == '/base':
        return joint_state(at, ['wheel'], values[:1], values[1:2])
    message = joint_state(at, JOINTS, values)
    message.effort = values * 2
    message.header.frame_id = topic[1:]
    return message


def recorded(scene: Scene, place: Path) -> Path:
    messages = sorted(scene.messages(), key=lambda message: message.received_ns)
    bag = write_bag(place / 'recorded', messages)
    mapping, root = scene.mapping(), place / 'set'
    told = {'repo_id': 'me/set', 'single_task': 'fold', 'root': root}
    dataset = DatasetConfig(**told, video=False, fps=scene.fps)
    convert_bag(ConvertJob(bag, root, mapping, 'fold', dataset, allow_low_rate=True))
    return root


def check(scene: Scene, place: Path, may_differ=frozenset()) -> None:
    root = recorded(scene, place)
    made = back(root, place)
    found = [line for line in differences(root, made) if line not in may_differ]
    assert not found
    one, other = (DatasetReader(folder).episode(0) for folder in (root, made))
    for number in range(scene.cameras):
        camera = f'observation.images.c{number}'
        for a, b in zip(one.frames(camera), other.frames(camera), strict=True):
            assert np.array_equal(a, b)
    if scene.native:
        check_table(root, made)


def check_table(root, made):
    """Every message that was kept is kept again; beside them what only rows told, at the ends."""
    one, other = table_of(root, 0, 'arm'), table_of(made, 0, 'arm')
    again = other.filter(pc.is_in(other['stamp_ns'], one['stamp_ns']))
    assert len(other) - len(again) <= 2
    kept = [name for name in one.column_names if name != 'source_ns']
    assert again.select(kept).equals(one.select(kept))


SCENES = st.builds(
    Scene,
    fps=st.sampled_from([10, 25, 30]),
    joints_hz=st.sampled_from([40.0, 97.3, 200.0]),
    commands_hz=st.sampled_from([15.0, 50.0, 120.0]),
    camera_hz=st.sampled_from([29.3, 30.0, 30.4, 60.0]),
    phase_ms=st.floats(0, 12),
    lost=st.frozensets(st.tuples(st.integers(0, 1), st.integers(1, 30)), max_size=4),
    silent_from=st.integers(2, 60),
    mode=st.sampled_from(['aligned', 'aligned', 'as_seen']),
    units=st.booleans(),
    native=st.booleans(),
    cameras=st.integers(0, 2),
    offset_ms=st.sampled_from([0.0, 7.5]),
    seed=st.integers(0, 9),
)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(SCENES)
def test_a_dataset_comes_back_from_its_bag(scene):
    with tempfile.TemporaryDirectory() as place:
        check(scene, Path(place))


def test_windows_come_back(tmp_path):
    # Of their samples only the slots are known: each is as new as its slot.
    told = {f'column observation.force.{name}' for name in ('stamp_ns', 'fresh')}
    check(Scene(window=True, seed=1), tmp_path, told)


def test_a_last_row_that_is_old_is_closed():
    *before, closing = held([10, 11], 120)
    assert before == list(range(10)) and closing > 11


def held(rows, gap_ms):
    """Rows of a stream that was silent for so long, and what is made of them."""
    ticks = T0 + np.arange(12, dtype=np.int64) * 33 * MS
    stamps, flags = ticks.copy(), np.array(['fresh'] * 12)
    for row in rows:
        stamps[row], flags[row] = ticks[rows[0] - 1], 'held'
    times = Times(ticks, ticks, {'s': stamps}, {'s': flags})
    part = NumberPart('s', 's', '/s', '', ('a',), Take.INTERPOLATE, tolerance_ns=gap_ms * MS)
    values = np.where(np.isin(np.arange(12), rows), rows[0] - 1, np.arange(12)).astype(np.float32)
    found = samples_of(part, values[:, None], times, ticks, SyncMode.ALIGNED)
    return [(sample.stamp_ns - T0) // (33 * MS) for sample in found]


@pytest.mark.parametrize(
    ('gap_ms', 'kept'), [(120, [0, 1, 2, 3, 7, 8, 9, 10, 11]), (140, list(range(12)))]
)
def test_a_value_that_was_held_is_held_again(gap_ms, kept):
    assert held([4, 5, 6], gap_ms) == kept
