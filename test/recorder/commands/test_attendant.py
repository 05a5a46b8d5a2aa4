"""Somebody who looks at the recorder in a thread of his own."""

from __future__ import annotations

import threading

from lerobot_drivers.common.errors import DeviceError
from lerobot_recorder.commands.attendant import Attendant, attending
from lerobot_recorder.recorder_status import RecorderStatus


class FakeView:
    def show(self, status):
        self.shown = status

    def report(self, findings):
        self.found = findings

    def words(self):
        return ['pause']


class Clumsy(Attendant):
    """Whose world is not there at first."""

    def __init__(self, view):
        super().__init__(view)
        self.tries, self.began = 0, threading.Event()

    def on_pause(self):
        pass

    def on_begin(self):
        self.tries += 1
        if self.tries == 1:
            raise DeviceError('nobody there')
        self.began.set()

    def on_recording(self):
        pass


def test_he_goes_on_after_a_failure_and_passes_on_what_he_sees():
    view = FakeView()
    attendant = Clumsy(view)
    status = RecorderStatus('recording', 0, 0, 3, 5, 900, (), 0.0, 'put', '')
    with attending(attendant) as seen:
        seen.show(status)
        seen.report(('well',))
        assert attendant.began.wait(10.0)
        attendant.say('success')
        assert seen.words() == ['pause', 'success']
        assert seen.words() == ['pause']
    assert (view.shown, view.found, attendant.tries) == (status, ('well',), 2)
    assert not any(thread.name == 'attendant' for thread in threading.enumerate())
