from __future__ import annotations

import numpy as np
import pytest
from bus_frames import packet, split, word

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.factory import factory_calibration
from lerobot_drivers.sim.kinematics import JOINT_NAMES
from lerobot_drivers.sim.servo import RAD_PER_TICK
from lerobot_drivers.sim.so_arm import REST
from lerobot_drivers.sim.wire import Request, RequestParser

START_NS = 1_700_000_000_000_000_000
BAUD = 1_000_000
MS = 1_000_000
TORQUE_ON = packet(0xFE, 0x83, 40, 1, *(v for i in range(1, 7) for v in (i, 1)))


def ask(arm: SimArm, raw: bytes, ms: float) -> bytes:
    (request,) = RequestParser().feed(raw)
    return arm.transact(request, START_NS + round(ms * MS), BAUD).data


def move(arm: SimArm, joint: int, ticks: int, ms: float) -> None:
    ask(arm, packet(0xFE, 0x83, 42, 2, joint, ticks & 0xFF, ticks >> 8), ms)


def moving_arm() -> SimArm:
    arm = SimArm('follower', 'so101_follower', START_NS)
    ask(arm, TORQUE_ON, 0)
    move(arm, 1, 2600, 10)
    return arm


def test_factory_calibration_is_repeatable_differs_and_is_not_trivial():
    one, again, other = (factory_calibration(d) for d in ('left', 'left', 'right'))
    assert one == again != other
    for fields in one.values():
        assert abs(fields.homing_offset) > 100
        assert 0 <= fields.range_min < fields.range_max <= 4095
    assert (one['wrist_roll'].range_min, one['wrist_roll'].range_max) == (0, 4095)


@pytest.mark.parametrize('model', ['so101_follower', 'so101_leader'])
def test_the_calibrated_middle_is_angle_zero(model):
    arm = SimArm('x', model, START_NS)
    stamp_ns = START_NS + 500 * MS
    for joint, status in enumerate(
        split(ask(arm, packet(0xFE, 0x82, 56, 2, 1, 2, 3, 4, 5, 6), 500.0))
    ):
        name, fields = JOINT_NAMES[joint], arm.calibration[JOINT_NAMES[joint]]
        low, high = fields['range_min'], fields['range_max']
        if name == 'gripper':
            share = (word(status, 5) - low) / (high - low)
            angle = -0.174533 + share * (1.74533 + 0.174533)
        else:
            angle = (word(status, 5) - (low + high) / 2) * 2 * np.pi / 4095
        assert angle == pytest.approx(arm.state(stamp_ns)[0][joint], abs=4e-3)


def test_a_follower_rests_until_it_is_driven():
    arm = SimArm('f', 'so101_follower', START_NS)
    assert arm.state(START_NS + 60_000 * MS)[0] == pytest.approx(np.array(REST))


def test_truth_does_not_depend_on_when_it_is_asked_for():
    often, once = moving_arm(), moving_arm()
    for ms in range(10, 400, 3):
        often.state(START_NS + ms * MS)
    stamp = START_NS + 333 * MS + 123_456
    for arm in (often, once):
        arm.state(START_NS + 700 * MS)
    assert often.state(stamp)[0] == pytest.approx(once.state(stamp)[0], abs=1e-12)


def test_the_past_is_remembered_and_smooth():
    arm = moving_arm()
    arm.state(START_NS + 1000 * MS)
    times = START_NS + np.arange(20, 900, 0.5) * MS
    pan = np.array([arm.state(int(t))[0][0] for t in times])
    speed = np.array([arm.state(int(t))[1][0] for t in times])
    assert np.abs(np.diff(pan) / 0.0005 - (speed[1:] + speed[:-1]) / 2).max() < 0.08
    assert pan[-1] > 0.5


def test_sampling_happens_when_each_servos_reply_begins():
    arm = SimArm('lead', 'so101_leader', START_NS)
    request = packet(0xFE, 0x82, 56, 15, 1, 2, 3, 4, 5, 6)
    for ms in range(1000, 3000, 97):
        statuses = split(ask(arm, request, ms))
        for joint, status in enumerate(statuses):
            at = START_NS + ms * MS + (len(request) + 21 * joint) * 10_000
            fields = arm.calibration[JOINT_NAMES[joint]]
            middle = (fields['range_min'] + fields['range_max']) / 2
            if joint < 5:
                ticks = middle + arm.state(at)[0][joint] / RAD_PER_TICK
                assert abs(word(status, 5) - ticks) <= 0.5 + 1e-6


def test_push_moves_what_is_limp():
    arm = SimArm('f', 'so101_follower', START_NS)
    arm.inject('push', START_NS + 100 * MS, {'joints': {'elbow_flex': 0.25}})
    assert arm.state(START_NS + 200 * MS)[0][2] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ('fault', 'arguments'),
    [('explode', {}), ('delay', {'minutes': 3}), ('push', {'joints': {'tail': 1.0}})],
)
def test_unknown_faults_are_refused(fault, arguments):
    with pytest.raises(ConfigError, match=fault):
        SimArm('f', 'so101_follower', START_NS).inject(fault, START_NS, arguments)


def test_clear_ends_faults():
    arm = SimArm('f', 'so101_follower', START_NS)
    arm.inject('silence', START_NS, {})
    assert ask(arm, packet(1, 1), 1) == b''
    arm.inject('clear', START_NS, {})
    assert ask(arm, packet(1, 1), 2) == packet(1, 0)


def test_a_model_that_is_not_known():
    with pytest.raises(ConfigError, match='so101_follower'):
        SimArm('f', 'toaster', START_NS)


def test_the_goal_is_told_in_truth():
    arm = moving_arm()
    goal = arm.truth(START_NS + 50 * MS)['goal']
    fields = arm.calibration['shoulder_pan']
    middle = (fields['range_min'] + fields['range_max']) / 2
    assert goal['shoulder_pan'] == pytest.approx((2600 - middle) * RAD_PER_TICK)
    assert Request(1, 1, b'').size == 6
