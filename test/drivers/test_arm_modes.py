"""What an arm may do next: every state, every wish."""

from __future__ import annotations

import pytest

from lerobot_drivers.arm_modes import ArmState, Mode
from lerobot_drivers.common.errors import ModeError

READY, LIMP = ArmState(), ArmState(Mode.LIMP, False)
HOMING, CALIBRATING = ArmState(Mode.HOMING), ArmState(Mode.CALIBRATING, False)
STOPPED, STOPPED_LIMP = ArmState(Mode.STOPPED), ArmState(Mode.STOPPED, False)
EMERGENCY, EMERGENCY_LIMP = ArmState(Mode.EMERGENCY), ArmState(Mode.EMERGENCY, False)
ALL = (
    READY,
    LIMP,
    HOMING,
    CALIBRATING,
    STOPPED,
    STOPPED_LIMP,
    EMERGENCY,
    EMERGENCY_LIMP,
)
NO = None
WISHES = {
    'torque on': lambda state: state.with_torque(True),
    'torque off': lambda state: state.with_torque(False),
    'home': ArmState.homing,
    'stop': ArmState.stopped,
    'emergency, hold': lambda state: state.in_emergency(releases=False),
    'emergency, release': lambda state: state.in_emergency(releases=True),
    'resume': ArmState.resumed,
    'calibrate': ArmState.calibrating,
    'done': ArmState.done,
}
NEXT = {
    'torque on': (READY, READY, HOMING, NO, STOPPED, STOPPED, NO, NO),
    'torque off': (
        LIMP, LIMP, LIMP, CALIBRATING, STOPPED_LIMP, STOPPED_LIMP, EMERGENCY_LIMP, EMERGENCY_LIMP,
    ),
    'home': (HOMING, NO, HOMING, NO, NO, NO, NO, NO),
    'stop': (
        STOPPED, STOPPED_LIMP, STOPPED, STOPPED_LIMP, STOPPED, STOPPED_LIMP, EMERGENCY,
        EMERGENCY_LIMP,
    ),
    'emergency, hold': (
        EMERGENCY, EMERGENCY_LIMP, EMERGENCY, EMERGENCY_LIMP, EMERGENCY, EMERGENCY_LIMP, EMERGENCY,
        EMERGENCY_LIMP,
    ),
    'emergency, release': (EMERGENCY_LIMP,) * 8,
    'resume': (NO, NO, NO, NO, READY, LIMP, READY, LIMP),
    'calibrate': (CALIBRATING, CALIBRATING, NO, NO, NO, NO, NO, NO),
    'done': (READY, LIMP, READY, LIMP, STOPPED, STOPPED_LIMP, EMERGENCY, EMERGENCY_LIMP),
}  # fmt: skip
CASES = [
    (wish, state, after)
    for wish, row in NEXT.items()
    for state, after in zip(ALL, row, strict=True)
]


@pytest.mark.parametrize(('wish', 'state', 'after'), CASES, ids=str)
def test_every_wish_in_every_state(wish: str, state: ArmState, after: ArmState | None) -> None:
    if after is None:
        with pytest.raises(ModeError):
            WISHES[wish](state)
    else:
        assert WISHES[wish](state) == after


def test_only_what_is_ready_obeys_and_all_else_says_how_that_ends() -> None:
    assert [state for state in ALL if not state.refusal] == [READY]
    for state in ALL[1:]:
        assert 'service' in state.refusal
    with pytest.raises(ModeError, match='it does not move: it was stopped; the service resume'):
        STOPPED.homing()


def test_no_wish_but_torque_on_makes_a_limp_arm_hold() -> None:
    for wish, state, after in CASES:
        if after is not None and not state.torque and wish != 'torque on':
            assert not after.torque, (wish, state)
