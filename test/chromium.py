"""A real browser without a window, spoken to through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
FLAGS = (
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--hide-scrollbars',
    '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-extensions', '--mute-audio', '--remote-debugging-port=0',
    '--ignore-certificate-errors',
)  # fmt: skip
PATIENCE_S = 20.0


def find_chromium() -> str | None:
    """Return the browser's path, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.troubles: list[str] = []
        self._socket = socket
        self._number = 0

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({'id': self._number, 'method': method, 'params': parameters})
        while True:
            message = await self._socket.receive_json(timeout=PATIENCE_S)
            self._note(message)
            if message.get('id') == self._number:
                assert 'error' not in message, message
                return message['result']

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what a developer would see in red."""
        found = message.get('params', {})
        if message.get('method') == 'Runtime.exceptionThrown':
            self.troubles.append(str(found['exceptionDetails']))
        elif message.get('method') == 'Log.entryAdded' and found['entry']['level'] == 'error':
            self.troubles.append(str(found['entry']))

    async def open(self, url: str) -> None:
        await self.send('Page.navigate', url=url)
        await self.until('document.readyState === "complete"')

    async def look_like(self, width: int, height: int, dark: bool = False) -> None:
        await self.send(
            'Emulation.setDeviceMetricsOverride',
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
        await self.send('Emulation.setEmulatedMedia', features=[scheme])

    async def ask(self, expression: str) -> Any:
        answer = await self.send(
            'Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True
        )
        assert 'exceptionDetails' not in answer, answer
        return answer['result'].get('value')

    async def until(self, expression: str) -> Any:
        end = time.monotonic() + PATIENCE_S
        while not (found := await self.ask(expression)):
            assert time.monotonic() < end, f'waited in vain for {expression}'
            await asyncio.sleep(0.05)
        return found

    async def screenshot(self, path: Path, whole: bool = False) -> None:
        shot = await self.send('Page.captureScreenshot', captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot['data']))


@contextlib.asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Page]:
    """Start a browser and yield its tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [path, *FLAGS, f'--user-data-dir={folder}', 'about:blank'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            tab = await _tab(Path(folder))
            async with aiohttp.ClientSession() as s, s.ws_connect(tab, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ('Page', 'Runtime', 'Log'):
                    await page.send(f'{domain}.enable')
                yield page
                with contextlib.suppress(Exception):
                    await page.send('Browser.close')
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.poll() is None:
                process.kill()
                process.wait()


async def _tab(folder: Path) -> str:
    end = time.monotonic() + PATIENCE_S
    while not (found := folder / 'DevToolsActivePort').exists() or not found.read_text():
        assert time.monotonic() < end, 'the browser did not start'
        await asyncio.sleep(0.05)
    port = found.read_text().split()[0]
    address = f'http://127.0.0.1:{port}/json'
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        tabs = await response.json()
    return next(tab['webSocketDebuggerUrl'] for tab in tabs if tab['type'] == 'page')
