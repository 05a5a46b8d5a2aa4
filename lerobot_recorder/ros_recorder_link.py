"""A recorder as another node sees it: where it is, what it says, and what it can be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from lerobot_drivers.common.naming import RECORDER_STATUS
from lerobot_drivers.ros import qos_status
from lerobot_recorder.dashboard.board import Board, RecorderSeen
from lerobot_recorder.dashboard.operator import Answer
from lerobot_recorder.dashboard.verbs import BY_NAME

TRIGGER = 'std_srvs/srv/Trigger'
STRING = 'std_msgs/msg/String'
TEXTS = ('task', 'note')
NOBODY = Answer(False, 'no recorder is running')


class RecorderLink:
    """Finds the recorder, hears its status and carries words to it.

    Everything but ``call`` and ``say`` is for the node's own thread.

    Args:
        node: who speaks and hears.
        board: what is known is put there.
        namespace: of the recorder; empty takes the one that is found.
    """

    def __init__(self, node: Node, board: Board, namespace: str = '') -> None:
        self._node = node
        self._board = board
        self._namespace = namespace and '/' + namespace.strip('/')
        self._subscription: Any = None
        self._clients: dict[str, Any] = {}
        self._publishers: dict[str, Any] = {}
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake = node.create_guard_condition(self._work)

    def look(self) -> None:
        """Look who records: a recorder came, has left, or offers something else."""
        found = self._recorders()
        known = self._board.recorder
        if known is not None and known.namespace in found:
            namespace = known.namespace
        elif found:
            namespace = found[0]
        else:
            self._forget()
            return
        if known is None or known.namespace != namespace:
            self._follow(namespace)
        others = tuple(other for other in found if other != namespace)
        services, texts = self._services(namespace), frozenset(filter(self._hears, TEXTS))
        self._board.recorder = RecorderSeen(namespace, services, texts, others)

    def call(self, verb: str) -> Future[Answer]:
        """Tell a verb; from any thread."""
        return self._hand_over(lambda done: self._call(verb, done))

    def say(self, what: str, text: str) -> Future[Answer]:
        """Tell a text (``task`` or ``note``); from any thread."""
        return self._hand_over(lambda done: done.set_result(self._say(what, text)))

    def _hand_over(self, job: Callable[[Future[Answer]], None]) -> Future[Answer]:
        done: Future[Answer] = Future()
        self._jobs.put(lambda: job(done))
        self._wake.trigger()
        return done

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            job()

    def _recorders(self) -> list[str]:
        suffix = f'/{RECORDER_STATUS}'
        found = [
            topic.removesuffix(suffix) or '/'
            for topic, types in self._node.get_topic_names_and_types()
            if topic.endswith(suffix) and STRING in types and self._node.count_publishers(topic)
        ]
        return sorted(n for n in found if not self._namespace or n == self._namespace)

    def _follow(self, namespace: str) -> None:
        self._forget()
        topic = _name(namespace, RECORDER_STATUS)
        self._subscription = self._node.create_subscription(
            String, topic, self._on_status, qos_status()
        )
        for what in TEXTS:
            topic = _name(namespace, f'recorder/{what}')
            self._publishers[what] = self._node.create_publisher(String, topic, 10)

    def _forget(self) -> None:
        self._board.recorder = None
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        for client in self._clients.values():
            self._node.destroy_client(client)
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)
        self._clients, self._publishers = {}, {}

    def _on_status(self, message: String) -> None:
        try:
            status = json.loads(message.data)
        except ValueError:
            return
        if isinstance(status, dict):
            self._board.status = status

    def _services(self, namespace: str) -> frozenset[str]:
        """Return what can be told; a client for each is made when it is first seen."""
        base = _name(namespace, 'recorder') + '/'
        offered = {
            name.removeprefix(base)
            for name, types in self._node.get_service_names_and_types()
            if name.startswith(base) and TRIGGER in types
        }
        for name in offered - set(self._clients):
            if any(name in verb.services for verb in BY_NAME.values()):
                self._clients[name] = self._node.create_client(Trigger, base + name)
        ready = {name for name, client in self._clients.items() if client.service_is_ready()}
        return frozenset(offered & ready)

    def _call(self, verb: str, done: Future[Answer]) -> None:
        recorder = self._board.recorder
        service = BY_NAME[verb].service(recorder.services) if recorder else None
        if service is None:
            told = f'this recorder cannot be told to {BY_NAME[verb].label.lower()}'
            done.set_result(Answer(False, told) if recorder else NOBODY)
            return

        def answered(call: Any) -> None:
            with suppress(InvalidStateError):  # nobody waits any more
                done.set_result(_answer(call))

        self._clients[service].call_async(Trigger.Request()).add_done_callback(answered)

    def _say(self, what: str, text: str) -> Answer:
        if self._board.recorder is None:
            return NOBODY
        if not self._hears(what):
            return Answer(False, f'this recorder takes no {what}')
        self._publishers[what].publish(String(data=text))
        return Answer(True, f'{what}: {text}')

    def _hears(self, what: str) -> bool:
        return bool(self._publishers[what].get_subscription_count())


def _answer(call: Any) -> Answer:
    if call.exception() is not None:
        return Answer(False, str(call.exception()))
    response = call.result()
    return Answer(bool(response.success), str(response.message))


def _name(namespace: str, relative: str) -> str:
    return f'{namespace.rstrip("/")}/{relative}'
