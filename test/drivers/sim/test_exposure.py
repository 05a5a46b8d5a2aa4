from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.exposure import CameraHabits, Shutter, check_format

NOW_NS = 1_700_000_000_123_456_789


def film(device: str, fps: int, habits: CameraHabits, count: int) -> np.ndarray:
    shutter = Shutter(device, fps, habits, NOW_NS)
    exposures = [shutter.next() for _ in range(count)]
    return np.array([(e.stamp_ns - NOW_NS, e.delivery_ns - NOW_NS) for e in exposures])


def test_exposures_are_even_at_the_cameras_own_rate():
    habits = CameraHabits(0.03, clock_error_ppm=500.0)
    stamps = film('front', 30, habits, 3000)[:, 0]
    assert 0 < stamps[0] <= 2e9 / 30
    steps = np.diff(stamps)
    assert np.ptp(steps) <= 1
    assert steps.mean() == pytest.approx(1e9 / 30 / (1 + 500e-6), abs=0.01)


def test_phase_belongs_to_the_name_and_not_to_the_time_of_asking():
    def phase(device: str, later_ns: int) -> float:
        habits = CameraHabits(0.03)
        return Shutter(device, 25, habits, NOW_NS + later_ns).next().stamp_ns % 40_000_000

    assert phase('front', 0) == pytest.approx(phase('front', 3_140_000_000), abs=2)
    assert abs(phase('front', 0) - phase('top', 0)) > 1000


@pytest.mark.parametrize(('device', 'least'), [('front', 0.030), ('side', 0.052), ('top', 0.060)])
def test_pictures_come_late_with_jitter_and_in_order(device, least):
    times = film(device, 30, CameraHabits.of(device), 2000)
    late = (times[:, 1] - times[:, 0]) / 1e9
    assert late.min() >= least
    assert late.max() < least + 0.012
    assert late.std() > 5e-4
    assert (np.diff(times[:, 1]) > 0).all()


def test_any_name_has_habits_within_the_usual():
    for device in ('left_wrist', 'kitchen', 'c920'):
        habits = CameraHabits.of(device)
        assert 0.03 <= habits.latency_s <= 0.06
        assert 0 < abs(habits.clock_error_ppm) <= 30
        assert habits == CameraHabits.of(device)


def test_faults_change_habits_and_clear_restores_them():
    habits = CameraHabits.of('front')
    habits.inject('front', 'latency', {'seconds': 0.2, 'jitter': 0.0})
    habits.inject('front', 'clock_error', {'ppm': 1000})
    habits.inject('front', 'freeze', {})
    assert habits == CameraHabits(0.2, 0.0, 1000.0, True)
    habits.inject('front', 'clear', {})
    assert habits == CameraHabits.of('front')


@pytest.mark.parametrize(
    ('fault', 'arguments'),
    [('melt', {}), ('latency', {}), ('latency', {'seconds': 'long'}), ('freeze', {'hard': 1})],
)
def test_unknown_faults_are_refused(fault, arguments):
    with pytest.raises(ConfigError, match='front'):
        CameraHabits.of('front').inject('front', fault, arguments)


@pytest.mark.parametrize('size', [(8, 480, 30), (640, 9000, 30), (640, 480, 0), (640, 480, 999)])
def test_impossible_formats_are_refused(size):
    with pytest.raises(ConfigError, match='cannot do'):
        check_format('front', *size)
