"""The executor with a steady wait set: all that rclpy's own serves, as entities come and go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.waitable import NumberOfEntities, Waitable
from std_msgs.msg import String
from std_srvs.srv import Trigger

from lerobot_drivers.ros_executor import SteadyExecutor

pytestmark = pytest.mark.ros
STEADY = Clock(clock_type=ClockType.STEADY_TIME)


@pytest.fixture
def node(graph: Any) -> Iterator[Node]:
    made = rclpy.create_node('probe')
    yield made
    made.destroy_node()


@pytest.fixture
def executor(node: Node) -> Iterator[SteadyExecutor]:
    made = SteadyExecutor()
    made.add_node(node)
    yield made
    made.shutdown(timeout_sec=0)


def spin_until(executor: SteadyExecutor, is_done: Callable[[], bool], limit_s: float = 10) -> None:
    until = time.monotonic() + limit_s
    while not is_done():
        assert time.monotonic() < until, 'it never came'
        executor.spin_once(timeout_sec=0.1)


def count_wait_sets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    real = rclpy_implementation.WaitSet

    class Counting:
        def __new__(cls, *sizes: object) -> object:
            made.append(1)
            return real(*sizes)

    monkeypatch.setattr(rclpy_implementation, 'WaitSet', Counting)
    return made


def test_one_wait_set_serves_many_turns(node, executor, monkeypatch):
    turns: list[int] = []
    node.create_timer(0.002, lambda: turns.append(1), clock=STEADY)
    spin_until(executor, lambda: len(turns) > 20)
    made = count_wait_sets(monkeypatch)
    monkeypatch.setattr(executor, '_next_events_s', time.monotonic() + 3600)
    spin_until(executor, lambda: len(turns) > 120)
    assert not made


def test_what_rclpy_has_served_once_does_not_leave_all_that_follows_to_it(
    node, executor, monkeypatch
):
    turns: list[int] = []

    def work() -> None:
        turns.append(1)
        time.sleep(0.001)  # so that the other one is due meanwhile

    for _ in range(2):
        node.create_timer(0.001, work, clock=STEADY)
    spin_until(executor, lambda: len(turns) > 20)
    left: list[int] = []
    leave = executor._leave_to_rclpy

    def counted(timeout_sec):
        left.append(1)
        leave(timeout_sec)

    monkeypatch.setattr(executor, '_leave_to_rclpy', counted)
    for _ in range(3):
        monkeypatch.setattr(executor, '_next_events_s', 0.0)
        executor.spin_once(timeout_sec=0.1)
    monkeypatch.setattr(executor, '_next_events_s', time.monotonic() + 3600)
    turns.clear()
    spin_until(executor, lambda: len(turns) > 100)
    assert len(left) <= 6, 'tasks that are done kept it coming back'


def test_messages_timers_services_and_clients_are_served(node, executor):
    heard: list[str] = []
    ticks: list[int] = []
    node.create_subscription(String, 'words', lambda message: heard.append(message.data), 10)
    publisher = node.create_publisher(String, 'words', 10)
    node.create_timer(0.01, lambda: ticks.append(1))

    def answer(_request, response):
        response.success, response.message = True, 'done'
        return response

    node.create_service(Trigger, 'do', answer)
    client = node.create_client(Trigger, 'do')
    spin_until(executor, client.service_is_ready)
    future = client.call_async(Trigger.Request())
    for word in ('a', 'b', 'c'):
        publisher.publish(String(data=word))
    spin_until(executor, lambda: len(heard) == 3 and future.done() and len(ticks) > 3)
    assert heard == ['a', 'b', 'c']
    assert future.result().message == 'done'


def test_what_is_created_in_a_callback_is_served(node, executor):
    order: list[str] = []

    def first() -> None:
        node.destroy_timer(timer)
        order.append('first')
        node.create_timer(0.001, lambda: order.append('second'), clock=STEADY)

    timer = node.create_timer(0.001, first, clock=STEADY)
    spin_until(executor, lambda: order.count('second') > 3)
    assert order.count('first') == 1


def test_what_is_destroyed_in_a_callback_is_not_served_any_more(node, executor):
    heard: list[str] = []
    publisher = node.create_publisher(String, 'words', 10)
    subscriptions = {}

    def hear(name: str) -> None:
        heard.append(name)
        for other in set(subscriptions) - {name}:
            node.destroy_subscription(subscriptions.pop(other))

    for name in ('a', 'b'):
        subscriptions[name] = node.create_subscription(
            String, 'words', lambda _message, name=name: hear(name), 10
        )
    spin_until(executor, lambda: publisher.get_subscription_count() == 2)
    for _ in range(2):
        publisher.publish(String(data='x'))
    spin_until(executor, lambda: len(heard) == 2)
    executor.spin_once(timeout_sec=0.1)
    assert len(set(heard)) == 1


def test_another_thread_may_create_and_destroy_while_it_waits(node, executor):
    ticks: list[int] = []
    stopped = threading.Event()

    def churn() -> None:
        while not stopped.is_set():
            timer = node.create_timer(0.001, lambda: ticks.append(1), clock=STEADY)
            subscription = node.create_subscription(String, 'words', lambda _m: None, 10)
            time.sleep(0.005)
            node.destroy_timer(timer)
            node.destroy_subscription(subscription)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        spin_until(executor, lambda: len(ticks) > 100, limit_s=30)
    finally:
        stopped.set()
        thread.join()


def test_a_new_timer_of_another_thread_ends_the_wait(node, executor):
    ticks: list[int] = []
    later = threading.Timer(
        0.2, lambda: node.create_timer(0.01, lambda: ticks.append(1), clock=STEADY)
    )
    later.start()
    start = time.monotonic()
    while not ticks:
        executor.spin_once(timeout_sec=20)
    later.join()
    assert time.monotonic() - start < 15


def test_a_guard_condition_of_the_users_is_served(node, executor):
    served: list[int] = []
    guard = node.create_guard_condition(lambda: served.append(1))
    executor.spin_once(timeout_sec=0)
    guard.trigger()
    spin_until(executor, lambda: bool(served))


def test_a_cancelled_timer_is_silent(node, executor):
    ticks: list[int] = []
    timer = node.create_timer(0.002, lambda: ticks.append(1), clock=STEADY)
    spin_until(executor, lambda: len(ticks) > 3)
    timer.cancel()
    executor.spin_once(timeout_sec=0.05)
    before = len(ticks)
    for _ in range(5):
        executor.spin_once(timeout_sec=0.02)
    assert len(ticks) == before


def test_an_error_in_a_callback_comes_out(node, executor):
    def fail() -> None:
        raise RuntimeError('gone')

    node.create_timer(0.001, fail, clock=STEADY)
    with pytest.raises(RuntimeError, match='gone'):
        spin_until(executor, lambda: False)


def test_a_shutdown_comes_out(node, executor):
    executor.spin_once(timeout_sec=0)
    rclpy.try_shutdown()
    with pytest.raises(ExternalShutdownException):
        spin_until(executor, lambda: False)


def test_a_node_with_other_waitables_is_left_to_rclpy(node, executor):
    taken: list[int] = []

    class Gadget(Waitable):
        def __init__(self) -> None:
            super().__init__(node.default_callback_group)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_reason: object) -> None:
            pass

        def is_ready(self, _wait_set: object) -> bool:
            return True

        def take_data(self) -> int:
            return 1

        async def execute(self, data: int) -> None:
            taken.append(data)

        def get_num_entities(self) -> NumberOfEntities:
            return NumberOfEntities()

        def add_to_wait_set(self, _wait_set: object) -> None:
            pass

    ticks: list[int] = []
    node.create_timer(0.01, lambda: ticks.append(1), clock=STEADY)
    gadget = Gadget()
    node.add_waitable(gadget)
    spin_until(executor, lambda: bool(taken) and len(ticks) > 3)


def until_rclpy_looks_for_events(executor):
    """Have the next turn be the one in a second that is rclpy's."""
    executor._next_events_s, executor._cb_iter = 0.0, None


def test_what_is_destroyed_just_before_rclpys_turn_is_let_go(node, executor):
    heard: list[str] = []
    publisher = node.create_publisher(String, 'words', 10)
    subscription = node.create_subscription(String, 'words', heard.append, 10)
    spin_until(executor, lambda: publisher.get_subscription_count() == 1)
    for _ in range(3):  # the first one is rclpy's
        executor.spin_once(timeout_sec=0)
    publisher.publish(String(data='unread'))
    time.sleep(0.3)  # on its way; nothing tells of its coming without taking it
    node.destroy_subscription(subscription)
    until_rclpy_looks_for_events(executor)
    executor.spin_once(timeout_sec=0)
    turns, end = 0, time.monotonic() + 0.5
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
        turns += 1
    assert turns < 30, 'it turns without anything to do'
    assert not heard


def test_what_is_created_just_before_rclpys_turn_is_served(node, executor):
    executor.spin_once(timeout_sec=0)
    executor.spin_once(timeout_sec=0)
    ticks: list[int] = []
    node.create_timer(0.001, lambda: ticks.append(1), clock=STEADY)
    until_rclpy_looks_for_events(executor)
    executor.spin_once(timeout_sec=0)
    executor._next_events_s = time.monotonic() + 3600
    spin_until(executor, lambda: len(ticks) > 3)


def test_tasks_are_served(executor):
    executor.spin_once(timeout_sec=0)
    executor._next_events_s = time.monotonic() + 3600
    done: list[int] = []
    executor.create_task(lambda: done.append(1))
    spin_until(executor, lambda: bool(done))


def test_after_shutdown_it_returns(executor):
    executor.spin_once(timeout_sec=0)
    executor.shutdown(timeout_sec=0)
    executor.spin_once(timeout_sec=0)
