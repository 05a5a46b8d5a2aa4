"""Arms that our tools set up and calibrated: real LeRobot takes them without a question."""

from __future__ import annotations

import dataclasses
import json

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')

import draccus
from emulated import MIDDLE, SWEEP, DirectPort, EmulatedArm, HastyClock
from lerobot.motors import MotorCalibration
from lerobot.robots.koch_follower import KochFollower, KochFollowerConfig
from lerobot.robots.so_follower import SO101Follower, SO101FollowerConfig
from lerobot.teleoperators.koch_leader import KochLeader, KochLeaderConfig
from lerobot.teleoperators.so_leader import SO101Leader, SO101LeaderConfig

from lerobot_drivers.motors.calibration import save_calibration
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER, KOCH_LEADER
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun
from lerobot_drivers.setup_tools.motor_setup import MotorSetup

pytestmark = pytest.mark.lerobot

ARMS = {
    'so101_follower': (SO_ARM, SO101Follower, SO101FollowerConfig),
    'so101_leader': (SO_ARM, SO101Leader, SO101LeaderConfig),
    'koch_follower': (KOCH_FOLLOWER, KochFollower, KochFollowerConfig),
    'koch_leader': (KOCH_LEADER, KochLeader, KochLeaderConfig),
}


def calibrate(arm, plan, is_leader):
    """Calibrate as a person does; return what goes into the file."""
    bus = plan.bus(SerialPort(arm.port), plan.motors)
    bus.connect()
    run = CalibrationRun(bus, plan)
    run.begin()
    if not is_leader:
        arm.move(**MIDDLE)
    run.home()
    for step in range(2000 if is_leader else len(SWEEP)):
        if not is_leader:
            angle = SWEEP[step]
            arm.move(**dict.fromkeys(MIDDLE, angle) | {'gripper': 0.8 + angle / 2})
        run.watch()
        if is_leader and not run.problems:
            break
    made = run.finish()
    bus.disconnect()
    return made


def set_up(arm, plan):
    arm.inject('factory')
    setup = MotorSetup(DirectPort(arm), plan)
    for joint in setup.joints:
        arm.inject('only', joints=[joint.name])
        setup.assign(joint, setup.find()[0])
    arm.inject('clear')


@pytest.mark.parametrize('model', ARMS)
def test_lerobot_connects_without_asking(model, tmp_path, monkeypatch):
    if model.startswith('koch'):
        pytest.importorskip('dynamixel_sdk', reason='dynamixel-sdk is not installed')
    plan, made, config = ARMS[model]
    monkeypatch.setattr('builtins.input', lambda *_: pytest.fail('LeRobot asks'))
    is_leader = model.endswith('leader')
    with EmulatedArm(model, HastyClock() if is_leader else None) as arm:
        set_up(arm, plan)
        calibration = calibrate(arm, plan, is_leader)
        path = tmp_path / 'mine.json'
        save_calibration(path, calibration)
        device = made(config(port=arm.port, id='mine', calibration_dir=tmp_path))
        assert {name: vars(entry) for name, entry in device.calibration.items()} == {
            name: vars(entry) for name, entry in calibration.items()
        }
        before = path.read_bytes()
        device._save_calibration()
        assert path.read_bytes() == before
        for attempt in range(5):  # it does not repeat what a loaded machine delays
            try:
                device.connect(calibrate=True)
                break
            except (ConnectionError, RuntimeError):
                assert attempt < 4
                device.bus.port_handler.closePort()
        assert device.is_calibrated
        device.disconnect()


def test_draccus_reads_the_file(tmp_path):
    with EmulatedArm('so101_follower', HastyClock()) as arm:
        made = calibrate(arm, SO_ARM, is_leader=False)
    save_calibration(tmp_path / 'mine.json', made)
    with (tmp_path / 'mine.json').open() as file, draccus.config_type('json'):
        read = draccus.load(dict[str, MotorCalibration], file)
    assert {name: dataclasses.asdict(entry) for name, entry in read.items()} == json.loads(
        (tmp_path / 'mine.json').read_text()
    )


@pytest.mark.parametrize('model', ['so101_follower', 'koch_follower'])
def test_the_same_movements_give_lerobots_own_calibration(model, tmp_path, monkeypatch):
    if model.startswith('koch'):
        pytest.importorskip('dynamixel_sdk', reason='dynamixel-sdk is not installed')
    plan, made, config = ARMS[model]
    with EmulatedArm(model) as arm:
        angles = iter(SWEEP)

        def sweep_or_enter():
            angle = next(angles, None)
            if angle is not None:
                arm.move(**dict.fromkeys(MIDDLE, angle) | {'gripper': 0.8 + angle / 2})
            return angle is None

        monkeypatch.setattr('builtins.input', lambda *_: arm.move(**MIDDLE))
        monkeypatch.setattr('lerobot.motors.motors_bus.enter_pressed', sweep_or_enter)
        device = made(config(port=arm.port, id='theirs', calibration_dir=tmp_path))
        for attempt in range(5):
            try:
                device.connect(calibrate=False)
                break
            except (ConnectionError, RuntimeError):
                assert attempt < 4
                device.bus.port_handler.closePort()
        device.calibrate()
        device.disconnect()
    with EmulatedArm(model) as arm:
        save_calibration(tmp_path / 'ours.json', calibrate(arm, plan, is_leader=False))
    theirs, ours = (
        json.loads((tmp_path / f'{whose}.json').read_text()) for whose in ('theirs', 'ours')
    )
    assert list(ours) == list(theirs)
    for name, entry in theirs.items():
        assert list(ours[name]) == list(entry)
        # Half a tick may be rounded either way.
        assert ours[name] == pytest.approx(entry, abs=1), name
