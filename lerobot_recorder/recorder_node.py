"""The recorder as a node: topics in, episodes out, the operator's words as services."""

from __future__ import annotations

import functools
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rclpy.clock import Clock, ClockType
from rosbags.interfaces import Qos
from std_msgs.msg import String

from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.errors import LerobotRosError, StreamError
from lerobot_drivers.common.health import Level
from lerobot_drivers.common.naming import RECORDER_STATUS
from lerobot_drivers.common.processes import RECEIVER_PROFILE, has_large_sockets
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    declare,
    declare_config_file,
    qos_status,
    run_node,
)
from lerobot_recorder.arrival_clock import ArrivalClock
from lerobot_recorder.companion import Companion
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.findings import Finding
from lerobot_recorder.graph_watch import GraphWatch
from lerobot_recorder.hub.session import check_upload, upload_after_node
from lerobot_recorder.live_time import LiveTime, Restart
from lerobot_recorder.mapping import MappingConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.preflight import Reach
from lerobot_recorder.preflight_session import Preflight
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_group import RecorderGroup, captures_of, recorders_of
from lerobot_recorder.recorder_status import RecorderStatus, idle_status
from lerobot_recorder.ros import (
    HIGH_RATE_DEPTH,
    NUMBERS_DEPTH,
    FactSubscriber,
    TopicSubscriber,
    graph_topics,
    offers,
)
from lerobot_recorder.ros_diagnostics import PERIOD_S, RecorderDiagnostics
from lerobot_recorder.ros_offers import offered_qos
from lerobot_recorder.ros_operator import OperatorInterface
from lerobot_recorder.session_file import load_record_config
from lerobot_recorder.time_base import CLOCK_TOPIC, SIM_RESET
from lerobot_recorder.verbs import OUTCOMES, Answer, done, refused
from lerobot_recorder.view import View

Session = Recorder | RecorderGroup
POLL_S = 0.02
STATUS_S = 0.2
REFRESH_S = 0.5
DISCOVERY_NS = 7 * NS_PER_S
"""So long a topic that is needed may be missing: participants announce themselves every 3 s."""


class RecorderNode(AutostartLifecycleNode):
    """Subscribes as its publishers allow, feeds the recorder, publishes its status.

    Its own timers, patience with the graph and times of arrival run on the system's clock; the
    recorder gets them on the clock of the headers, which in a simulation is ``/clock``.

    Args:
        view: an operator's view in the same process, if there is one.
    """

    def __init__(self, view: View | None = None) -> None:
        super().__init__('recorder')
        self.recorder: Session | None = None
        self.datasets: list[DatasetConfig] = []
        self._view = view
        self._config_file = declare_config_file(self)
        self._robot_ns = declare(
            self, 'robot_namespace', '', "of the robot; by default this node's own"
        )
        self._wall = SystemClock()
        self._time = LiveTime(self.get_parameter('use_sim_time').value)
        self._arrivals = ArrivalClock()
        self._subscribers: dict[str, TopicSubscriber | FactSubscriber] = {}
        self._mapping: MappingConfig | None = None
        self._along: dict[str, list[Companion]] = {}
        self._said: RecorderStatus | None = None
        self._diagnostics: list[RecorderDiagnostics] = []

    def do_configure(self) -> None:
        """Read the configuration and create the interfaces."""
        self._config = load_record_config(self._config_file)
        self.datasets = [part.dataset for part in self._config.parts.values()]
        for dataset in self.datasets if self._view is None else ():
            check_upload(dataset, self._config.resume, self.get_logger().info)
        self._status = self.create_publisher(String, RECORDER_STATUS, qos_status())
        self._operator = OperatorInterface(
            self, self._obey, self._texts(), self._told, self._config.recorder.joy
        )

    def do_activate(self) -> None:
        """Look for the topics and start to record."""
        self._watch, self._looking_since = GraphWatch(), self._wall.now_ns()
        self._refresh()
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(REFRESH_S, self._refresh, clock=clock)
        self.create_timer(POLL_S, self._poll, clock=clock)
        self.create_timer(STATUS_S, self._report, clock=clock)
        self.create_timer(PERIOD_S, self._diagnose, clock=clock)

    def do_deactivate(self) -> None:
        """End the session; the running episode is kept, and all that was accepted is saved."""
        if self.recorder is None:
            return
        try:
            self.recorder.stop()
            self._report()
        finally:
            self._finish(self.recorder)

    def _finish(self, recorder: Session) -> None:
        """Wait for what was accepted, and answer those who wait for it."""
        try:
            recorder.wait()
        finally:
            self._operator.poll()
            self._report()

    def do_cleanup(self) -> None:
        """Finalise the dataset."""
        if self.recorder is not None:
            self.recorder.close()

    def _on_fact(self, raw: RawMessage) -> None:
        self._capture.on_message(raw)
        for companion in itertools.chain(*self._along.values()):
            companion.on_message(raw)

    def _on_message(self, raw: RawMessage) -> None:
        self._arrivals.on_message(raw.topic, raw.received_ns)
        if self._time.is_simulated is False and self.recorder is not None:
            self.recorder.on_message(raw)
        else:
            self._time.add(raw)

    def _poll(self) -> None:
        self._take_in()
        self._operator.poll()

    def _take_in(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.drain()
        arrived = self._arrivals.tick(self._wall.now_ns())
        if self._mapping is None or not self._knows_time():
            return
        events = list(self._time.release(arrived))
        now = self._time.now_ns(arrived)
        if self.recorder is None:
            self.recorder = self._make_recorder(self._mapping, now)
        if self.recorder is None:
            return
        for event in events:
            if isinstance(event, Restart):
                self.recorder.restart_time(event.time_ns, SIM_RESET)
            else:
                self.recorder.on_message(event)
        if now is not None:
            self.recorder.poll(now)
        if self.recorder.is_done:
            self.request_exit()

    def _knows_time(self) -> bool:
        """Return whether it is known on which clock the headers run, or patience has ended."""
        if self._wall.now_ns() - self._looking_since >= self._patience_ns:
            self._time.decide()
        return self._time.is_simulated is not None

    def _refresh(self) -> None:
        self._operator.refresh()
        if self._mapping is None:
            self._mapping = self._find_mapping()
        if self._mapping is None:
            return
        self._look_around(graph_topics(self))
        for topic, subscriber in self._subscribers.items():
            if isinstance(subscriber, FactSubscriber):
                self._refresh_fact(topic, subscriber)
                continue
            subscriber.refresh()
            line = subscriber.warning(time.monotonic_ns())
            if line is not None and self.recorder is not None:
                self.recorder.message = line

    def _refresh_fact(self, topic: str, subscriber: FactSubscriber) -> None:
        """What tells more than rows is not worth an end: what cannot be heard is noted."""
        try:
            subscriber.refresh()
        except StreamError as error:
            self._capture.refused[topic] = str(error)
        subscriber.drain()

    def _find_mapping(self) -> MappingConfig | None:
        """Return which topic becomes what once it is clear what to record."""
        now = self._wall.now_ns()
        topics, waited_ns = graph_topics(self), now - self._looking_since
        settled = self._watch.look(topics, now)
        if self._config.needs_graph and not settled and waited_ns < self._patience_ns:
            return None
        if (
            self._config.attach
            and not settled
            and waited_ns < min(self._patience_ns, DISCOVERY_NS)
        ):
            return None  # a clock that is not found yet would never be listened to
        try:
            mapping = self._config.mapping(self._robot_ns or self.get_namespace(), topics)
        except LerobotRosError:
            if self._config.needs_graph and waited_ns < min(self._patience_ns, DISCOVERY_NS):
                return None
            raise
        self._capture = self._config.capture(mapping)
        self._along = {name: part.companions() for name, part in self._config.parts.items()}
        if self._time.begin(CLOCK_TOPIC in topics):
            self._subscribers[CLOCK_TOPIC] = TopicSubscriber(self, CLOCK_TOPIC, self._on_message)
        return mapping

    def _make_recorder(self, mapping: MappingConfig, now: int | None) -> Session | None:
        """Return the recorder once the headers' clock is running, None before that."""
        if now is None:
            if self._wall.now_ns() - self._looking_since >= self._patience_ns:
                self._time.check_clock(self._config.recorder.prepare_timeout_s)
            return None
        start = now if self._time.is_simulated else self._wall.now_ns()
        along = {
            name: [*self._preflight(name), *companions] for name, companions in self._along.items()
        }
        recorder = self._config.make_recorder(mapping, self._capture, start, along)
        self._diagnostics = [
            RecorderDiagnostics(self, part, name) for name, part in recorders_of(recorder).items()
        ]
        return recorder

    def _preflight(self, name: str) -> list[Companion]:
        """Return the check that comes before all others, unless it is switched off."""
        if not self._config.recorder.preflight:
            return []
        config, offered = self._config.parts[name], functools.partial(offers, self)
        reach = Reach(offered, has_large_sockets(), remote_pictures=config.attach)
        return [Preflight(config, reach, self._along[name], self._show_findings)]

    def _show_findings(self, findings: Sequence[Finding]) -> None:
        if self._view is not None:
            self._view.report(findings)
            return
        for finding in findings:
            log = (
                self.get_logger().info if finding.level is Level.OK else self.get_logger().warning
            )
            log(f'{finding.subject}: {finding.all_text} {finding.advice}'.rstrip())

    @property
    def _patience_ns(self) -> float:
        return self._config.recorder.prepare_timeout_s * NS_PER_S

    def _look_around(self, topics: dict[str, str]) -> None:
        """Hear the topics that are wanted by now: those of the mapping, and what tells more."""
        self._capture.look(topics)
        for name, capture in captures_of(self._capture).items():
            asked = {t for each in self._along[name] for t in each.look(topics, self._offered)}
            capture.beside = (capture.beside | asked) - {*capture.topics()}
        for topic in (*self._capture.topics(), *sorted(self._capture.beside)):
            if topic not in self._subscribers:
                self._subscribers[topic] = self._subscriber(topic)

    def _subscriber(self, topic: str) -> TopicSubscriber | FactSubscriber:
        if topic in self._capture.fact_topics():
            return FactSubscriber(self, topic, self._on_fact)
        if topic in self._capture.beside:
            return FactSubscriber(self, topic, self._on_message)
        depth = HIGH_RATE_DEPTH if topic in self._capture.high_rate_topics() else NUMBERS_DEPTH
        return TopicSubscriber(self, topic, self._on_message, depth)

    def _offered(self, topic: str) -> list[Qos]:
        return offered_qos(self, topic)

    def _report(self) -> None:
        status = self.recorder.status() if self.recorder else idle_status(self._config.session())
        if status != self._said:
            self._status.publish(String(data=json.dumps(asdict(status))))
            self._said = status
        if self._view is not None:
            self._view.show(status)
            for verb in self._view.words():
                self._told(self._obey(verb))

    def _diagnose(self) -> None:
        try:
            for diagnostics in self._diagnostics:
                diagnostics.publish()
        except Exception as error:  # noqa: BLE001 - to be watched must never end a recording
            self._diagnostics = []
            self.get_logger().error(f'/diagnostics is given up: {error!r}')

    def _obey(self, verb: str) -> Answer:
        if self.recorder is not None:
            return self.recorder.obey(verb)
        if verb != 'stop':
            return refused('the recorder is not ready: it looks for its topics')
        self.request_exit()
        return done('stopped')

    def _texts(self) -> dict[str, Callable[[str], Answer]]:
        """Return what to do with the texts an operator may send, by topic."""

        def when_ready(
            say: Callable[[Session, str], Answer],
        ) -> Callable[[str], Answer]:
            return lambda text: say(self.recorder, text) if self.recorder else refused('not ready')

        def outcome(recorder: Session, text: str) -> Answer:
            known = text in OUTCOMES
            return recorder.obey(text) if known else refused(f'outcome {text!r} is not known')

        return {
            'task': when_ready(lambda r, text: r.set_task(text)),
            'note': when_ready(lambda r, text: r.note(text)),
            'outcome': when_ready(outcome),
            'event': when_ready(lambda r, text: r.mark('event', text, self._stamp_ns())),
            'subtask': when_ready(lambda r, text: r.mark('subtask', text, self._stamp_ns())),
        }

    def _stamp_ns(self) -> int:
        now = self._wall.now_ns()
        return self._time.now_ns(now) or now

    def _told(self, answer: Answer) -> None:
        """Tell the operator what became of a key, a button or a text, if it is known by now."""
        if answer.is_given and self.recorder is not None:
            self.recorder.message = answer.text


def main() -> int:
    """Run the recorder node; afterwards, upload what it recorded where that was asked for."""
    nodes: list[RecorderNode] = []

    def make() -> RecorderNode:
        nodes.append(RecorderNode())
        return nodes[0]

    code = run_node(make, profile=RECEIVER_PROFILE)
    recorded = [dataset for node in nodes for dataset in node.datasets]
    return code or max(map(upload_after_node, recorded), default=0)


if __name__ == '__main__':
    sys.exit(main())
