"""The person at the leader, and the referee of a policy, do as the recorder goes on."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.commands import world_company
from lerobot_recorder.commands.world_company import Referee, ScriptedPerson, accompanied
from lerobot_recorder.recorder_status import RecorderStatus


class FakeView:
    def __init__(self):
        self.shown, self.pressed = [], ['note']

    def show(self, status):
        self.shown.append(status)

    def report(self, findings):
        raise AssertionError('nothing was found')

    def words(self):
        pressed, self.pressed = self.pressed, []
        return pressed


class FakeWorld:
    def __init__(self):
        self.heard, self.finished, self.succeeded, self.is_there = [], 4, False, True

        self.resets, self.success = 0, False

    def task(self):
        return {'success': self.success}

    def inject(self, device, fault):
        assert (device, fault) == ('cube', 'reset')
        self.resets, self.success = self.resets + 1, False

    def ask_operator(self, device, word=''):
        assert device == 'leader'
        if not self.is_there:
            raise ConfigError('no leader')
        if word:
            self.heard.append(word)
        return {'finished': self.finished, 'succeeded': self.succeeded, 'waits': False}


@pytest.fixture
def leader():
    return FakeWorld()


@pytest.fixture
def person(leader):
    return ScriptedPerson(FakeView(), leader, 'leader')


def see(person, phase, frames=0):
    person.show(RecorderStatus(phase, 0, 0, 3, frames, 900, (), 0.0, 'put', ''))
    person.look()


def test_he_waits_begins_and_says_how_it_went(person, leader):
    see(person, 'preparing')
    see(person, 'warming up')
    assert leader.heard == ['wait']
    see(person, 'waiting')
    assert leader.heard == ['wait'], 'the streams are not there yet'
    see(person, 'recording', 1)
    see(person, 'recording', 30)
    assert leader.heard == ['wait', 'begin']
    assert person.words() == ['note']
    leader.finished, leader.succeeded = 5, True
    see(person, 'recording', 60)
    see(person, 'recording', 61)
    assert person.words() == ['success']
    assert person.words() == []
    see(person, 'resetting')
    assert leader.heard == ['wait', 'begin', 'wait']


def test_a_demonstration_that_failed_is_a_failure(person, leader):
    see(person, 'recording', 1)
    leader.finished = 5
    see(person, 'recording', 60)
    assert person.words() == ['note', 'failure']


def test_without_a_reset_the_next_episode_is_noticed_by_its_frames(person, leader):
    see(person, 'recording', 200)
    see(person, 'recording', 5)
    assert leader.heard == ['begin', 'begin']
    leader.finished = 5
    see(person, 'recording', 20)
    assert person.words()[-1] == 'failure'


def test_a_leader_that_was_away_as_the_episode_began_begins_later(person, leader):
    leader.is_there = False
    with pytest.raises(ConfigError):
        see(person, 'recording', 1)
    leader.is_there = True
    see(person, 'recording', 2)
    assert leader.heard == ['begin']


def test_a_referee_resets_once_a_pause_and_ends_what_succeeds(leader):
    referee = Referee(FakeView(), leader)
    see(referee, 'warming up')
    see(referee, 'warming up')
    assert leader.resets == 1
    see(referee, 'recording', 1)
    see(referee, 'recording', 30)
    assert referee.words() == ['note']
    leader.success = True
    see(referee, 'recording', 60)
    see(referee, 'recording', 61)
    assert referee.words() == ['success']
    see(referee, 'resetting')
    see(referee, 'recording', 1)
    assert (leader.resets, leader.success, referee.words()) == (2, False, [])
    see(referee, 'recording', 20)
    leader.success = True
    see(referee, 'recording', 5)
    assert leader.resets == 3, 'there was no pause'
    assert leader.heard == []


def test_a_leader_that_is_not_there_yet_is_told_later(person, leader):
    leader.is_there = False
    with pytest.raises(ConfigError):
        see(person, 'preparing')
    leader.is_there = True
    person.look()
    assert leader.heard == ['wait']


def test_nothing_is_said_before_the_recorder_is_seen(person, leader):
    person.look()
    assert leader.heard == []


@pytest.mark.parametrize(
    'sections',
    [
        {'robot': {}},
        {'teleop': {'port': '/dev/ttyACM0'}},
        {'teleop': {'port': 'sim://bench/leader'}},
        {'teleop': {'port': 'sim://bench.mujoco/leader'}, 'attach': True},
        {'robots': {'members': [{'teleop': {'port': f'sim://{n}.mujoco/leader'}} for n in 'ab']}},
    ],
)
def test_where_nobody_listens_the_view_stays_as_it_is(sections):
    view = FakeView()
    with accompanied(
        view, sections, lambda member: [name for name in member if name != 'attach']
    ) as seen:
        assert seen is view


@pytest.mark.parametrize(('drives', 'who'), [('teleop', ScriptedPerson), ('policy', Referee)])
def test_who_attends_depends_on_who_drives(monkeypatch, leader, drives, who):
    monkeypatch.setattr(world_company, 'SimClient', lambda world: nullcontext(leader))
    ports = {'robot': 'sim://t.mujoco/follower', 'teleop': 'sim://t.mujoco/leader'}
    sections = {name: {'port': port} for name, port in ports.items()}
    with accompanied(FakeView(), sections, lambda member: (drives,)) as seen:
        assert isinstance(seen, who)
