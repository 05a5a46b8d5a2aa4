from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_signals import action, signal, state

from lerobot_drivers.common.health import Level
from lerobot_drivers.common.units import NormMode
from lerobot_recorder.disagreements.pairs import Pair
from lerobot_recorder.disagreements.values import check_values

QUIET = ['action /action: the state follows it after about 120 ms']


def told(*signals) -> list[str]:
    return [str(finding) for finding in check_values(signals)]


def times(signal, factors):
    return replace(signal, values=signal.values * np.array(factors))


def test_a_robot_that_follows_its_commands_is_as_it_should_be():
    assert told(state(), action()) == QUIET
    assert [one.level for one in check_values([state(), action()])] == [Level.OK]


@pytest.mark.parametrize(
    ('factors', 'expected'),
    [
        ([57.2958, 1, 1], 'a: the command is in degrees, the state in radians'),
        ([1, 1 / 57.2958, 1], 'b: the command is in radians, the state in degrees'),
        ([1, 1, 25], 'c: the command spans 44 where the state'),
        ([1, -1, 1], 'b: the command moves the other way than the state'),
    ],
)
def test_units_scales_and_signs_of_one_joint(factors, expected):
    lines = told(state(), times(action(), factors))
    assert any(line.startswith(f'action /action: {expected[:40]}') for line in lines), lines
    assert sum('follows it' not in line for line in lines) <= 2


def test_another_zero():
    away = replace(action(), values=action().values + np.array([0, 0, 3.0]))
    assert 'action /action: c: the command lies +3 beside the state: another zero' in told(
        state(), away
    )[0]  # fmt: skip


def test_degrees_are_guessed_by_the_range_of_most_joints():
    turned = replace(state(), values=state().values * 90)
    assert 'a, b, c: values up to' in told(turned)[0]
    assert 'degrees, or counts?' in told(turned)[0]
    assert told(replace(turned, modes=(NormMode.DEGREES,) * 3)) == []
    wheels = replace(
        turned, names=('wheel_a', 'wheel_b', 'c'), values=state().values * [90, 90, 1]
    )
    assert told(wheels) == []


def test_an_action_that_is_the_state_over_again():
    mirror = replace(state(), feature='action', topic='/mirror')
    assert told(state(), mirror) == [
        'action /mirror: is observation.state /state over again: no command at all; name the '
        'topic of the commands (--topics.action), or the state one row later'
    ]
    every_second = replace(
        mirror, values=mirror.values[::2], arrivals_ns=mirror.arrivals_ns[::2],
        headers_ns=mirror.headers_ns[::2],
    )  # fmt: skip
    assert 'over again' in told(state(), every_second)[0]


def test_one_topic_as_state_and_action_is_meant_so():
    assert told(state(), replace(state(), feature='action')) == []


def test_what_never_changes():
    assert 'state /state: never changes' in told(replace(state(), is_still=True))[0]
    assert 'nobody who commands' in told(replace(action(), is_still=True))[0]


def test_a_joint_that_is_commanded_and_never_moves():
    stuck = state()
    stuck.values[:, 1] = 0.3
    assert told(stuck, action())[0].startswith(
        'action /action: b: commanded to move, but /state says it never does'
    )


def test_a_state_that_runs_ahead_of_its_command():
    late = told(state(delay_s=0.0), action(delay_s=0.2))
    assert late[0].startswith('action /action: comes 200 ms after the state that follows it')


@pytest.mark.parametrize('delay_s', [0.04, 0.12, 0.4])
def test_the_lag_is_that_of_the_robot(delay_s):
    pair = Pair(state(delay_s=delay_s), action())
    assert pair.lag_s == pytest.approx(delay_s, abs=pair.step_s)


def test_strangers_have_no_lag():
    other = signal('action', names=('a', 'b', 'c'))
    noise = np.random.default_rng(1).normal(size=other.values.shape)
    assert Pair(state(), replace(other, values=noise)).lag_s is None


def test_quaternions_that_are_not_of_length_one():
    pose = signal('observation.pose', names=('orientation.x',))
    count = len(pose.values)
    assert told(replace(pose, norms=np.full((count, 1), 1.001))) == []
    assert 'not of length 1 (up to 2)' in told(replace(pose, norms=np.full((count, 1), 2.0)))[0]


def test_names_that_occur_twice():
    assert told(replace(state(), doubled=('a',)))[0].startswith(
        'observation.state /state: its messages name a twice'
    )


def test_messages_that_carry_some_joints_only():
    half = state(hz=200.0)
    half.values[::2, 0] = half.values[1::2, 1:] = np.nan
    assert told(half, action()) == QUIET
    half.values[:, 2] = np.nan  # never at all
    assert told(half, action())[-1:] == QUIET


def test_stamps_that_are_nonsense_do_no_harm():
    streams = state(), action()
    for one in streams:
        one.headers_ns[0] = 1
        one.headers_ns[-1] = 9 * 10**18
    assert told(*streams) == QUIET


def test_few_messages_tell_nothing():
    few = replace(state(), values=state().values[:5] * 90, arrivals_ns=state().arrivals_ns[:5],
                  headers_ns=state().headers_ns[:5])  # fmt: skip
    assert told(few, action()) == []
