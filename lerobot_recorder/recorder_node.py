"""The recorder as a node: topics in, episodes out, the operator's words as services."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from std_msgs.msg import String
from std_srvs.srv import Trigger

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.naming import RECORDER_STATUS
from lerobot_drivers.common.processes import RECEIVER_PROFILE
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    declare,
    declare_config_file,
    now_ns,
    qos_status,
    run_node,
)
from lerobot_recorder.arrival_clock import ArrivalClock
from lerobot_recorder.graph_watch import GraphWatch
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder import Recorder, RecorderStatus, idle_status
from lerobot_recorder.ros import TopicSubscriber, graph_topics
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.session_file import load_record_config

POLL_S = 0.02
STATUS_S = 0.2
REFRESH_S = 0.5
DISCOVERY_NS = 7 * NS_PER_S
"""So long a topic that is needed may be missing: participants announce themselves every 3 s."""


class View(Protocol):
    """Who shows the recorder to an operator and brings his words back."""

    def show(self, status: RecorderStatus) -> None:
        """Show what the recorder is doing."""
        ...

    def words(self) -> list[str]:
        """Return what the operator said since, names of the recorder's verbs."""
        ...


class RecorderNode(AutostartLifecycleNode):
    """Subscribes as its publishers allow, feeds the recorder, publishes its status.

    Args:
        view: an operator's view in the same process, if there is one.
    """

    def __init__(self, view: View | None = None) -> None:
        super().__init__('recorder')
        self.recorder: Recorder | None = None
        self._view = view
        self._config_file = declare_config_file(self)
        self._robot_ns = declare(
            self, 'robot_namespace', '', "of the robot; by default this node's own"
        )
        self._arrivals = ArrivalClock()
        self._subscribers: list[TopicSubscriber] = []
        self._said: RecorderStatus | None = None

    def do_configure(self) -> None:
        """Read the configuration and create the interfaces."""
        self._config = load_record_config(self._config_file)
        self._status = self.create_publisher(String, RECORDER_STATUS, qos_status())
        for verb in ('end_episode', 'rerecord', 'stop'):
            self.create_service(Trigger, f'~/{verb}', self._service(verb))

    def do_activate(self) -> None:
        """Look for the topics and start to record."""
        self._watch, self._looking_since = GraphWatch(), now_ns(self)
        self._refresh()
        self.create_timer(REFRESH_S, self._refresh)
        self.create_timer(POLL_S, self._poll)
        self.create_timer(STATUS_S, self._report)

    def do_deactivate(self) -> None:
        """End the session; the running episode is kept."""
        if self.recorder is not None:
            self.recorder.stop()
            self._report()

    def do_cleanup(self) -> None:
        """Finalise the dataset."""
        if self.recorder is not None:
            self.recorder.close()

    def _on_message(self, raw: RawMessage) -> None:
        if self.recorder is not None:
            self.recorder.on_message(raw)
            self._arrivals.on_message(raw.topic, raw.received_ns)

    def _poll(self) -> None:
        for subscriber in self._subscribers:
            subscriber.drain()
        if self.recorder is None:
            return
        self.recorder.poll(self._arrivals.tick(now_ns(self)))
        if self.recorder.is_done:
            self.request_exit()

    def _refresh(self) -> None:
        if self.recorder is None and not self._found_topics():
            return
        for subscriber in self._subscribers:
            subscriber.refresh()
            line = subscriber.warning(time.monotonic_ns())
            if line is not None and self.recorder is not None:
                self.recorder.message = line

    def _found_topics(self) -> bool:
        """Make the recorder once it is clear what to record."""
        topics, waited_ns = graph_topics(self), now_ns(self) - self._looking_since
        settled = self._watch.look(topics, now_ns(self))
        patience_s = self._config.recorder.prepare_timeout_s
        if self._config.needs_graph and not settled and waited_ns < patience_s * NS_PER_S:
            return False
        try:
            mapping = self._config.mapping(self._robot_ns or self.get_namespace(), topics)
        except LerobotRosError:
            if self._config.needs_graph and waited_ns < min(patience_s * NS_PER_S, DISCOVERY_NS):
                return False
            raise
        self._subscribers = [TopicSubscriber(self, t, self._on_message) for t in mapping.topics()]
        self.recorder = Recorder(
            RowPlan(mapping),
            self._config.make_writer(mapping),
            self._config.session(),
            now_ns(self),
        )
        return True

    def _report(self) -> None:
        status = self.recorder.status() if self.recorder else idle_status(self._config.session())
        if status != self._said:
            self._status.publish(String(data=json.dumps(asdict(status))))
            self._said = status
        if self._view is not None:
            self._view.show(status)
            for verb in self._view.words():
                self._obey(verb)

    def _obey(self, verb: str) -> None:
        if self.recorder is not None:
            getattr(self.recorder, verb)()
        elif verb == 'stop':
            self.request_exit()

    def _service(self, verb: str) -> Callable[..., Trigger.Response]:
        def answer(_request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            self._obey(verb)
            response.success = self.recorder is not None
            response.message = self.recorder.phase.value if self.recorder else 'not ready'
            return response

        return answer


def main() -> int:
    """Run the recorder node."""
    return run_node(RecorderNode, profile=RECEIVER_PROFILE)


if __name__ == '__main__':
    sys.exit(main())
