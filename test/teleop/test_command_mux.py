"""The command mux: who commands, and hand-over without a jump."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.units import JointSpec
from lerobot_teleop.command_mux import MAX_STEP_S, CommandMux, Source

MS = 1_000_000
TELEOP = Source('teleop', 100, 0.25)
POLICY = Source('policy', 50, 0.5)
JOINTS = (
    JointSpec('pan', lower=-2.0, upper=2.0, velocity=3.0),
    JointSpec('lift', lower=-1.0, upper=1.5, velocity=1.0),
)


def make_mux(joints: tuple[JointSpec, ...] = JOINTS) -> CommandMux:
    mux = CommandMux([TELEOP, POLICY], joints)
    mux.on_measured({'pan': 0.0, 'lift': 0.0, 'free': 0.0})
    return mux


def settle(mux: CommandMux, source: str, positions: dict[str, float], now: int) -> int:
    """Command until the output has met the source; return the time then [ns]."""
    for _ in range(1000):
        if mux.on_command(source, positions, now) == positions:
            return now
        now += 20 * MS
    raise AssertionError('never met')


def test_starts_at_the_measured_pose_and_meets_the_source() -> None:
    mux = make_mux()
    assert mux.on_command('teleop', {'pan': 0.1, 'lift': 0.1}, 0) == {'pan': 0.0, 'lift': 0.0}
    output = mux.on_command('teleop', {'pan': 0.1, 'lift': 0.1}, 20 * MS)
    assert output == pytest.approx({'pan': 0.06, 'lift': 0.02})
    settle(mux, 'teleop', {'pan': 0.1, 'lift': 0.1}, 40 * MS)


def test_follows_the_source_as_it_is_once_it_has_met_it() -> None:
    mux = make_mux()
    now = settle(mux, 'teleop', {'pan': 0.1}, 0)
    assert mux.on_command('teleop', {'pan': 1.9}, now + MS) == {'pan': 1.9}


def test_a_joint_meets_the_source_on_its_own() -> None:
    mux = make_mux()
    mux.on_command('teleop', {'pan': 0.0, 'lift': 1.0}, 0)
    output = mux.on_command('teleop', {'pan': 1.0, 'lift': 1.0}, 10 * MS)
    assert output == pytest.approx({'pan': 1.0, 'lift': 0.01})


def test_higher_priority_takes_over_at_once_and_without_a_jump() -> None:
    mux = make_mux()
    now = settle(mux, 'policy', {'pan': 1.0}, 0)
    assert mux.on_command('teleop', {'pan': -1.0}, now + MS) == {'pan': 1.0}
    assert mux.active(now + MS) == 'teleop'
    assert mux.on_command('policy', {'pan': 1.0}, now + 2 * MS) is None
    output = mux.on_command('teleop', {'pan': -1.0}, now + 11 * MS)
    assert output == pytest.approx({'pan': 1.0 - 0.03})


def test_lower_priority_waits_for_the_timeout() -> None:
    mux = make_mux()
    now = settle(mux, 'teleop', {'pan': 1.0}, 0)
    assert mux.on_command('policy', {'pan': 0.0}, now + 250 * MS) is None
    assert mux.on_command('policy', {'pan': 0.0}, now + 251 * MS) == {'pan': 1.0}
    assert mux.active(now + 251 * MS) == 'policy'


def test_among_equals_who_commands_keeps_commanding() -> None:
    mux = CommandMux([Source('a', 1, 0.1), Source('b', 1, 0.1)])
    assert mux.on_command('a', {'pan': 1.0}, 0) == {'pan': 1.0}
    assert mux.on_command('b', {'pan': 2.0}, MS) is None
    assert mux.on_command('b', {'pan': 2.0}, 101 * MS) == {'pan': 2.0}
    assert mux.on_command('a', {'pan': 1.0}, 102 * MS) is None


def test_nobody_is_active_when_all_are_silent() -> None:
    mux = make_mux()
    assert mux.active(0) is None
    mux.on_command('policy', {'pan': 0.0}, 0)
    assert mux.active(500 * MS) == 'policy'
    assert mux.active(501 * MS) is None


def test_a_source_that_fell_silent_comes_back_without_a_jump() -> None:
    mux = make_mux()
    now = settle(mux, 'teleop', {'pan': 1.0}, 0) + 10_000 * MS
    assert mux.on_command('teleop', {'pan': -1.0}, now) == {'pan': 1.0}
    # A stall in mid hand-over does not make up for lost time in one step either.
    output = mux.on_command('teleop', {'pan': -1.0}, now + 200 * MS)
    assert output == pytest.approx({'pan': 1.0 - 3.0 * MAX_STEP_S})


def test_after_a_silence_it_starts_from_the_goal_that_the_driver_holds() -> None:
    mux = make_mux()
    now = settle(mux, 'teleop', {'pan': 1.0, 'lift': 0.5}, 0)
    mux.on_sent({'pan': -0.5, 'lift': math.nan}, now + 5000 * MS)
    output = mux.on_command('teleop', {'pan': 1.0, 'lift': 0.5}, now + 6000 * MS)
    assert output == pytest.approx({'pan': -0.5, 'lift': 0.5})


def test_a_goal_sent_before_our_last_output_does_not_count() -> None:
    mux = make_mux()
    mux.on_sent({'pan': -0.5}, 0)
    now = settle(mux, 'teleop', {'pan': 1.0}, MS)
    assert mux.on_command('teleop', {'pan': 1.0}, now + 6000 * MS) == {'pan': 1.0}


def test_commands_are_clamped_to_the_joints_limits() -> None:
    mux = make_mux((JointSpec('pan', -2.0, 2.0), JointSpec('lift', -1.0, 1.5)))
    assert mux.on_command('teleop', {'pan': 9.0, 'lift': -9.0}, 0) == {'pan': 2.0, 'lift': -1.0}


def test_an_arm_found_beyond_a_limit_is_brought_back_slowly() -> None:
    mux = make_mux()
    mux.on_measured({'pan': 2.5})
    assert mux.on_command('teleop', {'pan': 9.0}, 0) == {'pan': 2.5}
    assert mux.on_command('teleop', {'pan': 9.0}, 10 * MS) == pytest.approx({'pan': 2.47})


def test_without_a_pose_a_limited_joint_waits() -> None:
    mux = CommandMux([TELEOP], JOINTS)
    assert mux.on_command('teleop', {'pan': 1.0}, 0) is None
    assert mux.waiting == ('pan',)
    mux.on_measured({'pan': 0.9})
    assert mux.on_command('teleop', {'pan': 1.0}, 10 * MS) == pytest.approx({'pan': 0.93})
    assert mux.waiting == ()


def test_without_limits_commands_pass_as_they_are() -> None:
    mux = CommandMux([TELEOP, POLICY])
    assert mux.on_command('policy', {'pan': 7.0}, 0) == {'pan': 7.0}
    assert mux.on_command('teleop', {'pan': -7.0}, MS) == {'pan': -7.0}


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_a_command_with_a_number_that_is_none_is_no_sign_of_life(bad: float) -> None:
    mux = make_mux()
    now = settle(mux, 'policy', {'pan': 0.5}, 0)
    assert mux.on_command('teleop', {'pan': bad, 'lift': 0.0}, now + MS) is None
    assert mux.on_command('teleop', {}, now + MS) is None
    assert mux.rejected == 2
    assert mux.on_command('policy', {'pan': 0.6}, now + 2 * MS) == {'pan': 0.6}


@dataclass(frozen=True)
class Event:
    source: str
    after_ms: int
    positions: dict[str, float]


positions = st.dictionaries(
    st.sampled_from(['pan', 'lift', 'free']),
    st.one_of(st.floats(-3, 3), st.just(math.nan)),
    max_size=3,
)
event = st.builds(Event, st.sampled_from(['teleop', 'policy']), st.integers(0, 700), positions)


LONG_AGO = -(10**12)
TIMEOUTS = {'teleop': 250 * MS, 'policy': 500 * MS}


@given(st.lists(event, max_size=60))
def test_never_two_sources_never_a_jump_at_a_hand_over(events: list[Event]) -> None:
    mux = make_mux()
    now = last_output = 0
    heard = {'teleop': LONG_AGO, 'policy': LONG_AGO}
    held = {'pan': 0.0, 'lift': 0.0}
    met: set[str] = set()
    commanding = ''
    for item in events:
        now += item.after_ms * MS
        output = mux.on_command(item.source, item.positions, now)
        alive = {name: now - heard[name] <= TIMEOUTS[name] for name in heard}
        valid = bool(item.positions) and all(map(math.isfinite, item.positions.values()))
        if valid:
            heard[item.source] = now
        if not valid or (item.source == 'policy' and alive['teleop']):
            assert output is None
            continue
        assert output is not None
        assert set(output) == set(item.positions)
        assert mux.active(now) == item.source
        if commanding != item.source or not alive[item.source]:
            met, last_output = set(), now
        commanding = item.source
        for joint in JOINTS:
            if joint.name not in output:
                continue
            want = joint.clamp(item.positions[joint.name])
            got, before = output[joint.name], held[joint.name]
            assert joint.lower <= got <= joint.upper
            step = joint.velocity * min((now - last_output) / 1e9, MAX_STEP_S)
            if joint.name in met:
                assert got == want
            elif abs(want - before) <= step:
                assert got == want
                met.add(joint.name)
            else:
                assert abs(got - before) == pytest.approx(step)
                assert abs(want - got) <= abs(want - before)
            held[joint.name] = got
        last_output = now


@given(st.floats(-2, 2), st.floats(-2, 2), st.lists(st.integers(1, 240), min_size=1, max_size=80))
def test_a_hand_over_keeps_the_velocity_limit_at_every_step(
    start: float, want: float, steps_ms: list[int]
) -> None:
    mux = make_mux()
    now = settle(mux, 'policy', {'pan': start}, 0)
    last = start
    output = mux.on_command('teleop', {'pan': want}, now)
    for step_ms in steps_ms:
        assert output is not None
        last = output['pan']
        now += step_ms * MS
        output = mux.on_command('teleop', {'pan': want}, now)
        assert output is not None
        assert abs(output['pan'] - last) <= 3.0 * step_ms / 1000 + 1e-9
        assert abs(want - output['pan']) <= abs(want - last)
