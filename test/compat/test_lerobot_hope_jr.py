"""Real LeRobot on the emulated HOPE Jr: same registers, same values, same goals as ours."""

import random

import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
pytest.importorskip('scservo_sdk', reason='feetech-servo-sdk is not installed')

import scservo_sdk as scs
from emulated import DirectPort, EmulatedArm
from lerobot.motors.feetech.tables import MODEL_CONTROL_TABLE, MODEL_NUMBER_TABLE
from lerobot.robots.hope_jr import HopeJrArm, HopeJrArmConfig, HopeJrHand, HopeJrHandConfig
from lerobot.robots.hope_jr.hope_jr_hand import LEFT_HAND_INVERSIONS, RIGHT_HAND_INVERSIONS
from lerobot_twins import as_floats, connect_patiently, settle

from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.motors.feetech_tables import FEETECH_MODELS
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.hope_jr_arm import HOPE_JR_ARM
from lerobot_drivers.robots.hope_jr_hand import HANDS
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun
from lerobot_drivers.setup_tools.motor_setup import MotorSetup
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.lerobot

WORLD = 'compat-hope-jr'
GOAL, PRESENT = 42, 56
SIDES = ('arm', 'right', 'left')
LIMITS = {'arm': (-120.0, 120.0), 'right': (-10.0, 110.0), 'left': (-10.0, 110.0)}
each_side = pytest.mark.parametrize('side', SIDES)


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


class Twins:
    """LeRobot's driver and ours for one emulated robot and one calibration file."""

    def __init__(self, world, folder, side, device):
        self.world, self.device, self.side = world, device, side
        kind = 'hope_jr_arm' if side == 'arm' else 'hope_jr_hand'
        attached = world.attach_arm(device, kind if side == 'arm' else f'{kind}_{side}')
        save_calibration(folder / 'twin.json', parse_calibration(attached.calibration, device))
        shared = {
            'id': 'twin',
            'calibration_dir': folder,
            'disable_torque_on_disconnect': False,
        }
        self.port = attached.port
        if side == 'arm':
            self.lerobot = HopeJrArm(HopeJrArmConfig(port=attached.port, **shared))
        else:
            shared['side'] = side
            self.lerobot = HopeJrHand(HopeJrHandConfig(port=attached.port, **shared))
        port = f'sim://{WORLD}/{device}'
        self.ours = make_robot(RobotConfig(type=kind, port=port, **shared))

    def connect_lerobot(self):
        # Who made a packet handler last decides how all of a process read words.
        self.lerobot.bus.packet_handler = scs.PacketHandler(self.lerobot.bus.protocol_version)
        connect_patiently(self.lerobot)

    def goals(self):
        """Return the goal registers written last, by id."""
        writes = [w for w in self.world.registers(self.device) if w['address'] == GOAL]
        order = 'little' if self.side == 'arm' else 'big'
        return {w['id']: int.from_bytes(bytes(w['data']), order) for w in writes}


def patiently(ask):
    """Ask once more where a loaded machine delays a reply, which LeRobot does not."""
    for attempt in range(5):
        try:
            return ask()
        except ConnectionError:
            if attempt == 4:
                raise


@each_side
def test_both_move_it_and_read_the_same(world, tmp_path, side):
    twins = Twins(world, tmp_path, side, f'same-{side}')
    names = list(twins.ours.action_features)
    assert names == list(twins.lerobot.action_features)
    assert twins.ours.name == twins.lerobot.name
    twins.connect_lerobot()
    assert patiently(lambda: twins.lerobot.is_calibrated)
    twins.lerobot.send_action({name: 12.0 + 2.0 * at for at, name in enumerate(names)})
    seen = settle(twins.lerobot.get_observation)
    for at, name in enumerate(names):
        assert seen[name] == pytest.approx(12.0 + 2.0 * at, abs=3.0)
    twins.lerobot.disconnect()

    twins.ours.connect()
    assert twins.ours.is_calibrated
    assert as_floats(twins.ours.get_observation()) == pytest.approx(as_floats(seen), abs=1e-9)
    twins.ours.send_action(dict.fromkeys(names, 30.0))
    ours = settle(twins.ours.get_observation)
    assert ours != seen
    twins.ours.disconnect()

    twins.connect_lerobot()
    again = settle(twins.lerobot.get_observation)
    twins.lerobot.disconnect()
    assert as_floats(again) == pytest.approx(as_floats(ours), abs=1e-9)


@each_side
def test_the_same_action_gives_the_same_goal_registers(world, tmp_path, side):
    twins = Twins(world, tmp_path, side, f'goals-{side}')
    random.seed(7)
    names = list(twins.ours.action_features)
    actions = [{name: random.uniform(*LIMITS[side]) for name in names} for _ in range(20)]
    goals = {}
    for driver in (twins.lerobot, twins.ours):
        driver.connect() if driver is twins.ours else twins.connect_lerobot()
        goals[driver] = []
        for action in actions:
            driver.send_action(dict(action))
            patiently(driver.get_observation)
            goals[driver].append(twins.goals())
        driver.disconnect()
    assert goals[twins.lerobot] == goals[twins.ours]


@each_side
def test_it_is_configured_as_lerobot_does(world, tmp_path, side):
    found = []
    for whose in ('theirs', 'ours'):
        twins = Twins(world, tmp_path, side, f'{whose}-{side}')
        if whose == 'theirs':
            twins.connect_lerobot()
            twins.lerobot.disconnect()
        else:
            twins.ours.connect()
            twins.ours.disconnect()
        found.append(registers(twins))
    assert found[0] == found[1]
    assert set(found[0]['Torque_Enable'].values()) == {1}
    if side == 'arm':
        assert set(found[0]['Acceleration'].values()) == {30}


def registers(twins):
    """Return all registers that a driver may set, by name and joint."""
    plan = twins.ours.arm.plan
    bus = plan.bus(SerialPort(twins.port), plan.motors)
    bus.connect()
    factory = ('Homing_Offset', 'Min_Position_Limit', 'Max_Position_Limit', 'Goal_Position')
    names = [
        name
        for name, register in bus.models[plan.names[0]].registers.items()
        if (7 <= register.address < PRESENT or register.address > 80) and name not in factory
    ]
    try:
        return {name: {j: bus.read(name, j) for j in plan.names} for name in names}
    finally:
        bus.disconnect()


@each_side
def test_lerobot_takes_what_our_tools_set_up_and_calibrated_without_asking(
    side, tmp_path, monkeypatch
):
    monkeypatch.setattr('builtins.input', lambda *_: pytest.fail('LeRobot asks'))
    plan = HOPE_JR_ARM if side == 'arm' else HANDS[side]
    with EmulatedArm('hope_jr_arm' if side == 'arm' else f'hope_jr_hand_{side}') as arm:
        set_up(arm, plan)
        made = calibrate(arm, plan)
        save_calibration(tmp_path / 'mine.json', made)
        shared = {'port': arm.port, 'id': 'mine', 'calibration_dir': tmp_path}
        if side == 'arm':
            device = HopeJrArm(HopeJrArmConfig(**shared))
        else:
            device = HopeJrHand(HopeJrHandConfig(side=side, **shared))
        found = {name: vars(entry) for name, entry in device.calibration.items()}
        assert found == {name: vars(entry) for name, entry in made.items()}
        before = (tmp_path / 'mine.json').read_bytes()
        device._save_calibration()
        assert (tmp_path / 'mine.json').read_bytes() == before
        connect_patiently(device)
        assert patiently(lambda: device.is_calibrated)
        device.bus.port_handler.closePort()


def set_up(arm, plan):
    arm.inject('factory')
    setup = MotorSetup(DirectPort(arm), plan)
    for joint in setup.joints:
        arm.inject('only', joints=[joint.name])
        setup.assign(joint, setup.find()[0])
    arm.inject('clear')


def calibrate(arm, plan):
    """Calibrate as a person does; return what goes into the file."""
    bus = plan.bus(SerialPort(arm.port), plan.motors)
    bus.connect()
    run = CalibrationRun(bus, plan)
    run.begin()
    joints = arm.arm.model.joints
    arm.move(**{joint.name: joint.lower + (joint.upper - joint.lower) / 2 for joint in joints})
    run.home()
    for share in (0.0, 0.3, 0.7, 1.0):
        span = {joint.name: joint.upper - joint.lower for joint in joints}
        arm.move(**{joint.name: joint.lower + share * span[joint.name] for joint in joints})
        run.watch()
    made = run.finish()
    bus.disconnect()
    return made


def test_hands_are_turned_where_lerobot_says():
    for side, turned in (('right', RIGHT_HAND_INVERSIONS), ('left', LEFT_HAND_INVERSIONS)):
        assert {j.name for j in HANDS[side].joints if j.drive_mode} == set(turned)


def test_registers_lie_where_lerobot_has_them():
    for model in FEETECH_MODELS:
        their = MODEL_CONTROL_TABLE[model.name]
        common = set(their) & set(model.registers)
        assert len(common) > 25
        for name in common:
            assert (model.registers[name].address, model.registers[name].size) == their[name], name
        assert MODEL_NUMBER_TABLE[model.name] == model.number
