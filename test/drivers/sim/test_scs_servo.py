from __future__ import annotations

import pytest

from lerobot_drivers.sim import scs_servo as reg
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.hope_jr_hand import RIGHT_HAND
from lerobot_drivers.sim.scs_servo import ScsServo, ScsSpec
from lerobot_drivers.sim.wire import RequestParser, checksum

PLAIN = ScsSpec(
    id=3, range_min=200, range_max=800, zero=200, ticks_per_rad=400, lower=0, upper=1.5, volts=6.0
)
TURNED = ScsSpec(
    id=4, range_min=200, range_max=800, zero=800, ticks_per_rad=-400, lower=0, upper=1.5, volts=6.0
)


def write(servo, address, value, size=2):
    servo.write(address, value.to_bytes(size, 'big'))


def word(servo, address):
    return int.from_bytes(servo.read(address, 2), 'big')


def run(servo, seconds=2.0):
    for _ in range(round(seconds / 0.002)):
        servo.step(0.002)


@pytest.mark.parametrize(('spec', 'sign'), [(PLAIN, 1), (TURNED, -1)])
def test_it_goes_to_its_goal_and_tells_of_it(spec, sign):
    servo = ScsServo(spec, 0.5)
    start = word(servo, reg.PRESENT_POSITION)
    assert start == round(spec.zero + sign * 200)
    write(servo, reg.GOAL_POSITION, start + sign * 200)
    run(servo, 0.2)
    assert word(servo, reg.PRESENT_POSITION) == start  # no torque
    write(servo, reg.TORQUE_ENABLE, 1, 1)
    run(servo, 0.06)
    speed = word(servo, reg.PRESENT_SPEED)
    assert speed >> 15 == (sign < 0) and speed & 0x7FFF > 50
    run(servo)
    assert word(servo, reg.PRESENT_POSITION) == start + sign * 200
    assert servo.angle == pytest.approx(1.0)
    assert servo.read(reg.PRESENT_VOLTAGE, 2)[0] == 60


def test_goals_are_kept_within_the_limits_and_speed_and_time_are_obeyed():
    servo = ScsServo(PLAIN, 0.5)
    write(servo, reg.TORQUE_ENABLE, 1, 1)
    write(servo, reg.GOAL_SPEED, 100)
    write(servo, reg.GOAL_POSITION, 1000)
    run(servo, 0.5)
    assert 30 < word(servo, reg.PRESENT_POSITION) - 400 < 60
    write(servo, reg.GOAL_SPEED, 0)
    write(servo, reg.GOAL_TIME, 4000)
    write(servo, reg.GOAL_POSITION, 1000)
    run(servo, 2)
    assert 550 < word(servo, reg.PRESENT_POSITION) < 700
    write(servo, reg.GOAL_TIME, 0)
    run(servo)
    assert word(servo, reg.PRESENT_POSITION) == 800


def test_limits_persist_when_the_lock_is_open_and_torque_does_not():
    servo = ScsServo(PLAIN, 0.5)
    write(servo, reg.MIN_POSITION, 111)
    servo.power_cycle()
    assert word(servo, reg.MIN_POSITION) == 200
    write(servo, reg.LOCK, 0, 1)
    write(servo, reg.MIN_POSITION, 111)
    write(servo, reg.TORQUE_ENABLE, 1, 1)
    servo.power_cycle()
    assert word(servo, reg.MIN_POSITION) == 111
    assert servo.read(reg.TORQUE_ENABLE, 1) == b'\0'
    assert word(servo, reg.GOAL_POSITION) == word(servo, reg.PRESENT_POSITION)


def request(*body):
    frame = bytes([0xFF, 0xFF, *body])
    return RequestParser().feed(frame + bytes([checksum(frame[2:])]))[0]


@pytest.mark.parametrize(
    ('asked', 'answered'),
    [
        (request(3, 2, 1), True),
        (request(0xFE, 2, 1), False),
        (request(3, 4, 2, 56, 2), True),
        (request(0xFE, 6, 0x82, 56, 2, 1, 2), False),
    ],
)
def test_a_hand_answers_each_alone_and_nobody_who_asks_all(asked, answered):
    hand = SimArm('hand', 'hope_jr_hand_right', 0)
    assert bool(hand.transact(asked, 0, 1_000_000).data) is answered


def test_every_servo_of_a_hand_turns_its_joint_to_where_it_is_bent():
    hand = SimArm('hand', 'hope_jr_hand_right', 0)
    for joint in RIGHT_HAND.joints:
        entry = hand.calibration[joint.name]
        goal = entry['range_min'] if joint.drive_mode else entry['range_max']
        for address, data in ((40, [1]), (42, [*goal.to_bytes(2, 'big')])):
            hand.transact(request(joint.id, 3 + len(data), 3, address, *data), 0, 1_000_000)
    found = hand.truth(3_000_000_000)['position']
    assert found == pytest.approx({joint.name: joint.upper for joint in RIGHT_HAND.joints})
