from __future__ import annotations

import ctypes
import os
import platform
import threading

import pytest

from lerobot_drivers.common import scheduling

LINUX = tuple(int(part) for part in platform.release().split('.')[:2] if part.isdecimal())


def in_a_thread(action):
    found = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join()
    return found[0]


def attributes():
    found = scheduling._Attributes(size=ctypes.sizeof(scheduling._Attributes))
    size = ctypes.sizeof(scheduling._Attributes)
    assert scheduling._call(scheduling._SCHED_GETATTR, found, size) == 0
    return found


@pytest.mark.skipif(not scheduling._SCHED_GETATTR, reason='no numbers of system calls for it')
@pytest.mark.skipif(LINUX < (6, 12), reason='needs Linux 6.12')
def test_a_thread_and_those_it_starts_take_short_turns():
    def start_another():
        assert scheduling.take_short_turns()
        return attributes(), in_a_thread(attributes)

    for found in in_a_thread(start_another):
        assert (found.policy, found.runtime) == (0, scheduling.SLICE_NS)
    assert in_a_thread(attributes).runtime != scheduling.SLICE_NS


def test_without_the_system_call_nothing_happens(monkeypatch):
    monkeypatch.setattr(scheduling, '_SCHED_GETATTR', 0)
    assert not scheduling.take_short_turns()


def test_a_background_thread_and_those_it_starts_are_nice_and_no_others():
    def niceness():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def start_another():
        scheduling.stay_in_background()
        return niceness(), in_a_thread(niceness)

    before = niceness()
    expected = max(before, scheduling.BACKGROUND_NICE)
    assert in_a_thread(start_another) == (expected, expected)
    assert niceness() == before
