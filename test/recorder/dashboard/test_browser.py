"""The dashboard in a real browser without a window."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product

import pytest
from chromium import Page, chromium, find_chromium
from dashboard_stage import dashboard_stage

BROWSER = find_chromium()
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason='no Chromium here: apt-get install chromium'),
    pytest.mark.timeout(90),
]
TOKEN = 'a-token-of-some-length'
SHOWN = (
    'Episode 4 of 10', 'Fold the <b>towel</b>', '1.5 s of 10.0 s', '2 saved, 1 on the way',
    '! Warning recorder: /arm/side slow: 12 Hz of 30 Hz', '✓ OK arm: bus',
)  # fmt: skip
NAMELESS = """[...document.querySelectorAll('button, input, img, figure')].filter((element) =>
  !element.closest('[hidden]') && !element.textContent.trim() && element.alt === undefined &&
  !(element.labels && element.labels.length)).map((element) => element.outerHTML)"""
# Contrast as WCAG 2 has it, of everything with text of its own on the nearest opaque background.
FAINT = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0.5) return found;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.offsetParent && [...element.childNodes]
      .some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => {
      const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML];
    })
    .filter(([contrast]) => contrast < 4.5);
})()"""


def browse(steps: Callable[[Page], Awaitable[None]]) -> None:
    async def run() -> None:
        async with chromium(str(BROWSER)) as page:
            await steps(page)

    asyncio.run(run())


def test_an_operator_sees_and_operates_a_session():
    with dashboard_stage() as stage, stage.pictures():

        async def steps(page: Page) -> None:
            await page.look_like(1440, 900)
            await page.open(stage.config.url)
            await page.until("document.querySelector('#phase')?.textContent === 'recording'")
            shown = await page.ask("document.querySelector('main').innerText")
            shown = ' '.join(shown.split())
            for text in SHOWN:
                assert text in shown
            await page.until("document.querySelector('figure[data-state=live] img')?.naturalWidth")
            first = await page.ask("document.querySelector('figure img').src")
            await page.until(f"document.querySelector('figure img').src !== '{first}'")

            await page.ask("document.querySelector('[data-verb=save]').click()")
            await page.until("document.querySelector('#message').textContent === 'so be it'")
            await page.ask("document.querySelector('[data-verb=discard]').click()")
            assert 'sure?' in await page.ask(
                "document.querySelector('[data-verb=discard]').textContent"
            )
            assert stage.operator.heard == [('save',)]
            await page.ask("document.querySelector('[data-verb=discard]').click()")
            await page.ask(
                "document.querySelector('#next-task').value = 'Open the box';"
                "document.querySelector('#say-task button').click()"
            )
            await page.until("document.querySelector('#next-task').value === ''")
            assert stage.operator.heard[1:] == [('discard',), ('task', 'Open the box')]
            assert await page.ask("document.querySelector('#say-note').hidden")

            stage.board.status = {**stage.board.status, 'phase': 'resetting', 'left_s': 7.2}
            await page.until("document.querySelector('#elapsed').textContent === '8 s'")
            stage.board.recorder = None
            await page.until("document.querySelector('#notice').innerText.includes('No recorder')")
            assert not page.troubles

        browse(steps)


def test_it_can_be_read_and_used_everywhere():
    with dashboard_stage() as stage:

        async def steps(page: Page) -> None:
            for width, dark in product((1440, 390), (False, True)):
                await page.look_like(width, 844, dark)
                await page.open(stage.config.url)
                await page.until("document.querySelectorAll('#components li').length === 2")
                assert await page.ask('document.documentElement.scrollWidth') == width
                assert await page.ask(NAMELESS) == []
                assert await page.ask(FAINT) == []
                low = await page.ask(
                    "Math.min(...[...document.querySelectorAll('.verbs button')]"
                    '.map((button) => button.getBoundingClientRect().height))'
                )
                assert low >= 44, 'too low for a thumb'

        browse(steps)


def test_the_token_is_asked_for_once():
    with dashboard_stage(token=TOKEN) as stage:

        async def steps(page: Page) -> None:
            await page.open(stage.config.url)
            await page.ask(f"document.querySelector('#token').value = '{TOKEN}'")
            await page.ask("document.querySelector('button').click()")
            await page.until("document.querySelector('#phase')?.textContent === 'recording'")
            await page.open(stage.config.url)
            await page.until("document.querySelector('#phase')?.textContent === 'recording'")
            assert await page.ask('document.cookie') == ''

        browse(steps)


def test_a_page_of_somebody_else_can_do_nothing():
    with dashboard_stage() as stage, other_site() as url:

        async def steps(page: Page) -> None:
            await page.open(url)
            there = stage.config.url
            for options in ("{method: 'POST', mode: 'no-cors'}", "{method: 'POST'}"):
                await page.ask(f"fetch('{there}do/stop', {options}).catch(() => 0).then(() => 1)")
            seen = await page.ask(
                'new Promise((done) => { const image = new Image(); image.onload = () => done(1);'
                f"image.onerror = () => done(0); image.src = '{there}static/icon.svg'; }})"
            )
            assert stage.operator.heard == [] and seen == 0
            await page.open(there)
            await page.until("document.querySelector('#phase')?.textContent === 'recording'")

        browse(steps)


@contextmanager
def other_site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.end_headers()
            self.wfile.write(b'<!doctype html><title>somebody else</title>')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield f'http://localhost:{server.server_port}/'
        finally:
            server.shutdown()
            thread.join()
