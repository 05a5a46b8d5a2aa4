"""A dashboard that really listens, on a board that a test sets up, with no ROS behind it."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import numpy as np
from synthetic_messages import T0, image, raw

from lerobot_drivers.common.clock import SystemClock
from lerobot_recorder.dashboard.access import Access
from lerobot_recorder.dashboard.app import Dashboard
from lerobot_recorder.dashboard.board import Board, RecorderSeen
from lerobot_recorder.dashboard.config import dashboard_config, prepare
from lerobot_recorder.dashboard.library import Library
from lerobot_recorder.dashboard.operator import Answer
from lerobot_recorder.dashboard.previews import Previews
from lerobot_recorder.dashboard.server import Server

STATUS = {
    'phase': 'recording', 'saved': 2, 'accepted': 3, 'wanted': 10, 'frames': 45,
    'episode_frames': 300, 'waiting_for': [], 'left_s': 0.0, 'task': 'Fold the <b>towel</b>',
    'message': 'episode 1 saved: 300 frames', 'root': '', 'fps': 30, 'newer_than_us': [1],
}  # fmt: skip
SERVICES = frozenset({'start', 'save', 'discard', 'stop'})


class FakeOperator:
    """Notes what it is told; answers as it is set."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []
        self.answer: Answer | None = Answer(True, 'so be it')

    def call(self, verb: str) -> Future[Answer]:
        return self._note(verb)

    def say(self, what: str, text: str) -> Future[Answer]:
        return self._note(what, text)

    def _note(self, *words: str) -> Future[Answer]:
        self.heard.append(words)
        done: Future[Answer] = Future()
        if self.answer is not None:
            done.set_result(self.answer)
        return done


class Stage:
    """What is behind the page, and a client in front of it."""

    def __init__(self, **section: Any) -> None:
        clock = SystemClock()
        self.config = prepare(dashboard_config({'port': 0, **section}, {}))
        self.board, self.previews, self.library = Board(clock), Previews(clock), Library()
        self.operator = FakeOperator()
        self.board.recorder = RecorderSeen('/arm', SERVICES, frozenset({'task'}))
        self.board.status = dict(STATUS)
        self.board.cameras = ('front', 'side')
        self.board.hear('arm: bus', 0, 'ok', {'rate [Hz]': '100'})
        self.board.hear('recorder: /arm/side', 1, 'slow: 12 Hz of 30 Hz', {})
        dashboard = Dashboard(self.board, self.previews, self.library, self.operator)
        self.server = Server(self.config, lambda: dashboard.application(Access(self.config)))

    @property
    def origin(self) -> str:
        return self.config.url.rstrip('/')

    def connection(self) -> http.client.HTTPConnection:
        if self.config.certificate is None:
            return http.client.HTTPConnection('127.0.0.1', self.config.port, timeout=10)
        context = ssl.create_default_context(cafile=str(self.config.certificate))
        context.check_hostname = False
        return http.client.HTTPSConnection(
            '127.0.0.1', self.config.port, timeout=10, context=context
        )

    def ask(
        self, path: str, method: str = 'GET', body: str | None = None, **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Return status, body and headers; a POST comes from a page of ours unless told else."""
        sent = {name.replace('_', '-'): value for name, value in headers.items()}
        if method == 'POST':
            sent.setdefault('Origin', self.origin)
        connection = self.connection()
        try:
            connection.request(method, path, body, {k: v for k, v in sent.items() if v})
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()

    @contextmanager
    def events(self) -> Iterator[Iterator[dict[str, Any]]]:
        """Listen to the live status."""
        connection = self.connection()
        try:
            connection.request('GET', '/events')
            response = connection.getresponse()
            assert response.status == 200, response.read()
            lines = iter(response.readline, b'')
            yield (json.loads(line[6:]) for line in lines if line.startswith(b'data: '))
        finally:
            connection.close()

    @contextmanager
    def pictures(self) -> Iterator[None]:
        """Let the camera ``front`` give pictures whenever somebody looks."""
        stop = threading.Event()

        def film() -> None:
            shade = 0
            while not stop.wait(0.05):
                if 'front' in self.previews.wanted():
                    shade = (shade + 16) % 256
                    picture = np.full((120, 160, 3), (shade, 90, 160), np.uint8)
                    self.previews.put('front', raw('/arm/front', image(T0, picture), T0))

        thread = threading.Thread(target=film)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def dashboard_stage(**section: Any) -> Iterator[Stage]:
    stage = Stage(**section)
    stage.server.start()
    try:
        yield stage
    finally:
        stage.server.stop()
