"""The doctor looks at disk, clock, encoder and Hub."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import HubError
from lerobot_drivers.common.health import Level
from lerobot_recorder.disk_room import GIB
from lerobot_recorder.doctor import machine
from lerobot_recorder.doctor.machine import (
    check_clock,
    check_disk,
    check_encoder,
    check_hub,
    clock_is_synchronised,
)
from lerobot_recorder.encoder_choice import Need

NOW = 1_800_000_000 * 10**9


@pytest.mark.parametrize(('gib', 'level'), [(100, Level.OK), (5, Level.WARN), (0.5, Level.ERROR)])
def test_room_on_the_disk(tmp_path, monkeypatch, gib, level):
    monkeypatch.setattr(machine, 'free_bytes', lambda folder: int(gib * GIB))
    folder, disk = check_disk(tmp_path / 'not' / 'yet')
    assert (folder.level, disk.level, bool(disk.advice)) == (Level.OK, level, level > Level.OK)


def test_the_clock():
    assert check_clock(ManualClock(0)).level is Level.ERROR
    answers = {True: Level.OK, None: Level.OK, False: Level.WARN}
    for answer, level in answers.items():
        assert check_clock(ManualClock(NOW), lambda answer=answer: answer).level is level
    assert clock_is_synchronised() in (True, False, None)


def test_an_encoder_that_works_and_one_that_does_not(monkeypatch):
    small = Need(((64, 64),), 10)
    assert check_encoder(small).level in (Level.OK, Level.WARN)
    monkeypatch.setattr(machine, 'problem', lambda config, need: 'libx264: no such encoder')
    found = check_encoder(small)
    assert (found.level, found.text) == (Level.ERROR, 'libx264: no such encoder')
    assert found.advice


def account(role):
    return lambda: {'name': 'me', 'auth': {'accessToken': {'role': role}}}


def test_the_hub():
    assert check_hub({}, account('write')).text == 'logged in as me'
    assert check_hub({}, account('read')).level is Level.WARN

    def refuse():
        raise HubError('no token')

    assert check_hub({}, refuse).level is Level.WARN
    assert 'HF_HUB_OFFLINE' in check_hub({'HF_HUB_OFFLINE': '1'}, refuse).text
