"""Keys of a whole desktop, on a real X server without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.commands.global_keys import GlobalKeys


def test_without_a_display_it_says_so(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    with pytest.raises(ConfigError, match='there is no X display'):
        GlobalKeys()


@pytest.fixture
def desktop(monkeypatch):
    """Return what presses keys in another client of an X server."""
    pytest.importorskip('Xlib', reason="NOT TESTED: global keys need the extra 'keys'")
    if shutil.which('Xvfb') is None:
        pytest.skip('NOT TESTED: global keys need Xvfb')
    from Xlib import XK, X, display
    from Xlib.ext import xtest

    reading, writing = os.pipe()
    server = subprocess.Popen(
        ['Xvfb', '-displayfd', str(writing), '-screen', '0', '64x64x24', '-nolisten', 'tcp'],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as told:
        name = f':{told.readline().strip()}'
    monkeypatch.setenv('DISPLAY', name)
    other = display.Display(name)

    def press(key):
        code = other.keysym_to_keycode(XK.string_to_keysym(key))
        for kind in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(other, kind, code)
        other.sync()

    yield press
    other.close()
    server.terminate()
    server.wait(timeout=10)


def test_arrows_and_esc_are_heard_from_anywhere_and_letters_are_not(desktop):
    keys = GlobalKeys()
    heard = []
    try:
        for _ in range(100):  # until the server has begun to report
            desktop('Right')
            time.sleep(0.05)
            if keys.words():
                break
        for key in ('Left', 'n', 'q', 'Escape', 'Right'):
            desktop(key)
        for _ in range(100):
            heard += keys.words()
            if len(heard) >= 3:
                break
            time.sleep(0.05)
    finally:
        keys.close()
    assert heard == ['rerecord', 'stop', 'end_episode']


# Xlib leaves the sockets open with which it tried.
@pytest.mark.filterwarnings(
    'ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning'
)
def test_a_display_that_does_not_answer_is_told(monkeypatch):
    pytest.importorskip('Xlib', reason="NOT TESTED: global keys need the extra 'keys'")
    monkeypatch.setenv('DISPLAY', ':987')
    with pytest.raises(ConfigError, match='no X display answers'):
        GlobalKeys()
