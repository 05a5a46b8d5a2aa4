"""The serial port on real pseudo-terminals."""

import os
import pty
import threading
import tty

import pytest

from lerobot_drivers.common.errors import BusError, DeviceError, NotConnectedError
from lerobot_drivers.motors.port import SerialPort


class Line:
    """A pseudo-terminal: our port at one end, a device at the other."""

    def __init__(self):
        self._ends = list(pty.openpty())
        self.device, slave = self._ends
        tty.setraw(slave)
        self.port = SerialPort(os.ttyname(slave))

    def unplug(self):
        while self._ends:
            os.close(self._ends.pop())


@pytest.fixture
def line():
    made = Line()
    yield made
    made.port.close()
    made.unplug()


def test_bytes_pass_both_ways(line):
    device, port = line.device, line.port
    port.open()
    port.write(b'\xff\xff\x00\x03\x04')
    assert os.read(device, 10) == b'\xff\xff\x00\x03\x04'
    os.write(device, bytes(range(256)))
    assert port.read(256, 1.0) == bytes(range(256))
    assert port.is_open


def test_read_waits_for_all_bytes_but_not_longer(line):
    device, port = line.device, line.port
    port.open()
    sender = threading.Timer(0.05, os.write, (device, b'cd'))
    os.write(device, b'ab')
    sender.start()
    assert port.read(4, 5.0) == b'abcd'
    sender.join()
    assert port.read(4, 0.01) == b''


def test_flush_forgets_what_came(line):
    device, port = line.device, line.port
    port.open()
    os.write(device, b'stale')
    assert port.read(1, 1.0) == b's'
    port.flush_input()
    assert port.read(4, 0.01) == b''


def test_unplugging_says_so_and_closes(line):
    port = line.port
    port.open()
    line.unplug()
    with pytest.raises(DeviceError, match='unplugged') as caught:
        port.write(b'x')
        port.read(1, 0.05)
    assert not isinstance(caught.value, BusError)
    assert not port.is_open
    with pytest.raises(DeviceError, match='not open'):
        port.flush_input()


def test_unplugging_wakes_a_waiting_read(line):
    line.port.open()
    unplugger = threading.Timer(0.05, line.unplug)
    unplugger.start()
    with pytest.raises(DeviceError, match='unplugged'):
        line.port.read(1, 10.0)
    unplugger.join()


def test_a_port_that_is_not_there():
    with pytest.raises(NotConnectedError, match='no such port; check the cable') as caught:
        SerialPort('/dev/ttyACM_none').open()
    assert list(caught.value.failures) == ['/dev/ttyACM_none']


def test_a_port_without_permission(tmp_path):
    if os.geteuid() == 0:
        pytest.skip('root may open everything')
    path = tmp_path / 'tty'
    path.touch(mode=0)
    with pytest.raises(NotConnectedError, match='dialout'):
        SerialPort(str(path)).open()


def test_permission_is_explained():
    from lerobot_drivers.motors import port

    assert 'dialout' in port.why_not(PermissionError(13, 'Permission denied'))


def test_a_port_in_use(line):
    port = line.port
    port.open()
    with pytest.raises(NotConnectedError, match='another program has it open'):
        SerialPort(port.name).open()


def test_a_file_that_is_no_port(tmp_path):
    path = tmp_path / 'file'
    path.touch()
    with pytest.raises(NotConnectedError, match='cannot be opened'):
        SerialPort(str(path)).open()


def test_closing_twice_is_harmless(line):
    port = line.port
    port.open()
    port.close()
    port.close()
    assert not port.is_open
    with pytest.raises(DeviceError, match='connect first'):
        port.read(1, 0.1)
