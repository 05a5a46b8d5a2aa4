"""A calibration led from outside, on emulated arms; the terminal's is in test_calibration_run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from emulated import MIDDLE, SWEEP, EmulatedArm

from lerobot_drivers.common.errors import CalibrationError, DeviceError, ModeError
from lerobot_drivers.motors.calibration import load_calibration
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.arm_settings import ArmSettings
from lerobot_drivers.robots.serial_arm import SerialArm
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun
from lerobot_drivers.setup_tools.calibration_session import CalibrationSession, arms_of


class Stage:
    """Emulated arms and a session about them."""

    def __init__(self, folder: Path, prefixes: tuple[str, ...] = ('',)) -> None:
        self.folder = folder
        self.emulated = {prefix: EmulatedArm('so101_follower') for prefix in prefixes}
        self.arms = {prefix: self._arm(prefix) for prefix in prefixes}
        self.session = CalibrationSession(self.arms)

    def _arm(self, prefix: str) -> SerialArm:
        settings = ArmSettings(
            kind='robots',
            name='so_follower',
            type='so101_follower',
            id=f'{prefix}mine',
            port=self.emulated[prefix].port,
            calibration_dir=self.folder,
            use_degrees=True,
        )
        return SerialArm(settings, SO_ARM)

    def held(self, prefix: str = '') -> Any:
        """Return what the motors hold, asked by a bus of its own."""
        bus = SO_ARM.bus(SerialPort(self.emulated[prefix].port), SO_ARM.motors)
        bus.connect()
        held = bus.read_calibration(), set(bus.sync_read('Torque_Enable').values())
        bus.disconnect()
        return held

    def to_the_middle(self) -> None:
        for arm in self.emulated.values():
            arm.move(**MIDDLE)

    def sweep(self, *joints: str) -> None:
        for angle in SWEEP:
            for arm in self.emulated.values():
                arm.move(**{n: 0.8 + angle / 2 if n == 'gripper' else angle for n in joints})
            self.session.watch()

    def close(self) -> None:
        self.session.cancel()
        for arm in self.emulated.values():
            if not arm.line.closed:
                arm.line.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*prefixes: str) -> Stage:
        made.append(Stage(tmp_path, prefixes or ('',)))
        return made[-1]

    yield make
    for each in made:
        each.close()


JOINTS = tuple(joint.name for joint in SO_ARM.joints if not joint.full_turn)


def test_it_ends_in_the_file_that_the_terminal_makes(stage: Callable[..., Stage]) -> None:
    bench = stage()
    before, _ = bench.held()
    assert 'then call calibrate/record_ranges' in bench.session.start()
    bench.to_the_middle()
    assert 'all joints except wrist_roll' in bench.session.record_ranges()
    assert 'shoulder_pan 2047 < 2047 < 2047 (0 degrees)' in bench.session.told_ranges()
    bench.sweep(*JOINTS)
    assert not bench.folder.joinpath('mine.json').exists(), 'nothing is written before the end'
    assert f'saved to {bench.folder / "mine.json"}: shoulder_pan' in bench.session.finish()
    assert not bench.session.is_open
    held, torque = bench.held()
    assert held == load_calibration(bench.folder / 'mine.json') == bench.arms[''].calibration
    assert held != before
    assert torque == {0}
    text = bench.folder.joinpath('mine.json').read_text()
    assert text == json.dumps(json.loads(text), indent=4), 'the format is that of LeRobot'
    _same_as_by_the_terminal(bench, held)


def _same_as_by_the_terminal(bench: Stage, made: Any) -> None:
    bus = SO_ARM.bus(SerialPort(bench.emulated[''].port), SO_ARM.motors)
    bus.connect()
    run = CalibrationRun(bus, SO_ARM)
    run.begin()
    bench.to_the_middle()
    run.home()
    for angle in SWEEP:
        bench.emulated[''].move(
            **{name: 0.8 + angle / 2 if name == 'gripper' else angle for name in JOINTS}
        )
        run.watch()
    assert run.finish() == made
    bus.disconnect()


def test_two_arms_are_calibrated_at_once(stage: Callable[..., Stage]) -> None:
    bench = stage('left_', 'right_')
    bench.session.start()
    bench.to_the_middle()
    assert 'except left_wrist_roll, right_wrist_roll' in bench.session.record_ranges()
    bench.sweep(*JOINTS)
    assert list(bench.session.ranges)[:2] == ['left_shoulder_pan', 'left_shoulder_lift']
    bench.session.finish()
    for side in ('left_', 'right_'):
        assert load_calibration(bench.folder / f'{side}mine.json') == bench.held(side)[0]


def test_what_is_missing_is_named_and_can_be_made_good(stage: Callable[..., Stage]) -> None:
    bench = stage()
    for step in (bench.session.record_ranges, bench.session.finish, bench.session.told_ranges):
        with pytest.raises(ModeError, match='calibrate/start begins one'):
            step()
    bench.session.start()
    with pytest.raises(ModeError, match='is under way'):
        bench.session.start()
    with pytest.raises(CalibrationError, match='no middle is known yet'):
        bench.session.finish()
    bench.to_the_middle()
    bench.session.record_ranges()
    bench.sweep(*JOINTS[1:])
    with pytest.raises(CalibrationError, match=r'shoulder_pan did not move\. Ranges: '):
        bench.session.finish()
    bench.sweep(JOINTS[0])
    bench.session.finish()


def test_a_wrong_middle_is_mended_by_recording_anew(stage: Callable[..., Stage]) -> None:
    bench = stage()
    bench.session.start()
    bench.to_the_middle()
    bench.emulated[''].move(shoulder_lift=1.7)
    bench.session.record_ranges()
    bench.sweep(*JOINTS)
    with pytest.raises(CalibrationError, match='shoulder_lift went past the end of its turn'):
        bench.session.finish()
    bench.to_the_middle()
    bench.session.record_ranges()
    bench.sweep(*JOINTS)
    bench.session.finish()


def test_cancelled_the_motors_hold_what_they_held(stage: Callable[..., Stage]) -> None:
    bench = stage()
    before, _ = bench.held()
    bench.session.start()
    bench.to_the_middle()
    bench.session.record_ranges()
    bench.sweep(*JOINTS)
    assert bench.session.cancel().startswith('cancelled')
    assert bench.held() == (before, {0})
    assert not list(bench.folder.iterdir())
    bench.session.start()


def test_unplugged_it_is_given_up_and_lost_replies_are_put_up_with(
    stage: Callable[..., Stage],
) -> None:
    bench = stage()
    bench.session.start()
    bench.to_the_middle()
    bench.session.record_ranges()
    bench.emulated[''].inject('corrupt', count=12)
    bench.session.watch()
    assert bench.session.is_open
    bench.emulated[''].inject('clear')
    bench.emulated[''].line.close()
    with pytest.raises(DeviceError, match='calibration given up'):
        bench.session.watch()
    assert not bench.session.is_open


def test_if_one_arm_is_missing_neither_is_begun(stage: Callable[..., Stage]) -> None:
    bench = stage('left_', 'right_')
    before, _ = bench.held('left_')
    bench.emulated['right_'].inject('silence', ids=[4])
    with pytest.raises(DeviceError, match=r'wrist_flex \(id 4'):
        bench.session.start()
    assert not bench.session.is_open
    assert bench.held('left_')[0] == before


def test_whose_arms_can_be_calibrated() -> None:
    one = make_robot(RobotConfig(type='so101_follower', port='sim://x/a'))
    two = make_robot(
        RobotConfig(type='bi_so_follower', left_arm_port='sim://x/a', right_arm_port='sim://x/b')
    )
    assert list(arms_of(one)) == ['']
    assert list(arms_of(two)) == ['left_', 'right_']
    assert arms_of(SimpleNamespace()) == {}
