"""Which joint commands an arm obeys."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.command_gate import CommandGate
from lerobot_drivers.common.clock import NS_PER_S

NOW = 1_000 * NS_PER_S
JOINTS = ('pan', 'lift', 'gripper')


class Gate(CommandGate):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        super().__init__(JOINTS, max_age_s=0.5, warn=self.warnings.append)


@given(st.dictionaries(st.sampled_from(JOINTS), st.floats(-3, 3), min_size=1))
def test_goals_go_by_name_in_any_order(wanted: dict[str, float]) -> None:
    gate = Gate()
    goal = gate.take(list(wanted), list(wanted.values()), NOW, NOW)
    assert goal is not None
    for name, value in zip(JOINTS, goal, strict=True):
        assert value == wanted[name] if name in wanted else math.isnan(value)
    assert gate.warnings == []


def test_unknown_joints_are_ignored_and_warned_of_once() -> None:
    gate = Gate()
    for _ in range(3):
        goal = gate.take(['wheel', 'lift'], [9.0, 0.5], NOW, NOW)
        np.testing.assert_array_equal(goal, [math.nan, 0.5, math.nan])
    assert gate.take(['wheel'], [9.0], NOW, NOW) is None
    assert gate.warnings == [
        "joint command: unknown joint 'wheel' ignored; joints: pan, lift, gripper"
    ]
    assert gate.refused == {'unknown joint': 4}


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_leaves_that_joint_alone(bad: float) -> None:
    gate = Gate()
    goal = gate.take(['pan', 'lift'], [bad, 0.5], NOW, NOW)
    np.testing.assert_array_equal(goal, [math.nan, 0.5, math.nan])
    assert gate.take(['pan'], [bad], NOW, NOW + 6 * NS_PER_S) is None
    assert gate.refused == {'not finite': 1, 'stale': 1}
    assert 'pan is' in gate.warnings[0]


@pytest.mark.parametrize(
    ('stamp', 'obeyed'),
    [
        (0, True),
        (NOW, True),
        (NOW + NS_PER_S, True),
        (NOW - NS_PER_S // 2, True),
        (NOW - NS_PER_S // 2 - 1, False),
        (1, False),
    ],
)
def test_stale_commands_are_refused(stamp: int, obeyed: bool) -> None:
    gate = Gate()
    assert (gate.take(['pan'], [0.1], stamp, NOW) is not None) is obeyed
    assert bool(gate.warnings) is not obeyed


def test_the_same_fault_is_warned_of_every_five_seconds() -> None:
    gate = Gate()
    for tenth in range(0, 101):
        now = NOW + tenth * NS_PER_S // 10
        gate.take(['pan'], [0.1], now - NS_PER_S, now)
    assert len(gate.warnings) == 3
    assert gate.warnings[0].startswith('joint command refused: stamped 1.000 s ago')
    assert gate.refused == {'stale': 101}


def test_names_without_positions_are_refused() -> None:
    gate = Gate()
    assert gate.take(['pan', 'lift'], [0.1], NOW, NOW) is None
    assert gate.warnings == ['joint command refused: 2 names but 1 positions']
