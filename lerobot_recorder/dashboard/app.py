"""The web application: pages, live status, pictures, and the operator's words."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.dashboard.access import Access
from lerobot_recorder.dashboard.board import Board
from lerobot_recorder.dashboard.guard import Guard
from lerobot_recorder.dashboard.library import Library
from lerobot_recorder.dashboard.operator import Answer, Operator
from lerobot_recorder.dashboard.previews import Previews
from lerobot_recorder.dashboard.verbs import BY_NAME

T = TypeVar('T')
DATA = Path(__file__).parent / 'data'
STATIC = {
    'style.css': 'text/css',
    'app.js': 'text/javascript',
    'page.js': 'text/javascript',
    'cameras.js': 'text/javascript',
    'episodes.js': 'text/javascript',
    'icon.svg': 'image/svg+xml',
}
EVENT_S = 0.2
REFRESH_S = 1.0
KEEP_ALIVE_S, GONE_S = 10.0, 20.0
PICTURE_PATIENCE_S, PICTURE_LOOK_S = 2.0, 0.05
ANSWER_PATIENCE_S = 5.0
MOST_WATCHERS = 16
MOST_TEXT = 1000
MOST_EPISODES = 60


class Dashboard:
    """The handlers of the application.

    Args:
        board: what is shown.
        previews: live pictures.
        library: the episodes so far.
        operator: who carries words to the recorder.
    """

    def __init__(
        self, board: Board, previews: Previews, library: Library, operator: Operator
    ) -> None:
        self._board = board
        self._previews = previews
        self._library = library
        self._operator = operator
        self._live = _worker('previews')
        self._background = _worker('library')
        self._looking: asyncio.Future[None] | None = None
        self._looked_at = 0.0
        self._closing = False

    def application(self, access: Access) -> web.Application:
        """Return the application, guarded."""
        app = web.Application(client_max_size=16 << 10)
        Guard(access, (DATA / 'login.html').read_text(encoding='utf-8')).attach(app)
        app.add_routes(
            [
                web.get('/', self._index),
                web.get('/static/{name}', self._static),
                web.get('/events', self._events),
                web.get('/camera/{camera}', self._camera),
                web.get('/episodes', self._episodes),
                web.get(r'/episode/{index:\d{1,9}}/{camera}', self._episode),
                web.post('/do/{verb}', self._do),
                web.post('/say/{what:task|note}', self._say),
            ]
        )
        app.on_shutdown.append(self._say_goodbye)
        app.on_cleanup.append(self._close)
        return app

    async def _say_goodbye(self, _app: web.Application) -> None:
        self._closing = True

    async def _close(self, _app: web.Application) -> None:
        for pool in (self._live, self._background):
            pool.shutdown(wait=True, cancel_futures=True)

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return _file('index.html', 'text/html')

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info['name']
        if name not in STATIC:
            raise web.HTTPNotFound
        return _file(name, STATIC[name])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send everything whenever something has changed, five times a second at most."""
        if self._board.watchers >= MOST_WATCHERS:
            raise web.HTTPServiceUnavailable(text=f'{MOST_WATCHERS} browsers look already\n')
        response = web.StreamResponse(headers={'Content-Type': 'text/event-stream'})
        self._board.watchers += 1
        try:
            await response.prepare(request)
            _give_up_early(request)
            await self._stream(request, response)
        except (ConnectionError, RuntimeError):  # the browser has left
            pass
        finally:
            self._board.watchers -= 1
        return response

    async def _stream(self, request: web.Request, response: web.StreamResponse) -> None:
        now = asyncio.get_running_loop().time
        told, told_at = '', now()
        while not (self._closing or request.transport is None or request.transport.is_closing()):
            self._look_around(now())
            text = json.dumps({**self._board.view(), 'dataset': self._library.view()})
            if text != told:
                told, told_at = text, now()
                await response.write(f'data: {text}\n\n'.encode())
            elif now() >= told_at + KEEP_ALIVE_S:
                told_at = now()
                await response.write(b': still here\n\n')
            await asyncio.sleep(EVENT_S)

    def _look_around(self, now_s: float) -> None:
        """Let the dataset be looked at again, without waiting for it."""
        if self._looking is not None and self._looking.done():
            self._looking = self._looking.result()
        if self._looking is None and now_s >= self._looked_at + REFRESH_S:
            self._looked_at = now_s
            self._looking = asyncio.ensure_future(
                self._run(self._background, self._library.refresh, self._board.root)
            )

    async def _camera(self, request: web.Request) -> web.StreamResponse:
        """Send a picture newer than the number in ``after``; 204 if none comes."""
        camera = request.match_info['camera']
        if camera not in self._board.cameras:
            raise web.HTTPNotFound
        after, waited_s = _number(request, 'after', 0), 0.0
        self._previews.want(camera)
        while (preview := self._previews.newest(camera)) is None or preview.number == after:
            if waited_s >= PICTURE_PATIENCE_S:
                return web.Response(status=204)
            await asyncio.sleep(PICTURE_LOOK_S)
            waited_s += PICTURE_LOOK_S
        try:
            data = await self._run(self._live, self._previews.jpeg, camera, preview)
        except LerobotRosError as error:
            return web.Response(status=415, text=f'{error}\n')
        return _jpeg(data, {'X-Picture': str(preview.number)})

    async def _episodes(self, request: web.Request) -> web.StreamResponse:
        count = min(_number(request, 'count', 12), MOST_EPISODES)
        before = _number(request, 'before', 0) if 'before' in request.query else None
        return web.json_response(self._library.page(before, count))

    async def _episode(self, request: web.Request) -> web.StreamResponse:
        index, camera = int(request.match_info['index']), request.match_info['camera']
        try:
            data = await self._run(self._background, self._library.thumbnail, index, camera)
        except LerobotRosError as error:
            return web.Response(status=415, text=f'{error}\n')
        if data is None:
            raise web.HTTPNotFound
        return _jpeg(data, {'Cache-Control': 'private, max-age=86400'})

    async def _do(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info['verb']
        if verb not in BY_NAME:
            raise web.HTTPNotFound
        return await _answer(self._operator.call(verb))

    async def _say(self, request: web.Request) -> web.StreamResponse:
        text = ' '.join((await request.text()).split())
        if not text or len(text) > MOST_TEXT:
            answer = Answer(False, f'a text of 1 to {MOST_TEXT} characters is wanted')
            return web.json_response(asdict(answer), status=400)
        return await _answer(self._operator.say(request.match_info['what'], text))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *values)


def _worker(name: str) -> ThreadPoolExecutor:
    """Return a thread of its own that stands back behind what records."""
    return ThreadPoolExecutor(1, f'dashboard-{name}', stay_in_background)


def _give_up_early(request: web.Request) -> None:
    """Count a browser that has fallen silent as gone: a phone that left the network."""
    option = getattr(socket, 'TCP_USER_TIMEOUT', None)  # Linux
    connection = request.transport.get_extra_info('socket') if request.transport else None
    if connection is not None and option is not None:
        connection.setsockopt(socket.IPPROTO_TCP, option, int(GONE_S * 1000))


async def _answer(told: Future[Answer]) -> web.Response:
    try:
        answer = await asyncio.wait_for(asyncio.wrap_future(told), ANSWER_PATIENCE_S)
    except asyncio.TimeoutError:
        answer = Answer(False, f'the recorder did not answer within {ANSWER_PATIENCE_S:.0f} s')
    return web.json_response(asdict(answer))


def _file(name: str, kind: str) -> web.Response:
    text = (DATA / name).read_text(encoding='utf-8')
    return web.Response(text=text, content_type=kind, headers={'Cache-Control': 'no-cache'})


def _jpeg(data: bytes, headers: dict[str, str]) -> web.Response:
    return web.Response(body=data, content_type='image/jpeg', headers=headers)


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, '')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
