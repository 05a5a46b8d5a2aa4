"""The simulated Reachy 2: what is stiff follows its goals, a base stops on silence."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.sim.reachy2_body import SPEED, ReachyBody


@pytest.fixture
def clock():
    return ManualClock(1_000_000_000)


@pytest.fixture
def body(clock):
    return ReachyBody(clock)


def angle(body, name):
    return body.truth()['position'][name]


def test_what_is_stiff_goes_to_its_goal_no_faster_than_it_can(body, clock):
    body.set_torque('l_arm', True)
    body.set_goals({'l_arm': {'elbow': {'pitch': -2.0}}})
    clock.advance(0.1)
    assert angle(body, 'l.elbow.pitch') == pytest.approx(-0.1 * SPEED)
    body.set_limit('l_arm', 'speed_limit', 0.5)
    clock.advance(0.1)
    assert angle(body, 'l.elbow.pitch') == pytest.approx(-0.15 * SPEED)
    clock.advance(5.0)
    assert angle(body, 'l.elbow.pitch') == pytest.approx(-2.0)
    assert angle(body, 'r.elbow.pitch') == angle(body, 'l.elbow.yaw') == 0.0


def test_what_is_limp_stays_where_it_is(body, clock):
    body.set_goals({'head': {'neck': {'yaw': 1.0}}})
    clock.advance(1.0)
    assert angle(body, 'head.neck.yaw') == 0.0
    assert body.truth()['stiff'] == []


@pytest.mark.parametrize(('part', 'actuator', 'jumps'), [('arm', 'elbow', 0), ('hand', 'hand', 1)])
def test_arms_take_their_goals_from_where_they_are_hands_do_not(
    body, clock, part, actuator, jumps
):
    body.set_goals({f'r_{part}': {actuator: {body.actuators['r'][actuator].axes[0]: 0.3}}})
    body.set_torque(f'r_{part}', True)
    clock.advance(1.0)
    name = f'r.{actuator}.{body.actuators["r"][actuator].axes[0]}'
    assert angle(body, name) == pytest.approx(0.3 * jumps)


def test_a_hand_can_be_pushed_and_its_goal_stays(body, clock):
    body.push('r_hand', 'hand', [0.7])
    assert angle(body, 'r.hand.finger') == pytest.approx(0.7)
    body.set_torque('r_hand', True)
    clock.advance(1.0)
    assert angle(body, 'r.hand.finger') == pytest.approx(0.0)


def test_a_base_obeys_for_a_fifth_of_a_second_in_the_mode_for_it(body, clock):
    body.set_speed((0.5, 0.0, 0.0))
    clock.advance(0.1)
    assert body.truth()['base']['pose'] == [0.0, 0.0, 0.0]
    body.set_mode('CMD_VEL')
    body.set_speed((0.5, 0.2, 0.0))
    clock.advance(0.1)
    assert body.truth()['base']['speed'] == [0.5, 0.2, 0.0]
    clock.advance(10.0)
    assert body.truth()['base'] == {
        'pose': pytest.approx([0.1, 0.04, 0.0]),
        'speed': [0.0, 0.0, 0.0],
    }


def test_everything_that_it_is_told_is_in_its_log(body):
    body.set_torque('l_arm', True)
    body.set_goals({'l_arm': {'elbow': {'pitch': -0.2}}})
    assert [entry['call'] for entry in body.log] == ['TurnOn', 'goals']
    assert body.log[1]['goals'] == {'l_arm': {'elbow': {'pitch': -0.2}}}
