"""Motors get their ids one by one, on emulated arms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from emulated import DirectPort, EmulatedArm

from lerobot_drivers.common.errors import BusError, NotConnectedError
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.aloha_arm import VIPERX
from lerobot_drivers.robots.hope_jr_arm import HOPE_JR_ARM
from lerobot_drivers.robots.hope_jr_hand import HANDS
from lerobot_drivers.robots.koch_arm import KOCH_FOLLOWER
from lerobot_drivers.robots.so_arm import SO_ARM
from lerobot_drivers.setup_tools.motor_setup import FoundMotor, MotorSetup

PLANS = {'so101_follower': SO_ARM, 'koch_follower': KOCH_FOLLOWER}
SOLD = {'so101_follower': 1_000_000, 'koch_follower': 57_600}


@pytest.fixture(params=list(PLANS))
def model(request):
    return request.param


@pytest.fixture
def arm(model):
    with EmulatedArm(model) as made:
        made.inject('factory')
        yield made


@pytest.fixture
def setup(arm, model):
    return MotorSetup(DirectPort(arm), PLANS[model])


def test_every_motor_gets_its_id_and_the_rate_of_the_arm(arm, setup, model):
    names = [joint.name for joint in setup.joints]
    assert names == list(PLANS[model].motors)[::-1]
    for joint in setup.joints:
        arm.inject('only', joints=[joint.name])
        found = setup.find()
        assert found == [FoundMotor(1, SOLD[model])]
        assert setup.problem(joint, found) == ''
        setup.assign(joint, found[0])
        assert setup.find() == [FoundMotor(joint.motor.id, 1_000_000)]
    arm.inject('clear')
    arm.inject('power_cycle')
    bus = PLANS[model].bus(SerialPort(arm.port), PLANS[model].motors)
    bus.connect()
    bus.disconnect()


def test_motors_that_are_found_at_other_rates_and_ids_are_set_up_too(arm, setup, model):
    joint = setup.joints[0]
    arm.inject('only', joints=[joint.name])
    setup.assign(joint, setup.find()[0])
    bus = PLANS[model].bus(SerialPort(arm.port), {joint.name: joint.motor})
    bus.connect()
    bus.disable_torque()
    code = PLANS[model].bus.baud_codes[115_200]
    with pytest.raises(BusError):
        bus.write('Baud_Rate', joint.name, code)
        bus.read('ID', joint.name)
    bus.disconnect()
    again = MotorSetup(DirectPort(arm), PLANS[model])
    assert again.find() == [FoundMotor(joint.motor.id, 115_200)]
    again.assign(joint, again.find()[0])
    assert again.find() == [FoundMotor(joint.motor.id, 1_000_000)]


def test_more_than_one_motor_is_noticed_at_any_rate(arm, setup, model):
    gripper, wrist, *_ = setup.joints
    arm.inject('only', joints=['gripper', 'wrist_roll'])
    assert setup.find() == [FoundMotor(1, SOLD[model])] * 2
    assert 'more than one motor answers: id 1 at' in setup.problem(gripper, setup.find())
    arm.inject('only', joints=['gripper'])
    setup.assign(gripper, setup.find()[0])
    assert 'the motor of gripper answers (id 6)' in setup.problem(wrist, setup.find())
    arm.inject('only', joints=['gripper', 'wrist_roll'])
    told = setup.problem(wrist, setup.find())
    assert 'id 6 at 1000000 baud' in told
    assert f'id 1 at {SOLD[model]} baud' in told
    assert 'connect the wrist_roll motor only' in told


def test_no_motor_and_no_port_are_told_apart(arm, setup):
    arm.inject('only', joints=[])
    assert 'no motor answers' in setup.problem(setup.joints[0], setup.find())
    arm.line.close()
    with pytest.raises(NotConnectedError):
        setup.find()


@pytest.mark.parametrize('model', ['koch_follower'])
def test_a_motor_of_another_model_is_named(arm, setup):
    arm.inject('only', joints=['shoulder_pan'])
    assert setup.problem(setup.joints[0], setup.find()) == (
        'this is a xl430-w250, but the gripper of a Koch follower has a xl330-m288'
    )


@pytest.mark.parametrize('model', ['so101_follower'])
def test_a_motor_that_forgets_at_once_is_no_success(arm, setup):
    arm.inject('only', joints=['gripper'])
    found = setup.find()
    arm.inject('silence', ids=[6])
    with pytest.raises(BusError, match='could not read ID of all motors'):
        setup.assign(setup.joints[0], found[0])


def test_whom_a_motor_obeys_beside_itself_is_set_up_too():
    with EmulatedArm('viperx') as arm:
        arm.inject('factory')
        setup = MotorSetup(DirectPort(arm), VIPERX)
        for joint in setup.joints:
            arm.inject('only', joints=[joint.name])
            sold = {joint.name: replace(joint.motor, id=1)}
            bus = VIPERX.bus(SerialPort(arm.port), sold)
            bus.port.baudrate = 57_600
            bus.port.open()
            bus.write('Secondary_ID', joint.name, 7)
            bus.disconnect()
            setup.assign(joint, FoundMotor(1, 57_600))
        arm.inject('clear')
        bus = VIPERX.bus(SerialPort(arm.port), VIPERX.motors)
        bus.connect()
        held = bus.sync_read('Secondary_ID')
        bus.disconnect()
    shadows = {'shoulder_shadow': 2, 'elbow_shadow': 4}
    assert held == {name: shadows.get(name, 255) for name in VIPERX.motors}


def test_motors_that_hear_no_ping_to_all_are_asked_one_id_after_the_other():
    hand = HANDS['left']
    with EmulatedArm('hope_jr_hand_left') as arm:
        arm.inject('factory')
        setup = MotorSetup(DirectPort(arm), hand)
        arm.inject('only', joints=['thumb_cmc', 'pinky_pip_dip'])
        assert 'more than one' in setup.problem(hand.joints[0], setup.find())
        arm.inject('only', joints=['pinky_pip_dip'])
        joint = setup.joints[0]
        assert joint.name == 'pinky_pip_dip'
        found = setup.find()
        assert (found, setup.problem(joint, found)) == ([FoundMotor(1, 1_000_000)], '')
        setup.assign(joint, found[0])
        arm.inject('power_cycle')
        assert setup.find() == [FoundMotor(16, 1_000_000)]


def test_motors_of_another_byte_order_and_of_another_parts_list_are_told_apart():
    with EmulatedArm('hope_jr_arm') as arm:
        arm.inject('only', joints=['shoulder_pitch'])
        setup = MotorSetup(DirectPort(arm), HANDS['left'])
        assert setup.problem(HANDS['left'].joints[0], setup.find()) == (
            'this is a sm8512bl, but the thumb_cmc of a HOPE Jr left hand has a scs0009'
        )
        setup = MotorSetup(DirectPort(arm), HOPE_JR_ARM)
        assert setup.problem(HOPE_JR_ARM.joints[1], setup.find()) == (
            'this is a sm8512bl, but the shoulder_yaw of a HOPE Jr arm has a sts3250 or sts3215'
        )
    with EmulatedArm('so101_follower') as arm:
        arm.inject('only', joints=['shoulder_pan'])
        setup = MotorSetup(DirectPort(arm), HOPE_JR_ARM)
        assert setup.problem(HOPE_JR_ARM.joints[1], setup.find()) == ''
