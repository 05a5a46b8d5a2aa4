"""``lerobot-ros find-port``: the port whose cable a person pulls."""

from __future__ import annotations

import os
import pty

import pytest
from terminal_session import TerminalSession

from lerobot_drivers import cli
from lerobot_drivers.commands.find_port import find_port
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.command_line import make_console
from lerobot_drivers.common.errors import DeviceError, UsageError
from lerobot_drivers.common.prompt import Prompt
from lerobot_drivers.setup_tools.ports import stable_name

ARM, OTHER = '/dev/ttyACM0', '/dev/ttyUSB0'


def found(capsys, *views, answers=2):
    """Return the port and what was shown; each view lasts for one look, the last for all."""
    left = list(views)
    read, write = os.pipe()
    os.write(write, b'\n' * answers)
    os.close(write)
    try:
        lister = lambda: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
        port = find_port(Prompt(make_console(), read), lister, ManualClock())
    finally:
        os.close(read)
    return port, capsys.readouterr().out


def test_the_port_that_goes_is_that_of_the_cable(capsys):
    both, rest = [ARM, OTHER], [OTHER]
    port, shown = found(capsys, both, both, rest, rest, rest, both)
    assert port == ARM
    assert f'the port of this arm is {ARM}' in shown
    assert f'{ARM} is back' in shown


def test_one_that_comes_back_under_another_name_or_not_at_all_is_told(capsys):
    _, shown = found(capsys, [ARM], [], [], ['/dev/ttyACM1'])
    assert 'it came back as /dev/ttyACM1' in shown
    _, shown = found(capsys, [ARM], [])
    assert 'is not back yet' in shown


@pytest.mark.parametrize(
    ('views', 'told'),
    [
        ([[]], 'no serial port of an adapter is here'),
        ([[ARM, OTHER]], f'no port has gone .there are: {ARM}, {OTHER}'),
        ([[ARM, OTHER], []], f'2 ports have gone: {ARM}, {OTHER}'),
    ],
)
def test_what_tells_no_port_is_an_error(capsys, views, told):
    with pytest.raises(DeviceError, match=told):
        found(capsys, *views)


def test_an_input_that_ends_is_told(capsys):
    with pytest.raises(UsageError, match='run in a terminal'):
        found(capsys, [ARM], answers=0)


def test_the_name_that_a_port_keeps(tmp_path):
    port, folder = tmp_path / 'ttyACM0', tmp_path / 'by-id'
    port.touch()
    assert stable_name(str(port), folder) is None
    folder.mkdir()
    (folder / 'usb-gone').symlink_to(tmp_path / 'gone')
    (folder / 'usb-arm').symlink_to(port)
    assert stable_name(str(port), folder) == str(folder / 'usb-arm')


LISTER = """
import os, lerobot_drivers.setup_tools.ports as ports
ports.list_ports = lambda: [path for path in {paths!r} if os.path.exists(path)]
"""


def test_a_person_pulls_a_cable(tmp_path):
    masters, paths = [], []
    for _ in range(2):
        master, slave = pty.openpty()
        paths.append(os.ttyname(slave))
        masters += [master, slave]
    with TerminalSession('find-port', before=LISTER.format(paths=paths)) as terminal:
        terminal.wait_for('Unplug the USB cable')
        for descriptor in masters[:2]:
            os.close(descriptor)
        terminal.type()
        terminal.wait_for(f'the port of this arm is {paths[0]}')
        terminal.wait_for('Plug it in again')
        terminal.interrupt()
        assert terminal.end() == 130
    for descriptor in masters[2:]:
        os.close(descriptor)


def test_it_takes_no_flags(capsys):
    assert cli.main(['find-port', '--robot.type=so101_follower']) == 2
    assert 'robot' in capsys.readouterr().err
