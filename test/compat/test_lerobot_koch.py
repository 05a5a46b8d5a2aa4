"""Real LeRobot on emulated Dynamixels: same registers, same values, same goals as ours."""

import random

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
pytest.importorskip('dynamixel_sdk', reason='dynamixel-sdk is not installed')

from lerobot.motors import Motor, MotorCalibration, MotorNormMode
from lerobot.motors.dynamixel import DynamixelMotorsBus
from lerobot.motors.dynamixel.tables import MODEL_CONTROL_TABLE, MODEL_NUMBER_TABLE
from lerobot.robots.koch_follower import KochFollower, KochFollowerConfig
from lerobot.teleoperators.koch_leader import KochLeader, KochLeaderConfig
from lerobot_twins import as_floats, connect_patiently, settle

from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_drivers.motors.calibration import MotorScale, parse_calibration, save_calibration
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus as OurBus
from lerobot_drivers.motors.dynamixel_tables import DYNAMIXEL_MODELS
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.koch_arm import (
    GRIPPER,
    GRIPPER_UNIT,
    JOINT_NAMES,
    KOCH_FOLLOWER,
    KOCH_LEADER,
)
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

pytestmark = pytest.mark.lerobot

WORLD = 'compat-koch'
TORQUE, GOAL = 64, 116
NOT_LEROBOTS = ('Goal_Position', 'Realtime_Tick', 'Moving', 'Moving_Status')
POSE = {
    'shoulder_pan.pos': 12.3,
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
    """LeRobot's driver and ours for one emulated follower and one calibration file."""

    def __init__(self, world, folder, device, use_degrees=False):
        attached = world.attach_arm(device, 'koch_follower')
        save_calibration(folder / 'twin.json', parse_calibration(attached.calibration, device))
        self.world, self.device = world, device
        shared = {
            'id': 'twin',
            'calibration_dir': folder,
            'disable_torque_on_disconnect': False,
        }
        if use_degrees:
            shared['use_degrees'] = True
        self.lerobot = KochFollower(KochFollowerConfig(port=attached.port, **shared))
        port = f'sim://{WORLD}/{device}'
        self.ours = make_robot(RobotConfig(type='koch_follower', port=port, **shared))

    def connect_lerobot(self):
        connect_patiently(self.lerobot)

    def goals(self):
        """Return the goal registers written last, by id."""
        writes = [w for w in self.world.registers(self.device) if w['address'] == GOAL]
        return {w['id']: int.from_bytes(bytes(w['data']), 'little', signed=True) for w in writes}


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
    twins.ours.send_action(dict.fromkeys(POSE, 0.0) | {'gripper.pos': 30.0})
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
        | {'gripper.pos': random.uniform(-5, 105), 'wrist_roll.pos': random.uniform(-130, 130)}
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


def registers(world, device, model, plan):
    """Return all registers that a driver may set, by name and joint."""
    bus = OurBus(SerialPort(world.attach_arm(device, model).port), plan.motors)
    bus.connect()
    names = [
        name
        for name, register in bus.models[GRIPPER].registers.items()
        if 7 <= register.address < 120 and name not in NOT_LEROBOTS
    ]
    factory = ('Homing_Offset', 'Min_Position_Limit', 'Max_Position_Limit')
    try:
        return {name: bus.sync_read(name) for name in names if name not in factory}
    finally:
        bus.disconnect()


def test_a_follower_is_configured_as_lerobot_does(world, tmp_path):
    found = []
    for device in ('follower-theirs', 'follower-ours'):
        twins = Twins(world, tmp_path / device, device)
        if device == 'follower-theirs':
            twins.connect_lerobot()
            twins.lerobot.disconnect()
        else:
            twins.ours.connect()
            twins.ours.disconnect()
        found.append(registers(world, device, 'koch_follower', KOCH_FOLLOWER))
    assert found[0] == found[1]
    assert set(found[0]['Torque_Enable'].values()) == {1}
    assert found[0]['Operating_Mode'] == dict.fromkeys(JOINT_NAMES, 4) | {GRIPPER: 5}
    assert found[0]['Position_P_Gain']['elbow_flex'] == 1500


def test_a_leader_is_configured_and_read_as_lerobot_does(world, tmp_path):
    found, goals = [], []
    for device in ('leader-theirs', 'leader-ours'):
        attached = world.attach_arm(device, 'koch_leader')
        calibration = parse_calibration(attached.calibration, '')
        assert calibration['elbow_flex'].drive_mode == 1
        save_calibration(tmp_path / f'{device}.json', calibration)
        if device == 'leader-theirs':
            config = KochLeaderConfig(port=attached.port, id=device, calibration_dir=tmp_path)
            leader = KochLeader(config)
            connect_patiently(leader)
        else:
            port = f'sim://{WORLD}/{device}'
            leader = make_teleoperator(
                TeleopConfig(type='koch_leader', port=port, id=device, calibration_dir=tmp_path)
            )
            leader.connect()
        assert leader.is_calibrated
        assert set(leader.get_action()) == set(POSE)
        log = world.registers(device)
        writes = [w for w in log if w['address'] == GOAL]
        assert {w['id'] for w in writes} == {6}
        assert {w['id'] for w in log if w['address'] == TORQUE and w['data'] == [1]} == {6}
        scale = MotorScale(calibration[GRIPPER], GRIPPER_UNIT)
        sent = int.from_bytes(bytes(writes[-1]['data']), 'little')
        goals.append(scale.ticks_to_dataset(sent))
        leader.disconnect()
        found.append(registers(world, device, 'koch_leader', KOCH_LEADER))
        assert set(found[-1]['Torque_Enable'].values()) == {0}
    assert found[0] == found[1]
    assert goals == pytest.approx([50.0, 50.0], abs=0.1)


@pytest.mark.parametrize('mode', ['degrees', 'range_m100_100'])
@pytest.mark.parametrize('drive_mode', [0, 1])
def test_ticks_and_values_are_lerobots(world, mode, drive_mode):
    """The drive mode is the motor's business here, unlike with Feetech's."""
    random.seed(1)
    compared = same = 0
    for device in ('one', 'two', 'three'):
        attached = world.attach_arm(device, 'koch_leader')
        calibration = parse_calibration(attached.calibration, device)
        their = {
            name: MotorCalibration(**{**entry.__dict__, 'drive_mode': drive_mode})
            for name, entry in calibration.items()
        }
        norm = {name: MotorNormMode(mode) for name in JOINT_NAMES}
        norm[GRIPPER] = MotorNormMode.RANGE_0_100
        motors = {name: Motor(their[name].id, 'xl330-m288', norm[name]) for name in JOINT_NAMES}
        bus = DynamixelMotorsBus('/dev/null', motors, calibration=their)
        for name, entry in their.items():
            scale = our_scale(entry, name, mode)
            for tick in range(-50, 4150, 7):
                assert scale.ticks_to_dataset(tick) == bus._normalize({entry.id: tick})[entry.id]
            for _ in range(300):
                value = random.uniform(-120.0, 120.0)
                ticks = bus._unnormalize({entry.id: value})[entry.id]
                ours = scale.dataset_to_ticks(value)
                # A goal that means a tick up to rounding is that tick here, the one below there.
                assert ours in (ticks, ticks + 1)
                compared, same = compared + 1, same + (ours == ticks)
    assert same >= 0.999 * compared > 0


def our_scale(entry, name, mode):
    from lerobot_drivers.motors.calibration import MotorCalibration as Ours
    from lerobot_drivers.motors.calibration import half_range

    ours = Ours(**{**entry.__dict__, 'drive_mode': 0})
    reach = half_range(ours)
    unit = GRIPPER_UNIT if name == GRIPPER else JointUnit(NormMode(mode), -reach, reach)
    return MotorScale(ours, unit)


@pytest.mark.parametrize('model', DYNAMIXEL_MODELS, ids=lambda model: model.name)
def test_registers_lie_where_lerobot_has_them(model):
    if model.name not in MODEL_CONTROL_TABLE:
        pytest.skip(f'LeRobot does not know the {model.name}')
    their = MODEL_CONTROL_TABLE[model.name]
    common = set(their) & set(model.registers)
    assert len(common) > 25
    for name in common:
        assert (model.registers[name].address, model.registers[name].size) == their[name], name
    assert MODEL_NUMBER_TABLE[model.name] == model.number
