"""The operator's keys whatever window is in front, as LeRobot hears them (X11)."""

from __future__ import annotations

import os
import queue
from typing import Any

from lerobot_drivers.common.errors import ConfigError

_KEYS = {'right': 'end_episode', 'left': 'rerecord', 'esc': 'stop'}
"""Letters are for the terminal: typed into another window they would mean something else."""


class GlobalKeys:
    """Hears the arrow keys and Esc of the whole desktop.

    Raises:
        ConfigError: there is no X display, or the package for it is missing.
    """

    def __init__(self) -> None:
        self._pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
        if not os.environ.get('DISPLAY'):
            raise ConfigError(
                'recorder.global_keys: there is no X display (DISPLAY is not set); '
                'leave it out, the keys are heard in this terminal'
            )
        try:
            from pynput import keyboard
        except ImportError as error:
            raise ConfigError(
                f'recorder.global_keys cannot hear the desktop ({_first_line(error)}): '
                "pip install 'lerobot_ros[keys]', or leave it out"
            ) from error
        self._listener: Any = keyboard.Listener(on_press=self._on_press)
        self._listener.start()

    def words(self) -> list[str]:
        """Return what the keys pressed since say."""
        words = []
        while not self._pressed.empty():
            words.append(self._pressed.get())
        return words

    def close(self) -> None:
        """Hear no more."""
        self._listener.stop()

    def _on_press(self, key: Any) -> None:
        word = _KEYS.get(getattr(key, 'name', ''))
        if word is not None:
            self._pressed.put(word)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0]
