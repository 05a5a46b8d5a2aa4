"""Every request passes here: is it for us, from a page of ours, from somebody let in?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie

from aiohttp import web

from lerobot_recorder.dashboard.access import Access

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WRONG_TOKEN_S = 1.0
"""What a wrong token costs who tries; tries wait for each other."""
COOKIE_S = 30 * 24 * 3600
HEADERS = {
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'same-origin',
    'Server': 'lerobot_ros',
    'X-Content-Type-Options': 'nosniff',
}
_OPEN = ('/login', '/static/style.css', '/static/icon.svg')
_OWN_SITES = (None, 'same-origin', 'none')


class Guard:
    """The rules of :class:`Access`, put to requests.

    Args:
        access: the rules.
        login_page: what a browser gets that has to show its token first.
    """

    def __init__(self, access: Access, login_page: str) -> None:
        self._access = access
        self._login_page = login_page
        self._trying = asyncio.Lock()

    def attach(self, app: web.Application) -> None:
        """Make an application pass its requests here."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._check(request, handler)

        app.middlewares.append(check)
        app.on_response_prepare.append(_add_headers)
        app.router.add_post('/login', self._login)

    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host, headers = request.headers.get('Host'), request.headers
        if not self._access.knows_host(host):
            return _refuse(f'this dashboard is not {host}: open it as 127.0.0.1 or localhost')
        if request.method == 'POST':
            if not self._access.is_own_origin(headers.get('Origin'), host):
                return _refuse('only pages of this dashboard may speak to it')
        elif headers.get('Sec-Fetch-Site') not in _OWN_SITES and not _is_link(request):
            return _refuse('other pages may link to this dashboard, not read from it')
        if request.path in _OPEN:
            return await handler(request)
        if request.path == '/' and 'token' in request.query:
            return await self._try(request.query['token'])
        if not self._access.lets_in(self._cookie(request)):
            return self._locked(request)
        return await handler(request)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        return await self._try(str(form.get('token', '')))

    async def _try(self, token: str) -> web.StreamResponse:
        if not self._access.knows_token(token):
            async with self._trying:
                await asyncio.sleep(WRONG_TOKEN_S)
            page = self._login_page.replace('hidden', '', 1)
            return web.Response(status=401, text=page, content_type='text/html')
        found = web.HTTPSeeOther('/')
        found.set_cookie(
            self._access.cookie_name,
            self._access.cookie,
            max_age=COOKIE_S,
            httponly=True,
            samesite='Strict',
            secure=self._access.config.certificate is not None,
        )
        raise found

    def _locked(self, request: web.Request) -> web.Response:
        if request.path == '/':
            return web.Response(status=401, text=self._login_page, content_type='text/html')
        return web.Response(status=401, text='the token is missing: open the first page again\n')

    def _cookie(self, request: web.Request) -> str | None:
        try:
            return request.cookies.get(self._access.cookie_name)
        except ValueError:  # a cookie of somebody else that is none
            found = SimpleCookie(request.headers.get('Cookie', '')).get(self._access.cookie_name)
            return found.value if found else None


def _is_link(request: web.Request) -> bool:
    """Return whether a person followed a link to the first page."""
    return request.path == '/' and request.headers.get('Sec-Fetch-Mode') == 'navigate'


def _refuse(why: str) -> web.Response:
    return web.Response(status=403, text=why + '\n')


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.setdefault('Cache-Control', 'no-store')
