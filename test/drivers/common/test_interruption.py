"""Ctrl-C when nothing is half done."""

import os
import signal
import threading

import pytest

from lerobot_drivers.common.interruption import Interruption


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_it_waits_for_the_moment():
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        interruption.check()
        press()
        done.append('whole')
        interruption.check()
    assert done == ['whole']
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_one_comes_at_once():
    with pytest.raises(KeyboardInterrupt), Interruption():
        press()
        press()
        pytest.fail('it should have come')


def test_other_threads_are_left_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def enter():
        with Interruption() as interruption:
            interruption.check()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
