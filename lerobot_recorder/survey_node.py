"""Listens to a graph for a few seconds, to find out what could be recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable

from rclpy.clock import Clock, ClockType

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.ros import AutostartLifecycleNode
from lerobot_recorder.graph_watch import GraphWatch
from lerobot_recorder.ros import TopicSubscriber, graph_topics, offers
from lerobot_recorder.survey import Survey

DRAIN_S = 0.02
LOOK_S = 0.5
PATIENCE_NS = 8 * NS_PER_S
"""So long an empty graph is watched: participants announce themselves every 3 s."""
LISTEN_NS = 3 * NS_PER_S


class SurveyNode(AutostartLifecycleNode):
    """Hears all that can be recorded, and ends.

    Args:
        done: gets what was heard.
    """

    def __init__(self, done: Callable[[Survey], None]) -> None:
        super().__init__('survey')
        self._done = done
        self._wall = SystemClock()
        self._survey = Survey(functools.partial(offers, self))
        self._subscribers: dict[str, TopicSubscriber] = {}
        self._watch = GraphWatch()
        self._begun_ns = self._wall.now_ns()
        self._heard_from_ns: int | None = None

    def do_activate(self) -> None:
        """Begin to listen."""
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(LOOK_S, self._look, clock=clock)
        self.create_timer(DRAIN_S, self._drain, clock=clock)

    def do_cleanup(self) -> None:
        """Hear nothing any more."""
        for subscriber in self._subscribers.values():
            subscriber.close()

    def _look(self) -> None:
        now_ns, topics = self._wall.now_ns(), graph_topics(self)
        self._survey.look(topics)
        for topic in self._survey.topics:
            if topic not in self._subscribers:
                self._subscribers[topic] = TopicSubscriber(self, topic, self._survey.add)
        for subscriber in self._subscribers.values():
            subscriber.refresh()
        if self._watch.look(topics, now_ns) and self._heard_from_ns is None:
            self._heard_from_ns = now_ns
        heard_ns = now_ns - self._heard_from_ns if self._heard_from_ns is not None else 0
        in_vain = not self._survey.topics and now_ns - self._begun_ns >= PATIENCE_NS
        if in_vain or heard_ns >= LISTEN_NS:
            self._done(self._survey)
            self.request_exit()

    def _drain(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.drain()
