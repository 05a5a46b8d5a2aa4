from __future__ import annotations

import pytest

from lerobot_recorder.disagreements.names import check_names
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan


def told(state, action) -> list[str]:
    features = {
        'observation.state': {'topic': '/joint_states', 'joints': list(state)},
        'action': {'topic': '/joint_commands', 'joints': list(action)},
    }
    return [str(one) for one in check_names(RowPlan(build_mapping({'features': features}, 'x')))]


def test_the_same_joints_in_the_same_order():
    assert told('abc', 'abc') == []


@pytest.mark.parametrize(
    ('state', 'action', 'expected'),
    [
        ('abc', 'bca', '/joint_commands has them in another order than /joint_states'),
        ('abc', 'ab', '/joint_commands lacks c.pos of /joint_states; name in both'),
        ('ab', 'abz', 'has z.pos, which /joint_states has not'),
        ('ab', 'az', 'lacks b.pos of /joint_states and has z.pos, which'),
        (['follower_a', 'follower_b'], ['leader_b', 'leader_a'],
         '/joint_commands and /joint_states differ by what stands around them, such as '
         'leader_b.pos, follower_b.pos'),
        ('abc', '012', 'shares none with /joint_states: it has 0.pos, 1.pos, 2.pos, there are a'),
        ('abcdefg', 'z', 'there are a.pos, b.pos, c.pos, d.pos and 3 more'),
    ],
)  # fmt: skip
def test_joints_that_differ(state, action, expected):
    (line,) = told(state, action)
    assert line.startswith('joints of action: ') and expected in line


def test_velocities_beside_positions_are_not_missed_in_the_action():
    speeds = {'topic': '/joint_states', 'joints': ['a'], 'field': 'velocity'}
    state = {'sources': [{'topic': '/joint_states', 'joints': ['a']}, speeds]}
    action = {'topic': '/joint_commands', 'joints': ['a']}
    mapping = build_mapping({'features': {'observation.state': state, 'action': action}}, 'x')
    assert check_names(RowPlan(mapping)) == []


def test_what_is_no_joint_is_not_compared():
    assert told('abc', ['linear.x', 'angular.z']) == []


def test_without_an_action_there_is_nothing_to_compare():
    features = {'observation.state': {'topic': '/joint_states', 'joints': ['a']}}
    assert check_names(RowPlan(build_mapping({'features': features}, 'x'))) == []
