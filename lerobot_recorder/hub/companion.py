"""Uploads each episode while the next ones are recorded."""

from __future__ import annotations

import threading
from collections import deque

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset.saver import SavedEpisode
from lerobot_recorder.hub.job import FOLLOW, Job
from lerobot_recorder.hub.process import Worker


class HubCompanion(Companion):
    """Wakes the worker when an episode is durable, and passes on what it says.

    Whatever happens to the worker, the recording goes on; what is missing on the Hub in the end
    is uploaded after the session.

    Args:
        job: what goes where.
    """

    def __init__(self, job: Job) -> None:
        self._lines: deque[str] = deque()
        self._is_closed = False
        self._worker = Worker(FOLLOW, job)
        self._listener = threading.Thread(target=self._listen, name='upload', daemon=True)
        self._listener.start()

    def on_durable(self, saved: SavedEpisode) -> None:
        """Let it be uploaded."""
        self._worker.wake()

    def on_amended(self, uuid: str) -> None:
        """Let what was said of it later be uploaded too."""
        self._worker.wake()

    def on_dropped(self, uuid: str) -> None:
        """Let it be taken out there too."""
        self._worker.wake()

    def told(self) -> list[str]:
        """Return what the operator should hear of the upload."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> None:
        """End the worker; what it has sent stays sent."""
        self._is_closed = True
        self._worker.end()
        self._listener.join()
        self._worker.close()

    def _listen(self) -> None:
        try:
            for event in self._worker.events():
                if 'told' in event:
                    self._lines.append(event['told'])
                if 'error' in event:
                    self._lines.append(f'upload ended, the recording goes on: {event["error"]}')
        except HubError as error:
            if not self._is_closed:
                self._lines.append(f'upload ended, the recording goes on: {error}')
