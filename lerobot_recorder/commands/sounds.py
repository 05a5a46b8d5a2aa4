"""What an operator hears: a sentence where the machine can speak, else the terminal's bell."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from typing import TextIO

from lerobot_recorder.recorder_status import RecorderStatus

SPEAKERS = (('spd-say', '--wait'), ('say',), ('espeak',))
_BELL = '\a'


class Sounds:
    """Says what begins, in LeRobot's words; never waits, never fails.

    Args:
        plays: whether to make any sound.
        terminal: where to ring if nothing can speak.
    """

    def __init__(self, plays: bool, terminal: TextIO | None = None) -> None:
        self._plays = plays
        self._terminal = terminal or sys.stdout
        found = next((words for words in SPEAKERS if shutil.which(words[0])), None)
        self._speaker = list(found) if found else None
        self._talking: subprocess.Popen[bytes] | None = None
        self._before = ''

    def hear(self, status: RecorderStatus) -> None:
        """Tell of a new phase."""
        key = 'paused' if status.paused else status.phase
        if key == self._before:
            return
        self._before = key
        sentences = {
            'warming up': 'Warm up',
            'recording': f'Recording episode {status.accepted + 1}',
            'resetting': 'Reset the environment',
            'paused': 'Paused',
            'done': 'Stop recording',
        }
        if self._plays and key in sentences:
            self._say(sentences[key])

    def _say(self, sentence: str) -> None:
        if self._speaker is None:
            self._terminal.write(_BELL)
            self._terminal.flush()
        elif self._talking is None or self._talking.poll() is not None:
            with contextlib.suppress(OSError):
                self._talking = subprocess.Popen(
                    [*self._speaker, sentence],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
