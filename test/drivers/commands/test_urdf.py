"""``lerobot-ros urdf``: prints what the node publishes."""

from __future__ import annotations

import pytest
from source_files import ROOT

from lerobot_drivers import cli
from lerobot_drivers.urdf.models import robot_urdf


@pytest.mark.parametrize(
    ('flags', 'name'),
    [
        (['--robot.type=lekiwi'], 'lekiwi'),
        (['--teleop.type=so101_leader'], 'so101_leader'),
        (['--robot.type=hope_jr_hand', '--robot.side=left'], 'hope_jr_hand_left'),
        ([f'--config_path={ROOT / "config/koch.yaml"}'], 'koch_follower'),
    ],
)
def test_it_prints_a_document(capsys, flags, name):
    assert cli.main(['urdf', *flags]) == 0
    assert capsys.readouterr().out == robot_urdf(name)


def test_of_a_configured_robot_what_has_no_states_stands_still(capsys):
    assert cli.main(['urdf', f'--config_path={ROOT / "config/lekiwi_sim.yaml"}']) == 0
    shown = capsys.readouterr().out
    assert '<joint name="base_left_wheel" type="fixed">' in shown
    assert '<joint name="arm_gripper" type="revolute">' in shown
    assert '<joint name="base_left_wheel" type="continuous">' in robot_urdf('lekiwi')


@pytest.mark.parametrize(
    ('flags', 'code', 'told'),
    [
        (['--robot.type=lekiwo'], 1, 'there is no URDF of a lekiwo (did you mean lekiwi?)'),
        (['--robot.type=hope_jr_hand', '--robot.side=up'], 1, 'with side up'),
        ([], 2, '--robot.type, --teleop.type or a file'),
    ],
)
def test_what_cannot_be_printed_is_one_line(capsys, flags, code, told):
    assert cli.main(['urdf', *flags]) == code
    out, err = capsys.readouterr()
    assert not out and err.startswith('error: ') and told in err
