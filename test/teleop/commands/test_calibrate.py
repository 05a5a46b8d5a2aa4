"""``lerobot-ros calibrate`` in a terminal, on emulated arms."""

from __future__ import annotations

import json

import pytest
from emulated import MIDDLE, SWEEP, EmulatedArm
from terminal_session import TerminalSession

from lerobot_drivers import cli
from lerobot_drivers.motors.calibration import load_calibration
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.aloha_arm import VIPERX
from lerobot_drivers.robots.lekiwi_plan import LEKIWI
from lerobot_drivers.robots.so_arm import JOINT_NAMES, SO_ARM

ALL = tuple(name for name in JOINT_NAMES if name != 'wrist_roll')


@pytest.fixture
def arm():
    with EmulatedArm('so101_follower') as made:
        yield made


@pytest.fixture
def flags(arm, tmp_path):
    return [
        'calibrate',
        '--robot.type=so101_follower',
        f'--robot.port={arm.port}',
        '--robot.id=mine',
        f'--robot.calibration_dir={tmp_path}',
    ]


def sweep(arm, terminal, *joints):
    """Move joints as far as they go, each position being read."""
    terminal.wait_for('position')
    for angle in SWEEP:
        arm.move(**{n: 0.8 + angle / 2 if n.endswith('gripper') else angle for n in joints})
        arm.wait_for_requests(2)


def held(arm):
    bus = SO_ARM.bus(SerialPort(arm.port), SO_ARM.motors)
    bus.connect()
    try:
        return bus.read_calibration(), set(bus.sync_read('Torque_Enable').values())
    finally:
        bus.disconnect()


def test_a_person_calibrates_an_arm_which_a_driver_takes_then(arm, flags, tmp_path):
    with TerminalSession(*flags) as terminal:
        terminal.wait_for('to the middle of its range of motion')
        arm.move(**MIDDLE)
        terminal.type()
        assert 'except wrist_roll one after the other' in terminal.wait_for('then press ENTER.')
        sweep(arm, terminal, *ALL[:-1])
        terminal.type()
        terminal.wait_for('gripper did not move\n')
        terminal.wait_for('Move those too')
        sweep(arm, terminal, 'gripper')
        terminal.type()
        assert terminal.end() == 0
        terminal.wait_for(f'saved to {tmp_path}/mine.json')
    made = load_calibration(tmp_path / 'mine.json')
    assert held(arm) == (made, {0})
    settings = {'type': 'so101_follower', 'id': 'mine', 'calibration_dir': tmp_path}
    robot = make_robot(RobotConfig(port=arm.port, **settings))
    robot.connect()
    robot.disconnect()


def test_a_hand_needs_no_middle(tmp_path):
    with EmulatedArm('hope_jr_hand_left') as hand:
        flags = ['--robot.type=hope_jr_hand', f'--robot.port={hand.port}', '--robot.id=mine']
        flags += ['--robot.side=left', f'--robot.calibration_dir={tmp_path}']
        with TerminalSession('calibrate', *flags) as terminal:
            told = terminal.wait_for('then press ENTER.')
            assert 'middle' not in told and 'except' not in told
            terminal.wait_for('position')
            for share in (0.0, 0.4, 0.8, 1.0):
                hand.move(**{j.name: share * j.upper for j in hand.arm.model.joints})
                hand.wait_for_requests(2 * len(hand.arm.model.joints))
            terminal.type()
            assert terminal.end() == 0
        made = load_calibration(tmp_path / 'mine.json')
        assert {name: vars(entry) for name, entry in made.items()} == hand.arm.calibration
        settings = {'type': 'hope_jr_hand', 'side': 'left', 'calibration_dir': tmp_path}
        robot = make_robot(RobotConfig(id='mine', port=hand.port, **settings))
        robot.connect()
        robot.disconnect()


def test_wheels_are_not_asked_for_and_hold_what_lerobot_gives_them(tmp_path):
    with EmulatedArm('lekiwi') as kiwi:
        flags = ['--robot.type=lekiwi', f'--robot.port={kiwi.port}', '--robot.id=mine']
        with TerminalSession(
            'calibrate', *flags, f'--robot.calibration_dir={tmp_path}'
        ) as terminal:
            terminal.wait_for('to the middle of its range of motion')
            kiwi.move(**{f'arm_{name}': angle for name, angle in MIDDLE.items()})
            terminal.type()
            assert 'except arm_wrist_roll one' in terminal.wait_for('then press ENTER.')
            sweep(kiwi, terminal, *(f'arm_{name}' for name in ALL))
            terminal.type()
            assert terminal.end() == 0
        made = load_calibration(tmp_path / 'mine.json')
        assert [made[name].id for name in LEKIWI.motors] == list(range(1, 10))
        wheels = [made[wheel.name] for wheel in LEKIWI.wheels]
        assert {(w.homing_offset, w.range_min, w.range_max) for w in wheels} == {(0, 0, 4095)}
        robot = make_robot(
            RobotConfig(type='lekiwi', id='mine', port=kiwi.port, calibration_dir=tmp_path)
        )
        robot.connect()
        modes = [robot.arm.bus.read('Operating_Mode', name) for name in LEKIWI.motors]
        assert modes == [0] * 6 + [1] * 3
        robot.disconnect()


def test_a_file_that_exists_is_written_into_the_motors_or_replaced(arm, flags, tmp_path):
    before, _ = held(arm)
    wanted = {name: {**vars(entry), 'homing_offset': 5} for name, entry in before.items()}
    (tmp_path / 'mine.json').write_text(json.dumps(wanted))
    with TerminalSession(*flags) as terminal:
        terminal.wait_for('calibrate anew:')
        terminal.type()
        assert terminal.end() == 0
    assert {entry.homing_offset for entry in held(arm)[0].values()} == {5}

    with TerminalSession(*flags) as terminal:
        terminal.wait_for('calibrate anew:')
        terminal.type('c')
        terminal.wait_for('to the middle')
        arm.move(**MIDDLE)
        terminal.type()
        terminal.wait_for('position')
        terminal.interrupt()
        assert terminal.end() == 130
        terminal.wait_for('interrupted')
    assert json.loads((tmp_path / 'mine.json').read_text()) == wanted
    entries, torque = held(arm)
    assert ({entry.homing_offset for entry in entries.values()}, torque) == ({5}, {0})


def test_an_arm_that_is_unplugged_is_told_and_nothing_is_written(arm, flags, tmp_path):
    (tmp_path / 'mine.json').write_text('{"shoulder_pan"')
    with TerminalSession(*flags) as terminal:
        assert 'is not valid JSON' in terminal.wait_for('to the middle')
        terminal.type()
        terminal.wait_for('position')
        arm.line.close()
        assert terminal.end() == 1
        terminal.wait_for('error:')
        terminal.wait_for('the device was unplugged')
        assert 'Traceback' not in terminal.shown
    assert (tmp_path / 'mine.json').read_text() == '{"shoulder_pan"'


@pytest.mark.parametrize(
    ('flags', 'told'),
    [
        ([], 'found neither'),
        (['--robot.type=so101_follower', '--teleop.type=so101_leader'], 'found robot and teleop'),
        (['--robot.type=so102_follower', '--robot.port=x'], 'so102_follower'),
        (['--robot.type=so101_follower'], '--robot.port is missing'),
        (['--robot.type=so101_follower', '--robot.port=/dev/ttyNONE'], 'there is no such port'),
        (['--dataset.repo_id=x'], 'unknown'),
    ],
)
def test_what_cannot_be_obeyed_is_told_in_a_line(flags, told, capsys):
    assert cli.main(['calibrate', *flags]) in (1, 2)
    shown = capsys.readouterr().err
    assert told in shown
    assert shown.startswith('error: ')


def test_both_arms_of_two_are_calibrated_one_after_the_other(tmp_path):
    zero = dict.fromkeys(VIPERX.names, 0.0) | {'gripper': 1.0}
    moved = {name: 1.0 for name in ('shoulder', 'elbow', 'wrist_angle')} | {'gripper': 1.5}
    with EmulatedArm('viperx') as left, EmulatedArm('viperx') as right:
        with TerminalSession(
            'calibrate',
            '--robot.type=aloha',
            f'--robot.left_arm_port={left.port}',
            f'--robot.right_arm_port={right.port}',
            '--robot.id=mine',
            f'--robot.calibration_dir={tmp_path}',
        ) as terminal:
            for side, arm in (('left', left), ('right', right)):
                terminal.wait_for(f'Move viperx mine_{side} to its zero pose: upper arm upright')
                arm.move(**zero)
                terminal.type()
                shown = terminal.wait_for('then press ENTER.')
                assert 'except waist, forearm_roll, wrist_rotate' in ' '.join(shown.split())
                terminal.wait_for('position')
                arm.move(**moved)
                arm.wait_for_requests(2)
                terminal.type()
                terminal.wait_for(f'calibration of viperx mine_{side} saved')
            assert terminal.end() == 0
        config = {'type': 'aloha', 'id': 'mine', 'calibration_dir': tmp_path}
        robot = make_robot(
            RobotConfig(left_arm_port=left.port, right_arm_port=right.port, **config)
        )
        robot.connect()
        observed = robot.get_observation()
        robot.disconnect()
    assert observed['left_elbow.pos'] == pytest.approx(1.0, abs=0.01)
    assert observed['right_gripper.pos'] == pytest.approx(1.0, abs=0.01)
