"""The player as a node: messages of bags or datasets, on their topics, in time.

A thread of its own waits for the next message, so that nothing the executor does delays it.
Services: ``~/pause``, ``~/resume``, ``~/toggle_paused``, ``~/play_next``, ``~/is_paused``.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    declare_config_file,
    run_node,
    stamp_message,
)

# isort: split
from rclpy.clock import Clock as RosClock
from rclpy.clock import ClockType
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.common.errors import LerobotRosError, StreamError
from lerobot_drivers.common.processes import SHARED_MEMORY_PROFILE
from lerobot_drivers.common.scheduling import take_short_turns
from lerobot_recorder.play.choice import Choice, PlayConfig, choose
from lerobot_recorder.play.lateness import Lateness
from lerobot_recorder.play.player import Player
from lerobot_recorder.play.selection import played_segments
from lerobot_recorder.play.view import PlayView, SilentView
from lerobot_recorder.ros import message_class, offers
from lerobot_recorder.ros_offers import publisher_qos
from lerobot_recorder.time_base import CLOCK_TOPIC

VIEW_S = 0.1
LOOK_NS = 2 * NS_PER_S
"""So long after the start others are looked for that publish the same topics [ns]."""


class PlayNode(AutostartLifecycleNode):
    """Plays what the section ``play`` of its configuration names.

    Args:
        view: shows where it is, and hears keys.
    """

    def __init__(self, view: PlayView | None = None, **kwargs: Any) -> None:
        super().__init__('player', **kwargs)
        self._view = view or SilentView()
        section = read_yaml(declare_config_file(self)).get('play') or {}
        self._path = Path(str(section.pop('source', '')))
        self._wishes = section.pop('wishes', {})
        self._settings = build(PlayConfig, section, 'play')
        self._outlets: dict[str, Any] = {}
        self._player: Player | None = None
        self._thread: threading.Thread | None = None
        self._woken, self._stops = threading.Event(), False
        self._error: LerobotRosError | None = None
        self._lateness = Lateness()

    def do_configure(self) -> None:
        """Open what is played, and its topics."""
        segments = played_segments(self._path, self._settings.episodes, self._wishes)
        choice = choose(segments, self._settings)
        self._open_topics(choice)
        settings = self._settings
        self._player = Player(segments, self._outlets, SystemClock(), settings.rate, settings.loop)
        self._player.wake = self._woken.set
        if choice.commands:
            self._view.say(
                f'held back: {", ".join(choice.commands)} would command a robot; '
                '--commands=true publishes that too'
            )
        verbs: dict[str, Callable[[Player], object]] = {
            'pause': Player.pause, 'resume': Player.resume, 'toggle_paused': Player.toggle,
            'play_next': Player.next, 'is_paused': lambda player: None,
        }  # fmt: skip
        for name, verb in verbs.items():
            self.create_service(Trigger, f'~/{name}', self._service(verb))

    def do_activate(self) -> None:
        """Begin to play."""
        take_short_turns()  # the reading thread has to let the playing one in
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)
        self._thread.start()
        steady = RosClock(clock_type=ClockType.STEADY_TIME)
        self._began_ns = steady.now().nanoseconds
        self._steady, self._has_looked = steady, False
        self.create_timer(VIEW_S, self._look, clock=steady)

    def do_deactivate(self) -> None:
        """Stop playing."""
        self._stops = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def do_cleanup(self) -> None:
        """Close what was played."""
        if self._player is not None:
            self._player.close()
        self._view.close(self._lateness.told())

    def _open_topics(self, choice: Choice) -> None:
        unknown: dict[str, list[str]] = {}
        for topic, told in choice.topics.items():
            try:
                kind = message_class(told.msgtype)
            except StreamError:
                unknown.setdefault(told.msgtype, []).append(topic)
                continue
            name, qos = self._settings.name(topic), publisher_qos(told.offers)
            self._outlets[topic] = self.create_publisher(kind, name, qos)
        for msgtype, topics in unknown.items():
            self._view.say(
                f'left out: {", ".join(topics)}; the package of {msgtype} is not installed'
            )
        self._clock_publisher = None
        if self._settings.clock_hz:
            # Reliable, though best effort is usual: it serves those who ask for either.
            self._clock_publisher = self.create_publisher(Clock, CLOCK_TOPIC, 10)

    def _service(self, verb: Callable[[Player], object]) -> Callable[[Any, Any], Any]:
        def answer(_request: Any, response: Any) -> Any:
            assert self._player is not None
            verb(self._player)
            paused = self._player.is_paused
            response.success = paused if verb.__name__ == '<lambda>' else True
            at_s, of_s = self._player.position_s
            response.message = f'{"paused" if paused else "playing"} at {at_s:.2f} of {of_s:.2f} s'
            return response

        return answer

    def _run(self) -> None:
        player = self._player
        assert player is not None
        try:
            self._woken.wait(self._settings.settle_s)
            if not self._settings.start_paused:
                player.resume()
            while not self._stops and not player.is_over:
                self._woken.clear()
                self._play_due(player)
                wait_s = player.wait_s()
                self._woken.wait(wait_s if wait_s is None else min(wait_s, self._clock_wait_s()))
        except LerobotRosError as error:
            self._error = error

    def _play_due(self, player: Player) -> None:
        self._tell_clock(player)
        while not self._stops and (raw := player.take()) is not None:
            self._lateness.add(player.late_ns(raw), player.is_paused)
            self._outlets[raw.topic].publish(raw.data)
            self._tell_clock(player)

    _next_clock_ns = 0

    def _tell_clock(self, player: Player) -> None:
        if self._clock_publisher is None or player.is_paused:
            return
        now_ns = SystemClock().monotonic_ns()
        if now_ns >= self._next_clock_ns:
            self._next_clock_ns = now_ns + round(NS_PER_S / self._settings.clock_hz)
            self._clock_publisher.publish(Clock(clock=stamp_message(player.now_ns)))

    def _clock_wait_s(self) -> float:
        return 1.0 if self._clock_publisher is None else 1 / self._settings.clock_hz

    def _look(self) -> None:
        """Show where it is, obey keys, and end when it is over."""
        player = self._player
        assert player is not None
        if not self._has_looked and self._steady.now().nanoseconds > self._began_ns + LOOK_NS:
            self._has_looked = True
            self._tell_others()
        wants_end = self._view.obey(player)
        self._view.show(player)
        if self._error is not None:
            self.get_logger().error(str(self._error))
            self.request_exit(1)
        elif player.is_over or wants_end:
            self.request_exit()

    def _tell_others(self) -> None:
        """Warn of topics that somebody else publishes too."""
        own = f'{self.get_namespace().rstrip("/")}/{self.get_name()}'
        for topic in self._outlets:
            name = self._settings.name(topic)
            others = sorted({offer.node for offer in offers(self, name)} - {own})
            if others:
                self._view.say(
                    f'{name} is published by {", ".join(others)} too, and whoever hears it hears '
                    'both; play it elsewhere with --remap or --namespace'
                )


def main() -> int:
    """Run the node; the entry point ``play_node``."""
    return run_node(PlayNode, profile=SHARED_MEMORY_PROFILE)


if __name__ == '__main__':
    sys.exit(main())
