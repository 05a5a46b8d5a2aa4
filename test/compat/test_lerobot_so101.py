"""Real LeRobot on the emulated bus: same registers, same degrees, same goals as ours."""

import random
from pathlib import Path

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')

from lerobot.motors import Motor, MotorCalibration, MotorNormMode
from lerobot.motors.feetech import FeetechMotorsBus
from lerobot.robots.so_follower import SO101Follower, SO101FollowerConfig
from lerobot.teleoperators.so_leader import SO101Leader, SO101LeaderConfig
from lerobot_twins import as_floats, connect_patiently, settle

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import (
    MotorScale,
    half_range,
    load_calibration,
    parse_calibration,
    save_calibration,
)
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.so_arm import GRIPPER, GRIPPER_UNIT, JOINT_NAMES
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

pytestmark = pytest.mark.lerobot

WORLD = 'compat-so101'
GOAL = 42
CALIB = Path(__file__).parents[3] / 'shared' / 'data' / 'calib'
POSE = {
    'shoulder_pan.pos': 20.3,
    'shoulder_lift.pos': -31.7,
    'elbow_flex.pos': 12.05,
    'wrist_flex.pos': 25.0,
    'wrist_roll.pos': -40.9,
    'gripper.pos': 61.3,
}


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


class Twins:
    """LeRobot's driver and ours for one emulated arm and one calibration file."""

    def __init__(self, world, folder, device, use_degrees=True):
        attached = world.attach_arm(device, 'so101_follower')
        calibration = parse_calibration(attached.calibration, device)
        save_calibration(folder / 'twin.json', calibration)
        self.world, self.device = world, device
        shared = {
            'id': 'twin',
            'calibration_dir': folder,
            'use_degrees': use_degrees,
            'disable_torque_on_disconnect': False,
        }
        self.lerobot = SO101Follower(SO101FollowerConfig(port=attached.port, **shared))
        port = f'sim://{WORLD}/{device}'
        self.ours = make_robot(RobotConfig(type='so101_follower', port=port, **shared))

    def connect_lerobot(self):
        connect_patiently(self.lerobot)

    def goals(self):
        """Return the goal registers written last, by id."""
        writes = [w for w in self.world.registers(self.device) if w['address'] == GOAL]
        return {w['id']: int.from_bytes(bytes(w['data']), 'little') for w in writes}


@pytest.mark.parametrize('use_degrees', [True, False])
def test_both_move_the_arm_and_read_the_same(world, tmp_path, use_degrees):
    twins = Twins(world, tmp_path, f'same-{use_degrees}', use_degrees)
    twins.connect_lerobot()
    assert twins.lerobot.is_calibrated
    twins.lerobot.send_action(dict(POSE))
    seen = settle(twins.lerobot.get_observation)
    for key, value in POSE.items():
        assert seen[key] == pytest.approx(value, abs=3.0)
    twins.lerobot.disconnect()

    twins.ours.connect()
    assert twins.ours.is_calibrated
    assert as_floats(twins.ours.get_observation()) == pytest.approx(as_floats(seen), abs=1e-9)
    home = dict.fromkeys(POSE, 0.0) | {'gripper.pos': 30.0}
    twins.ours.send_action(home)
    ours = settle(twins.ours.get_observation)
    assert ours != seen
    twins.ours.disconnect()

    twins.connect_lerobot()
    again = settle(twins.lerobot.get_observation)
    twins.lerobot.disconnect()
    assert as_floats(again) == pytest.approx(as_floats(ours), abs=1e-9)


def test_the_same_action_gives_the_same_goal_registers(world, tmp_path):
    twins = Twins(world, tmp_path, 'goals')
    random.seed(7)
    actions = [
        {key: random.uniform(-60.0, 60.0) for key in POSE}
        | {'gripper.pos': random.uniform(-5, 105)}
        for _ in range(20)
    ]
    goals = {}
    for driver in (twins.lerobot, twins.ours):
        connect_patiently(driver) if driver is twins.lerobot else driver.connect()
        goals[driver] = []
        for action in actions:
            driver.send_action(dict(action))
            settle(driver.get_observation) if action is actions[-1] else driver.get_observation()
            goals[driver].append(twins.goals())
        driver.disconnect()
    assert goals[twins.lerobot] == goals[twins.ours]


def test_step_limit_is_lerobots(world, tmp_path):
    twins = Twins(world, tmp_path, 'steps')
    twins.ours.connect()
    start = settle(twins.ours.get_observation)
    twins.ours.disconnect()
    action = {key: value + 30.0 for key, value in start.items()}
    action['gripper.pos'] = start['gripper.pos'] + 1.0
    twins.lerobot.config.max_relative_target = 4.0
    twins.connect_lerobot()
    expected = twins.lerobot.send_action(dict(action))
    twins.lerobot.disconnect()
    twins.ours.connect()
    settle(twins.ours.get_observation)
    twins.ours.send_action(start)
    settle(twins.ours.get_observation)
    twins.ours.disconnect()
    config = twins.ours.config
    limited = make_robot(
        RobotConfig(
            type=config.type,
            port=config.port,
            id=config.id,
            calibration_dir=config.calibration_dir,
            max_relative_target=4.0,
        )
    )
    limited.connect()
    sent = limited.send_action(action)
    limited.disconnect()
    assert sent == pytest.approx(as_floats(expected), abs=0.1)


def registers(world, device, model):
    """Return all persistent and control registers of an arm, by id."""
    from lerobot_drivers.motors.feetech import FeetechMotorsBus as OurBus
    from lerobot_drivers.motors.motors_bus import Motor as OurMotor
    from lerobot_drivers.motors.port import SerialPort

    motors = {name: OurMotor(number, 'sts3215') for number, name in enumerate(JOINT_NAMES, 1)}
    bus = OurBus(SerialPort(world.attach_arm(device, model).port), motors)
    bus.connect()
    names = ['Maximum_Acceleration', 'Torque_Enable', 'Acceleration']
    names += [
        name
        for name, register in bus.models[GRIPPER].registers.items()
        if 5 <= register.address < 40 and name not in ('Homing_Offset',)
    ]
    names = [name for name in names if 'Position_Limit' not in name]
    try:
        return {name: bus.sync_read(name) for name in names}
    finally:
        bus.disconnect()


def test_a_follower_is_configured_as_lerobot_does(world, tmp_path):
    found = []
    for device in ('follower-theirs', 'follower-ours'):
        folder = tmp_path / device
        twins = Twins(world, folder, device)
        if device == 'follower-theirs':
            twins.connect_lerobot()
            twins.lerobot.disconnect()
        else:
            twins.ours.connect()
            twins.ours.disconnect()
        found.append(registers(world, device, 'so101_follower'))
    assert found[0] == found[1]
    assert set(found[0]['Torque_Enable'].values()) == {1}


def test_a_leader_is_configured_and_read_as_lerobot_does(world, tmp_path):
    found = []
    for device in ('leader-theirs', 'leader-ours'):
        attached = world.attach_arm(device, 'so101_leader')
        save_calibration(tmp_path / f'{device}.json', parse_calibration(attached.calibration, ''))
        if device == 'leader-theirs':
            config = SO101LeaderConfig(port=attached.port, id=device, calibration_dir=tmp_path)
            leader = SO101Leader(config)
            connect_patiently(leader)
        else:
            port = f'sim://{WORLD}/{device}'
            leader = make_teleoperator(
                TeleopConfig(type='so101_leader', port=port, id=device, calibration_dir=tmp_path)
            )
            leader.connect()
        assert leader.is_calibrated
        assert set(leader.get_action()) == set(POSE)
        leader.disconnect()
        found.append(registers(world, device, 'so101_leader'))
    assert found[0] == found[1]
    assert set(found[0]['Torque_Enable'].values()) == {0}


def published_calibrations():
    names = ['legalaspro_so101', 'nimicurtis_so101', 'nikitasuprun_so101']
    return sorted(path for name in names for path in (CALIB / name).glob('*.json'))


@pytest.mark.parametrize('mode', ['degrees', 'range_m100_100'])
@pytest.mark.parametrize('drive_mode', [0, 1])
def test_ticks_and_values_are_lerobots_for_published_calibrations(mode, drive_mode):
    paths = published_calibrations()
    if not paths:
        pytest.skip(f'no calibrations of others at {CALIB}')
    random.seed(1)
    compared = 0
    for path in paths:
        calibration = load_calibration(path)
        their = {
            name: MotorCalibration(**{**entry.__dict__, 'drive_mode': drive_mode})
            for name, entry in calibration.items()
        }
        norm = {name: MotorNormMode(mode) for name in JOINT_NAMES}
        norm[GRIPPER] = MotorNormMode.RANGE_0_100
        motors = {name: Motor(their[name].id, 'sts3215', norm[name]) for name in JOINT_NAMES}
        bus = FeetechMotorsBus('/dev/null', motors, calibration=their)
        for name in JOINT_NAMES:
            entry = type(calibration[name])(**their[name].__dict__)
            reach = half_range(entry)
            unit = JointUnit(NormMode(mode), -reach, reach)
            scale = MotorScale(entry, GRIPPER_UNIT if name == GRIPPER else unit)
            for tick in range(-50, 4150, 7):
                value = bus._normalize({entry.id: tick})[entry.id]
                assert scale.ticks_to_dataset(tick) == value
                assert scale.unit.to_dataset(scale.ticks_to_topic(tick)) == pytest.approx(value)
            for _ in range(300):
                value = random.uniform(-120.0, 120.0)
                ticks = bus._unnormalize({entry.id: value})[entry.id]
                ours = scale.dataset_to_ticks(value)
                # A goal that means a tick up to rounding is that tick here, the one below there.
                assert ours in (ticks, ticks + 1)
                compared += ours == ticks
    assert compared >= 0.999 * 300 * len(JOINT_NAMES) * len(paths)
