"""Which message is due when: on a clock by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from fact_messages import description
from synthetic_messages import MS, T0, S, joint_state, raw

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import BagError
from lerobot_recorder.play.choice import PlayConfig, choose, is_command
from lerobot_recorder.play.lateness import Lateness
from lerobot_recorder.play.player import Player
from lerobot_recorder.play.segments import PlayedTopic
from lerobot_recorder.to_bag.offers import LATCHED


@dataclass
class Told:
    """A segment of ten messages, one each 100 ms, behind a latched one."""

    name: str = 'told'
    first: int = T0
    held: tuple = ()
    fault: Exception | None = None
    kinds: dict = field(default_factory=lambda: {'/states': 'sensor_msgs/msg/JointState'})

    def topics(self):
        latched = PlayedTopic('std_msgs/msg/String', (LATCHED,))
        return {
            '/robot_description': latched,
            **{t: PlayedTopic(k) for t, k in self.kinds.items()},
        }

    def actions(self):
        return self.held

    def span_ns(self):
        return self.first, self.first + 900 * MS

    def messages(self, topics):
        yield description(self.name, self.first)
        for k in range(10):
            at = self.first + k * 100 * MS
            if '/states' in topics:
                yield raw('/states', joint_state(at, 'a', [k]), at)
        if self.fault:
            raise self.fault


@pytest.fixture
def clock():
    return ManualClock(7 * S)


@pytest.fixture
def play(clock):
    players = []

    def begin(*segments, topics=('/states', '/robot_description'), **settings):
        players.append(Player(segments or (Told(),), topics, clock, **settings))
        players[-1].resume()
        return players[-1]

    yield begin
    for player in players:
        player.close()


def due(player):
    """Return when the messages that are due now were logged, after the segment's begin [ms]."""
    found = []
    while (message := player.take()) is not None:
        found.append((message.received_ns - player._spans[player.number][0]) // MS)
    return found


def test_messages_come_when_they_were_logged(play, clock):
    player = play()
    assert due(player) == [0, 0]
    assert player.wait_s() == pytest.approx(0.1)
    clock.advance(0.25)
    assert due(player) == [100, 200]
    assert player.wait_s() == pytest.approx(0.05)


def test_nothing_adds_up(play, clock):
    player = play(rate=0.7)
    clock.advance(0.9 / 0.7 - 1e-6)
    assert due(player) == [0, *range(0, 900, 100)]
    clock.advance(2e-6)
    assert due(player) == [900]


def test_a_rate_stretches_time_and_may_change(play, clock):
    player = play(rate=2.0)
    clock.advance(0.2)
    assert due(player)[-1] == 400
    player.change_rate(0.5)
    assert player.rate == 1.0
    clock.advance(0.1)
    assert due(player) == [500]


def test_it_stands_still_and_goes_on(play, clock):
    player = play()
    clock.advance(0.1)
    due(player)
    player.pause()
    clock.advance(60)
    assert due(player) == [] and player.wait_s() is None
    player.next()
    assert due(player) == [200]
    player.toggle()
    assert player.wait_s() == pytest.approx(0.1)
    clock.advance(0.1)
    assert due(player) == [300]


def test_going_back_says_again_what_lasts(play, clock):
    player = play()
    clock.advance(0.55)
    due(player)
    player.skip(-0.3)
    message = player.take()
    assert message.topic == '/robot_description'
    assert due(player) == []
    assert player.wait_s() == pytest.approx(0.05)
    clock.advance(0.05)
    assert due(player) == [300]


def test_going_on_leaves_out_what_lies_between(play):
    player = play()
    due(player)
    player.skip(0.45)
    assert due(player) == [0]  # what lasts
    player.skip(100)
    assert due(player) == [0, 900]


def test_no_time_passes_between_two_segments(play, clock):
    player = play(Told(), Told('later', T0 + 86400 * S))
    clock.advance(0.9)
    assert len(due(player)) == 13
    assert player.segment.name == 'later'
    assert player.wait_s() == pytest.approx(0.1)


def test_it_ends(play, clock):
    player = play()
    clock.advance(5)
    assert len(due(player)) == 11
    assert player.is_over and player.wait_s() is None


def test_it_begins_again(play, clock):
    player = play(loop=True)
    for count in (13, 11, 11):  # the end of one round is the begin of the next
        clock.advance(0.9)
        assert len(due(player)) == count
        assert not player.is_over


def test_nothing_to_play_is_no_endless_loop(play):
    assert due(play(Told(kinds={}), topics=(), loop=False))[:1] == [0]


def test_a_damaged_bag_is_told_when_it_is_reached(play, clock):
    player = play(Told(fault=BagError('bag is damaged')))
    clock.advance(1)
    with pytest.raises(BagError, match='damaged'):
        due(player)


@pytest.mark.parametrize(
    ('topic', 'msgtype', 'commands'),
    [
        ('/follower/joint_commands', 'sensor_msgs/msg/JointState', True),
        ('/cmd_vel_out', 'geometry_msgs/msg/Twist', True),
        ('/arm/commands', 'std_msgs/msg/Float64MultiArray', True),
        ('/odd', 'trajectory_msgs/msg/JointTrajectory', True),
        ('/follower/joint_states', 'sensor_msgs/msg/JointState', False),
        ('/follower/joint_commands_sent', 'sensor_msgs/msg/JointState', False),
    ],
)
def test_what_commands_a_robot_is_known(topic, msgtype, commands):
    assert is_command(topic, msgtype) is commands


def test_commands_are_held_back_unless_they_are_asked_for():
    kinds = {'/leader': 'sensor_msgs/msg/JointState', '/cmd_vel': 'geometry_msgs/msg/Twist'}
    told = Told(held=('/leader',), kinds=kinds)
    choice = choose([told], PlayConfig())
    assert (list(choice.topics), list(choice.commands)) == (
        ['/robot_description'], ['/leader', '/cmd_vel'],
    )  # fmt: skip
    assert not choose([told], PlayConfig(commands=True)).commands
    with pytest.raises(BagError, match='commands=true'):
        choose([told], PlayConfig(topics=['/cmd_vel']))


def test_a_topic_that_is_not_there_is_told():
    with pytest.raises(BagError, match='there is no /nowhere; topics there: /robot_desc'):
        choose([Told()], PlayConfig(topics=['/nowhere']))


def test_topics_go_where_they_are_sent():
    config = PlayConfig(remap={'/a': '/b'}, namespace='replay')
    assert (config.name('/a'), config.name('/c')) == ('/replay/b', '/replay/c')


@pytest.mark.parametrize('wrong', [{'rate': 0}, {'topics': ['a']}, {'settle_s': -1}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match='must be'):
        PlayConfig(**wrong)


def test_lateness_is_told_in_quantiles():
    late = Lateness()
    for number in range(100):
        late.add(number * 100_000)
    assert late.quantile_ms(0.5) == pytest.approx(5, rel=0.2)
    assert late.quantile_ms(0.99) == pytest.approx(9.9, rel=0.2)
    assert '100 messages' in late.told()
