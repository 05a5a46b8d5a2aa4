"""``lerobot-ros doctor``: a table, and an exit code."""

from __future__ import annotations

import pytest

from lerobot_drivers import cli
from lerobot_drivers.common.health import Level
from lerobot_recorder.commands import doctor
from lerobot_recorder.findings import Finding

FINE = Finding(Level.OK, 'disk', '80.0 GiB free')
POOR = Finding(Level.WARN, 'cameras', 'none', 'plug one in')
BAD = Finding(Level.ERROR, '/dev/ttyACM0', 'permission denied', 'sudo usermod -aG dialout $USER')


@pytest.mark.parametrize(
    ('found', 'code', 'told'),
    [
        ([FINE, POOR], 0, '0 of 2 checks failed, 1 with a warning'),
        ([FINE, POOR, BAD], 1, '1 of 3 checks failed, 1 with a warning'),
    ],
)
def test_errors_give_an_exit_code_and_what_to_do(found, code, told, monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'examine', lambda: found)
    assert cli.main(['doctor']) == code
    shown = capsys.readouterr().out
    assert told in shown
    assert all(finding.subject in shown for finding in found)
    assert ('dialout' in shown) == (code == 1)


def test_this_machine_is_looked_at(capsys):
    assert cli.main(['doctor']) in (0, 1)
    shown = capsys.readouterr().out
    for subject in ('disk', 'clock', 'encoder', 'hub', 'rclpy'):
        assert f' {subject} ' in shown


def test_it_takes_no_flags(capsys):
    assert cli.main(['doctor', '--dataset.repo_id=x/y']) == 2
