"""An executor that builds its wait set once.

rclpy's own builds it anew for every callback, which costs several times what the callbacks of a
driver or a recorder do (about half a millisecond for a node with its parameter services).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

InvalidHandle = rclpy_implementation.InvalidHandle

EVENTS_S = 1.0
"""How often QoS events, which only become log lines, are looked for [s]."""


class SteadyExecutor(SingleThreadedExecutor):
    """Timers and subscriptions are served at once; all else by rclpy, when it is ready.

    Callbacks of timers take no argument and those of subscriptions the message alone; they are
    no coroutines. Entities may be created and destroyed at any time, from any thread. A node with
    waitables other than QoS events, such as an action's, is served by rclpy alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held = contextlib.ExitStack()
        self._entities = _Entities()
        self._wait_set: Any = None
        self._stale = True
        self._next_events_s = 0.0

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait and serve what is ready then.

        Args:
            timeout_sec: how long to wait, for ever if None or negative [s].

        Raises:
            ExternalShutdownException: rclpy was shut down.
        """
        if self._is_shutdown:
            return
        if not self.context.ok():
            raise ExternalShutdownException()
        if self._stale:
            self._gather()
        if self._entities.needs_rclpy or time.monotonic() >= self._next_events_s:
            self._next_events_s = time.monotonic() + EVENTS_S
            self._leave_to_rclpy(timeout_sec if self._entities.needs_rclpy else 0)
            return
        self._wait(timeout_sec)
        self._serve()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Serve no more, and let go of all entities; called by the thread that spins."""
        self._let_go()
        return bool(super().shutdown(timeout_sec=timeout_sec))

    def _let_go(self) -> None:
        self._wait_set = None
        self._entities = _Entities()
        self._held.close()

    def _gather(self) -> None:
        """Take hold of what there is: in use, none of it is destroyed until the next time."""
        self._let_go()
        found = _Entities()
        for node in self.get_nodes():
            found.add(node, self.can_execute)
        self._entities = found
        if found.needs_rclpy:
            return
        for kind in found.kinds():
            kind[:] = [entity for entity in kind if self._hold(entity)]
        self._held.enter_context(self.context.handle)
        guards = [*found.guards, self._guard, self._sigint_gc]
        self._guard_handles = [guard.handle for guard in guards]
        self._wait_set = rclpy_implementation.WaitSet(
            len(found.subscriptions), len(guards), len(found.timers), len(found.clients),
            len(found.services), 0, self.context.handle,
        )  # fmt: skip

    def _hold(self, entity: Any) -> bool:
        try:
            self._held.enter_context(entity.handle)
        except InvalidHandle:
            return False
        return True

    def _wait(self, timeout_sec: float | None) -> None:
        wait_set, found = self._wait_set, self._entities
        wait_set.clear_entities()
        for subscription in found.subscriptions:
            wait_set.add_subscription(subscription.handle)
        for timer in found.timers:
            wait_set.add_timer(timer.handle)
        for client in found.clients:
            wait_set.add_client(client.handle)
        for service in found.services:
            wait_set.add_service(service.handle)
        for guard in self._guard_handles:
            wait_set.add_guard_condition(guard)
        seconds = -1.0 if timeout_sec is None else timeout_sec
        wait_set.wait(int(seconds * 1e9) if seconds >= 0 else -1)
        if self._is_shutdown:
            return
        if not self.context.ok():
            raise ExternalShutdownException()

    def _serve(self) -> None:
        """Serve what the wait found; what a callback creates has its turn the next time."""
        found, guards = self._entities, self._wait_set.get_ready_entities('guard_condition')
        self._stale = bool(guards)  # rclpy triggers one whenever something comes or goes
        timers = self._ready('timer', found.timers)
        subscriptions = self._ready('subscription', found.subscriptions)
        others = self._ready('client', found.clients) + self._ready('service', found.services)
        for guard in found.guards if guards else ():
            if guard.handle.pointer in guards:
                guard._executor_triggered = True  # the wait has reset it
                others.append(guard)
        for timer in timers:
            _fire(timer)
        for subscription in subscriptions:
            _receive(subscription)
        if others or self._tasks:
            self._leave_to_rclpy(0)

    def _leave_to_rclpy(self, timeout_sec: float | None) -> None:
        """Let rclpy serve one thing; it may take the trigger that something came or went."""
        self._stale = True
        super().spin_once(timeout_sec)
        with self._tasks_lock:
            # Done ones rclpy forgets at its next turn; waiting for that, all would go by rclpy.
            self._tasks = [entry for entry in self._tasks if not entry[0].done()]

    def _ready(self, kind: str, entities: list[Any]) -> list[Any]:
        ready = self._wait_set.get_ready_entities(kind) if entities else ()
        return [entity for entity in entities if entity.handle.pointer in ready] if ready else []


class _Entities:
    """What there is to wait for."""

    def __init__(self) -> None:
        self.subscriptions: list[Any] = []
        self.timers: list[Any] = []
        self.clients: list[Any] = []
        self.services: list[Any] = []
        self.guards: list[Any] = []
        self.needs_rclpy = False

    def kinds(self) -> Iterable[list[Any]]:
        return self.subscriptions, self.timers, self.clients, self.services, self.guards

    def add(self, node: Node, can_execute: Callable[[Any], bool]) -> None:
        self.subscriptions += filter(can_execute, node.subscriptions)
        self.timers += filter(can_execute, node.timers)
        self.clients += filter(can_execute, node.clients)
        self.services += filter(can_execute, node.services)
        self.guards += filter(can_execute, node.guards)
        events = ('EventHandler', 'QoSEventHandler')  # the latter on Humble
        self.needs_rclpy |= any(type(wt).__name__ not in events for wt in node.waitables)


def _fire(timer: Any) -> None:
    """Call a timer's callback, unless it was destroyed or cancelled by another one."""
    try:
        with timer.handle:
            if not timer.handle.is_timer_ready():
                return
            timer.handle.call_timer()
    except InvalidHandle:
        return
    timer.callback()


def _receive(subscription: Any) -> None:
    """Hand one message to a subscription's callback."""
    try:
        with subscription.handle:
            taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
    except InvalidHandle:
        return
    if taken is not None:
        subscription.callback(taken[0])
