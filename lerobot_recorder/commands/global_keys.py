"""The operator's keys whatever window is in front, as LeRobot hears them (X11)."""

from __future__ import annotations

import os
import queue
import threading
from typing import Any

from lerobot_drivers.common.errors import ConfigError

_KEYS = {'Right': 'end_episode', 'Left': 'rerecord', 'Escape': 'stop'}
"""Letters are for the terminal: typed into another window they would mean something else."""


class GlobalKeys:
    """Hears the arrow keys and Esc of the whole desktop, in a thread of its own.

    Raises:
        ConfigError: there is no X display to listen to, or the package for it is missing.
    """

    def __init__(self) -> None:
        self._pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
        if not os.environ.get('DISPLAY'):
            raise ConfigError(
                'recorder.global_keys: there is no X display (DISPLAY is not set); '
                'leave it out, the keys are heard in this terminal'
            )
        try:
            from Xlib import XK, X, display, error
            from Xlib.ext import record
        except ImportError as missing:
            raise ConfigError(
                "recorder.global_keys needs a package: pip install 'lerobot_ros[keys]'"
            ) from missing
        try:
            self._control, self._events = display.Display(), display.Display()
        except (error.DisplayError, OSError) as failed:
            raise ConfigError(f'recorder.global_keys: no X display answers: {failed}') from failed
        self._key_press = X.KeyPress
        codes = {self._control.keysym_to_keycode(XK.string_to_keysym(k)): k for k in _KEYS}
        self._words = {code: _KEYS[name] for code, name in codes.items()}
        nothing = (0, 0)
        wanted: dict[str, Any] = {
            'core_requests': nothing, 'core_replies': nothing, 'ext_requests': (0, 0, 0, 0),
            'ext_replies': (0, 0, 0, 0), 'delivered_events': nothing,
            'device_events': (X.KeyPress, X.KeyPress), 'errors': nothing,
            'client_started': False, 'client_died': False,
        }  # fmt: skip
        self._context = self._events.record_create_context(0, [record.AllClients], [wanted])
        self._thread = threading.Thread(target=self._listen, name='global keys', daemon=True)
        self._thread.start()

    def words(self) -> list[str]:
        """Return what the keys pressed since say."""
        words = []
        while not self._pressed.empty():
            words.append(self._pressed.get())
        return words

    def close(self) -> None:
        """Hear no more."""
        self._control.record_disable_context(self._context)
        self._control.flush()
        self._thread.join(timeout=2)
        self._control.close()

    def _listen(self) -> None:
        self._events.record_enable_context(self._context, self._on_data)
        self._events.record_free_context(self._context)
        self._events.close()

    def _on_data(self, reply: Any) -> None:
        from Xlib.protocol import rq

        data = reply.data
        while len(data):
            event, data = rq.EventField(None).parse_binary_value(
                data, self._events.display, None, None
            )
            if event.type == self._key_press and event.detail in self._words:
                self._pressed.put(self._words[event.detail])
