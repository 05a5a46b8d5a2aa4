"""``lerobot-ros setup-motors`` in a terminal, on an emulated arm."""

from __future__ import annotations

import pytest
from emulated import EmulatedArm
from terminal_session import TerminalSession

from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.so_arm import JOINT_NAMES, SO_ARM

HURRY = """
from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.setup_tools import motor_setup
motor_setup.WAIT_S = 0.1
FeetechMotorsBus.baud_codes = {1_000_000: 0, 500_000: 1}
"""
"""Few rates, for a time that an answer keeps to on a busy machine too."""


@pytest.fixture
def arm():
    with EmulatedArm('so101_follower') as made:
        made.inject('factory')
        yield made


def session(arm):
    flags = ('--robot.type=so101_follower', f'--robot.port={arm.port}')
    return TerminalSession('setup-motors', *flags, before=HURRY)


def test_a_person_connects_one_motor_after_the_other(arm):
    with session(arm) as terminal:
        terminal.wait_for('the gripper motor only')
        terminal.type()
        terminal.wait_for('more than one motor answers')
        for name in reversed(JOINT_NAMES):
            terminal.wait_for(f'{name} motor only and press ENTER')
            arm.inject('only', joints=[name])
            terminal.type()
            number = JOINT_NAMES.index(name) + 1
            terminal.wait_for(f'{name}: id {number} (it had id 1 at 1000000 baud)')
        assert terminal.end() == 0
    arm.inject('clear')
    bus = SO_ARM.bus(SerialPort(arm.port), SO_ARM.motors)
    bus.connect()
    bus.disconnect()


def test_ctrl_c_and_a_lost_adapter_end_it_in_a_line(arm):
    with session(arm) as terminal:
        terminal.wait_for('press ENTER')
        terminal.interrupt()
        assert terminal.end() == 130
    with session(arm) as terminal:
        terminal.wait_for('press ENTER')
        arm.line.close()
        terminal.type()
        assert terminal.end() == 1
        terminal.wait_for('error: /dev/')
        assert 'Traceback' not in terminal.shown
