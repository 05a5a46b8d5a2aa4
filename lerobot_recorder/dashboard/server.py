"""The web server in a thread of its own, so that neither it nor ROS waits for the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from aiohttp import web

from lerobot_drivers.common.scheduling import stay_in_background
from lerobot_recorder.dashboard.config import DashboardConfig, cannot_listen

GOODBYE_S = 1.0
"""How long browsers have to take what was on its way to them [s]."""


class Server:
    """Serves one application.

    Args:
        config: where to listen.
        make_app: makes the application, in the server's thread.
    """

    def __init__(self, config: DashboardConfig, make_app: Callable[[], web.Application]) -> None:
        self._config = config
        self._make_app = make_app
        self._thread = threading.Thread(target=self._run, name='dashboard-server', daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: Exception | None = None

    def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address cannot be had, or the certificate cannot be used.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Let go of the browsers and of the address."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        stay_in_background()
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._ready.is_set():
                raise
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._make_app(), access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        try:
            host, port = self._config.host, self._config.port
            site = web.TCPSite(runner, host, port, ssl_context=self._config.tls())
            try:
                await site.start()
            except OSError as error:
                raise cannot_listen(self._config, error) from error
            self._ready.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()
