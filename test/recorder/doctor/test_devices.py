"""The doctor looks at ports and cameras."""

from __future__ import annotations

import grp
import os
import pty

import pytest

from lerobot_drivers.common.health import Level
from lerobot_recorder.doctor import devices
from lerobot_recorder.doctor.devices import check_cameras, check_group, check_ports


@pytest.fixture
def port():
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_can_be_opened_is_fine(port):
    (finding,) = check_ports([port])
    assert (finding.level, finding.text) == (Level.OK, 'can be opened')


def test_a_port_without_permission_tells_the_group(port, monkeypatch):
    monkeypatch.setattr(devices.os, 'access', lambda path, mode: False)
    (finding,) = check_ports([port])
    group = grp.getgrgid(os.stat(port).st_gid).gr_name
    assert (finding.level, finding.text) == (Level.ERROR, 'permission denied')
    assert finding.advice.startswith(f'sudo usermod -aG {group} $USER')


def test_who_joined_the_group_but_did_not_log_in_since_is_told_so(port, monkeypatch):
    entry = grp.struct_group(('dialout', 'x', 20, ['me']))
    monkeypatch.setattr(devices.grp, 'getgrgid', lambda number: entry)
    monkeypatch.setenv('USER', 'me')
    assert 'me is in the group dialout, but not in this session' in check_group(port, [])
    assert check_group(port, [os.stat(port).st_gid]).startswith('sudo usermod -aG dialout')


def test_a_port_that_is_gone_and_none_at_all(tmp_path):
    (finding,) = check_ports([str(tmp_path / 'ttyACM0')])
    assert (finding.level, 'there is no such port' in finding.text) == (Level.ERROR, True)
    (finding,) = check_ports([])
    assert finding.level is Level.WARN


def test_cameras(tmp_path, monkeypatch):
    (finding,) = check_cameras(tmp_path)
    assert finding.level is Level.WARN
    (tmp_path / 'video0').symlink_to('/dev/null')
    (tmp_path / 'video1').write_text('')
    fine, odd = check_cameras(tmp_path)
    assert (fine.level, odd.level, odd.text) == (Level.OK, Level.WARN, 'is no device')
    monkeypatch.setattr(devices.os, 'access', lambda path, mode: False)
    assert check_cameras(tmp_path)[0].level is Level.ERROR
