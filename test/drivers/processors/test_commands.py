"""Commands in rad, steps in the dataset's units."""

from __future__ import annotations

import math

import pytest

from lerobot_drivers.common.errors import ConfigError, ProcessorError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.processors.commands import CommandProcessor
from lerobot_drivers.processors.factory import make_pipeline

JOINTS = (
    JointSpec('pan', unit=JointUnit(NormMode.DEGREES)),
    JointSpec('jaw', unit=JointUnit(NormMode.RANGE_0_100, 0.0, 2.0)),
)
KEYS = ('pan.pos', 'jaw.pos')


def commands(*entries, keys=KEYS, **more) -> CommandProcessor:
    return CommandProcessor(make_pipeline('robot_action', entries), keys, JOINTS, **more)


def test_without_steps_a_command_stays_as_it_is():
    assert commands().command(['pan', 'x'], [0.1, 0.2]) == (['pan', 'x'], [0.1, 0.2])


def test_steps_see_the_units_of_the_dataset():
    limits = {'type': 'clip_joints_processor', 'limits': {'pan': [-45, 45], 'jaw': [0, 50]}}
    names, positions = commands(limits).command(['pan', 'jaw'], [math.pi / 2, 1.5])
    assert names == ['pan', 'jaw'] and positions == pytest.approx([math.pi / 4, 1.0])


def test_a_leader_with_joints_of_other_names_can_lead():
    rename = {'type': 'rename_actions_processor', 'rename_map': {'base.pos': 'pan.pos'}}
    base = JointSpec('base', unit=JointUnit(NormMode.DEGREES))
    made = commands(rename, keys=['base.pos'], others=[base])
    assert made.command(['base'], [0.5]) == (['pan'], [pytest.approx(0.5)])


def test_what_is_no_joint_of_the_robot_is_refused():
    rename = {'type': 'rename_actions_processor', 'rename_map': {'pan.pos': 'base.pos'}}
    with pytest.raises(
        ConfigError, match=r'its outcome is base.pos, jaw.pos, but the robot has pan'
    ):
        commands(rename)


def test_what_is_no_finite_number_is_no_command():
    grow = {'type': 'scale_joints_processor', 'scale': {'pan': 1e308}}
    with pytest.raises(ProcessorError, match=r'pan.pos became inf, expected a finite number'):
        commands(grow).command(['pan', 'jaw'], [1.0, 1.0])


def test_a_step_may_give_joints_in_any_order(tmp_path):
    path = tmp_path / 'turning_steps.py'
    path.write_text(
        'from lerobot_drivers.processors import RobotActionProcessorStep\n'
        'class Turn(RobotActionProcessorStep):\n'
        '    def action(self, action):\n'
        '        return dict(reversed(action.items()))\n'
    )
    made = commands(f'{path}:Turn')
    assert list(made.process({'pan.pos': 1.0, 'jaw.pos': 2.0}).items()) == [
        ('pan.pos', 1.0),
        ('jaw.pos', 2.0),
    ]
