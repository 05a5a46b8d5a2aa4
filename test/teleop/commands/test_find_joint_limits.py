"""``lerobot-ros find-joint-limits`` on simulated arms."""

from __future__ import annotations

import re

import pytest
from terminal_session import TerminalSession

from lerobot_drivers import cli
from lerobot_drivers.sim.client import SimClient

TYPES = {'so101': 'so101_follower so101_leader', 'koch': 'koch_follower koch_leader'}


def flags(kind, **more):
    robot, teleop = TYPES[kind].split()
    return [
        'find-joint-limits',
        f'--robot.type={robot}',
        f'--robot.port=sim://limits/{kind}-follower',
        f'--teleop.type={teleop}',
        f'--teleop.port=sim://limits/{kind}-leader',
        *(f'--{name}={value}' for name, value in more.items()),
    ]


def limits(shown, name):
    return [
        [float(number) for number in re.search(rf'{end}_{name} = \[(.*)\]', shown)[1].split(',')]
        for end in ('min', 'max')
    ]


@pytest.mark.parametrize('kind', TYPES)
def test_what_was_reached_is_told(kind, capsys):
    assert cli.main(flags(kind, warmup_time_s=0.2, teleop_time_s=1.5)) == 0
    shown = capsys.readouterr().out
    low, high = limits(shown, 'pos')
    assert len(low) == 6
    assert all(a <= b for a, b in zip(low, high, strict=True))
    assert max(b - a for a, b in zip(low, high, strict=True)) > 1.0
    assert ('max_ee' in shown) == (kind == 'so101')
    if kind == 'so101':
        assert all(-0.6 < value < 0.7 for ends in limits(shown, 'ee') for value in ends)
    with SimClient('limits') as world:  # limp afterwards
        assert world.truth(f'{kind}-follower')['goal'] == {}


def test_ctrl_c_ends_it_with_what_was_seen():
    with TerminalSession(*flags('so101', warmup_time_s=0.1, teleop_time_s=60)) as terminal:
        terminal.wait_for('go to all limits')
        terminal.wait_for('gripper')
        terminal.interrupt()
        assert terminal.end() == 0
        terminal.wait_for('max_pos = [')
    with TerminalSession(*flags('so101', warmup_time_s=60)) as terminal:
        terminal.wait_for('nothing is noted yet')
        terminal.interrupt()
        assert terminal.end() == 1
        terminal.wait_for('it ended before anything was noted')


@pytest.mark.parametrize(
    ('more', 'told'),
    [
        ({'urdf_path': 'a.urdf'}, 'is built in'),
        ({'control_loop_fps': 0}, 'a number above 0'),
        ({'teleop_time_s': 'x'}, 'a number of seconds'),
        ({'dataset.fps': 3}, 'dataset'),
    ],
)
def test_what_cannot_be_obeyed_is_told(more, told, capsys):
    assert cli.main(flags('so101', **more)) == 2
    assert told in capsys.readouterr().err


def test_the_robot_must_be_named(capsys):
    assert cli.main(['find-joint-limits', '--teleop.type=so101_leader']) == 2
    assert 'name a --robot.type' in capsys.readouterr().err


def test_a_hand_without_an_operator_goes_limp_and_is_moved_by_hand():
    robot = ['--robot.type=hope_jr_hand', '--robot.side=left', '--robot.port=sim://limits/hand']
    times = ['--warmup_time_s=0.1', '--teleop_time_s=60']
    with (
        SimClient('limits') as world,
        TerminalSession('find-joint-limits', *robot, *times) as terminal,
    ):
        terminal.wait_for('goes limp: hold it')
        terminal.type()
        terminal.wait_for('go to all limits')
        for angle in (0.0, 0.7):
            for _ in range(2):
                terminal.wait_for('pinky_pip_dip')
            world.inject('hand', 'push', joints={'index_radial_flexor': angle})
        for _ in range(2):
            terminal.wait_for('pinky_pip_dip')
        assert world.truth('hand')['goal'] == {}
        terminal.interrupt()
        assert terminal.end() == 0
    low, high = limits(terminal.shown, 'pos')
    assert (low[4], high[4]) == pytest.approx((0.0, 0.7 / 0.7854 * 100), abs=1.0)
    assert low[5] == high[5]


def test_an_arm_that_is_unplugged_ends_it_with_what_was_seen():
    with (
        SimClient('limits') as world,
        TerminalSession(*flags('koch', warmup_time_s=0.1, teleop_time_s=60)) as terminal,
    ):
        terminal.wait_for('go to all limits')
        terminal.wait_for('gripper')
        world.inject('koch-follower', 'unplug')
        assert terminal.end() == 1
        terminal.wait_for('max_pos = [')
        terminal.wait_for('error: ')
        assert 'Traceback' not in terminal.shown
        world.inject('koch-follower', 'replug')
