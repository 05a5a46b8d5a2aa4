"""Calibration files and the meaning of a tick."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lerobot_drivers.common.errors import CalibrationError
from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import (
    MotorCalibration,
    MotorScale,
    calibration_path,
    find_calibration,
    half_range,
    load_calibration,
    parse_calibration,
    save_calibration,
)

CALIB = Path(__file__).parents[4] / 'shared' / 'data' / 'calib'
GRIPPER = JointUnit(NormMode.RANGE_0_100, -0.174533, 1.74533)
NEW_FILES = [
    'legalaspro_so101/lerobot_follower_arm.json',
    'legalaspro_so101/lerobot_leader_arm.json',
    'nimicurtis_so101/Tzili.json',
    'nimicurtis_so101/Gili.json',
    'nikitasuprun_so101/so101_follower.json',
    'nikitasuprun_so101/so101_leader.json',
]


def published(name):
    path = CALIB / name
    if not path.is_file():
        pytest.skip(f'{path} is not here')
    return path


def scale(mode, low=866, high=3231, drive_mode=0, offset=0):
    calibration = MotorCalibration(1, drive_mode, offset, low, high)
    if mode is NormMode.RANGE_M100_100:
        reach = half_range(calibration)
        return MotorScale(calibration, JointUnit(mode, -reach, reach))
    return MotorScale(calibration, GRIPPER if mode is NormMode.RANGE_0_100 else JointUnit(mode))


@st.composite
def scales(draw, modes=tuple(NormMode)):
    low = draw(st.integers(0, 4000))
    high = draw(st.integers(low + 20, 4095))
    return scale(draw(st.sampled_from(modes)), low, high, draw(st.integers(0, 1)))


@pytest.mark.parametrize('name', NEW_FILES)
def test_published_files_are_read_and_written_byte_for_byte(name, tmp_path):
    path = published(name)
    calibration = load_calibration(path)
    assert next(iter(calibration)) == 'shoulder_pan'
    assert [entry.id for entry in calibration.values()] == [1, 2, 3, 4, 5, 6]
    save_calibration(tmp_path / 'copy.json', calibration)
    assert (tmp_path / 'copy.json').read_text() == path.read_text().rstrip('\n')


@pytest.mark.parametrize(
    'name', ['bkoensgen_so100/manual_calibration_follower.json', 'hf_old_so100/main_follower.json']
)
def test_published_old_files_are_refused_with_what_to_do(name):
    with pytest.raises(CalibrationError, match='calibrate the arm again'):
        load_calibration(published(name))


def test_golden_values_of_a_published_file():
    """By hand: deg = (tick - (866 + 3231) / 2) * 360 / 4095, and so on."""
    calibration = load_calibration(published(NEW_FILES[0]))
    pan = MotorScale(calibration['shoulder_pan'], JointUnit(NormMode.DEGREES))
    assert pan.ticks_to_dataset(2048) == pytest.approx(-0.5 * 360 / 4095, abs=1e-12)
    assert pan.ticks_to_topic(3231) == pytest.approx(1182.5 * 2 * math.pi / 4095, abs=1e-12)
    grip = MotorScale(calibration['gripper'], GRIPPER)
    assert grip.ticks_to_dataset(2027) == 0.0
    assert grip.ticks_to_dataset(3483) == 100.0
    assert grip.ticks_to_dataset(2755) == 50.0
    assert grip.ticks_to_topic(2027) == pytest.approx(-0.174533, abs=1e-12)
    assert grip.ticks_to_topic(3483) == pytest.approx(1.74533, abs=1e-12)
    lift = calibration['shoulder_lift']
    percent = MotorScale(
        lift, JointUnit(NormMode.RANGE_M100_100, -half_range(lift), half_range(lift))
    )
    assert percent.ticks_to_dataset(896) == -100.0
    assert percent.ticks_to_dataset(3211) == 100.0


def test_zero_lies_elsewhere_than_tick_2048():
    """The offsets that published LeRobot calibrations have against tick-2048 drivers [deg]."""
    calibration = load_calibration(published(NEW_FILES[0]))
    expected = {'shoulder_lift': 0.53, 'elbow_flex': -7.16, 'wrist_flex': 2.86}
    for name, degrees in expected.items():
        middle = (calibration[name].range_min + calibration[name].range_max) / 2
        assert (middle - 2048) * 360 / 4095 == pytest.approx(degrees, abs=0.06)


def test_ten_degrees_read_back_as_in_lerobot():
    ten = scale(NormMode.DEGREES, 1000, 3000)
    assert ten.dataset_to_ticks(10.0) == 2000 + 113
    assert ten.ticks_to_dataset(2113) == pytest.approx(9.934, abs=5e-4)
    assert ten.dataset_to_ticks(-10.0) == 1886  # int(1886.25)


def test_truncation_is_towards_zero_ticks():
    low = scale(NormMode.DEGREES, 0, 21)
    assert low.dataset_to_ticks(-1.9) == -11
    assert low.dataset_to_ticks(1.9) == 32


@given(scales(), st.data())
def test_ticks_come_back_exactly(motor, data):
    tick = data.draw(st.integers(motor.calibration.range_min, motor.calibration.range_max))
    assert motor.dataset_to_ticks(motor.ticks_to_dataset(tick)) == tick
    assert motor.topic_to_ticks(motor.ticks_to_topic(tick)) == tick


@given(scales(modes=[mode for mode in NormMode if mode is not NormMode.RADIANS]), st.data())
def test_ticks_come_back_through_a_float32_dataset(motor, data):
    tick = data.draw(st.integers(motor.calibration.range_min, motor.calibration.range_max))
    stored = float(np.float32(motor.ticks_to_dataset(tick)))
    assert motor.dataset_to_ticks(stored) == tick


@given(scales(), st.integers(0, 4095))
def test_topic_value_is_the_dataset_value_through_the_unit(motor, tick):
    value = motor.ticks_to_dataset(tick)
    assert motor.unit.to_dataset(motor.ticks_to_topic(tick)) == pytest.approx(value, abs=1e-10)


@given(scales(), st.data())
def test_slope_and_limits(motor, data):
    low, high = motor.calibration.range_min, motor.calibration.range_max
    tick = data.draw(st.integers(low, high - 1))
    step = motor.ticks_to_topic(tick + 1) - motor.ticks_to_topic(tick)
    assert step == pytest.approx(motor.topic_per_tick(), abs=1e-9)
    lower, upper = motor.topic_limits()
    assert lower < upper
    assert lower - 1e-12 <= motor.ticks_to_topic(tick) <= upper + 1e-12


@given(scales(modes=[NormMode.RANGE_0_100, NormMode.RANGE_M100_100]), st.integers(-500, 5000))
def test_range_modes_clamp(motor, tick):
    floor = 0.0 if motor.unit.mode is NormMode.RANGE_0_100 else -100.0
    assert floor <= motor.ticks_to_dataset(tick) <= 100.0
    low, high = motor.calibration.range_min, motor.calibration.range_max
    assert low <= motor.dataset_to_ticks(float(tick)) <= high


@given(scales(modes=[NormMode.RANGE_0_100, NormMode.RANGE_M100_100]), st.data())
def test_drive_mode_turns_the_range(motor, data):
    assume(motor.calibration.drive_mode == 0)
    tick = data.draw(st.integers(motor.calibration.range_min, motor.calibration.range_max))
    entry = motor.calibration
    turned = MotorScale(
        MotorCalibration(1, 1, entry.homing_offset, entry.range_min, entry.range_max), motor.unit
    )
    total = 100.0 if motor.unit.mode is NormMode.RANGE_0_100 else 0.0
    assert motor.ticks_to_dataset(tick) + turned.ticks_to_dataset(tick) == pytest.approx(total)


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('{', 'not valid JSON'),
        ('[]', 'must map motor names'),
        ('{}', 'must map motor names'),
        ('{"pan": 3}', 'pan needs whole numbers'),
        ('{"pan": {"id": 1}}', 'missing or wrong: drive_mode, homing_offset'),
        (
            '{"pan": {"id": 1, "drive_mode": 0, "homing_offset": 1.5, "range_min": 0, '
            '"range_max": 9}}',
            'missing or wrong: homing_offset',
        ),
        (
            '{"pan": {"id": 1, "drive_mode": 0, "homing_offset": 0, "range_min": 9, '
            '"range_max": 9}}',
            'must be less',
        ),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, content, said):
    path = tmp_path / 'arm.json'
    path.write_text(content)
    with pytest.raises(CalibrationError, match=said) as caught:
        load_calibration(path)
    assert str(path) in str(caught.value)


def test_missing_file_says_so(tmp_path):
    with pytest.raises(CalibrationError, match='No such file'):
        load_calibration(tmp_path / 'none.json')


def test_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'arm.json'
    old = parse_calibration(
        {'pan': dict(id=1, drive_mode=0, homing_offset=0, range_min=1, range_max=2)}, 'x'
    )
    save_calibration(path, old)

    def fail(_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        save_calibration(path, {**old, 'lift': old['pan']})
    assert list(json.loads(path.read_text())) == ['pan']
    assert [entry.name for entry in tmp_path.iterdir()] == ['arm.json']


def test_folders_are_lerobots(tmp_path, monkeypatch):
    for name in ('HF_LEROBOT_CALIBRATION', 'HF_LEROBOT_HOME', 'HF_HOME', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', '/home/me')
    tail = 'robots/so_follower/a.json'
    path = calibration_path('robots', 'so_follower', 'a')
    assert path == Path('/home/me/.cache/huggingface/lerobot/calibration') / tail
    for variable, value, folder in [
        ('HF_HOME', '/hf', '/hf/lerobot/calibration'),
        ('HF_LEROBOT_HOME', '/lr', '/lr/calibration'),
        ('HF_LEROBOT_CALIBRATION', '/cal', '/cal'),
    ]:
        monkeypatch.setenv(variable, value)
        assert calibration_path('robots', 'so_follower', 'a') == Path(folder) / tail
    assert calibration_path('robots', 'x', 'a', tmp_path) == tmp_path / 'a.json'


def test_older_folders_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv('HF_LEROBOT_CALIBRATION', str(tmp_path))
    assert find_calibration('teleoperators', 'so_leader', 'a') is None
    old = tmp_path / 'teleoperators' / 'so100_leader' / 'a.json'
    old.parent.mkdir(parents=True)
    old.write_text('{}')
    assert find_calibration('teleoperators', 'so_leader', 'a') == old
    new = tmp_path / 'teleoperators' / 'so_leader' / 'a.json'
    new.parent.mkdir()
    new.write_text('{}')
    assert find_calibration('teleoperators', 'so_leader', 'a') == new
