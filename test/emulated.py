"""Emulated arms on pseudo-terminals of this process, which a test moves by hand."""

from __future__ import annotations

import time

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.pty_line import PtyLine

MIDDLE = dict.fromkeys(
    ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll'), 0.0
) | {'gripper': 0.8}
PATIENCE_S = 60.0
SWEEP = (-1.5, -0.8, 0.0, 0.8, 1.5)


class HastyClock(SystemClock):
    """Time passes twenty times as fast, so that a scripted operator has soon moved."""

    def now_ns(self):
        return 20 * time.monotonic_ns()

    def sleep(self, seconds):
        time.sleep(seconds / 20)


class EmulatedArm:
    """An arm, plugged in; use it as a context manager."""

    def __init__(self, model, clock=None):
        self.clock = clock or SystemClock()
        self.arm = SimArm('hand', model, self.clock.now_ns())
        self.asked = 0
        self.line = PtyLine(self._transact, self.clock, self.arm.codec)

    @property
    def port(self):
        return self.line.path

    def move(self, **joints):
        """Hold joints at angles [rad]."""
        self.inject('push', joints=joints)

    def wait_for_requests(self, count):
        """Wait until whoever uses the arm has asked that much more of it."""
        wanted, end = self.asked + count, time.monotonic() + PATIENCE_S
        while self.asked < wanted:
            assert time.monotonic() < end, 'nobody reads the arm'
            time.sleep(0.002)

    def inject(self, fault, **arguments):
        self.arm.inject(fault, self.clock.now_ns(), arguments)

    def _transact(self, *request):
        reply = self.arm.transact(*request)
        self.asked += 1
        return reply

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if not self.line.closed:
            self.line.close()


class DirectPort(SerialPort):
    """A port wired to an emulated arm: what is not there at once never comes, load or not."""

    def __init__(self, emulated):
        super().__init__(emulated.port)
        self._emulated = emulated
        self._parser = emulated.arm.codec.parser()
        self._received = b''

    def flush_input(self):
        self._received = b''

    def write(self, data):
        for request in self._parser.feed(data):
            now_ns = self._emulated.clock.now_ns()
            self._received += self._emulated.arm.transact(request, now_ns, self.baudrate).data

    def read(self, size, timeout_s):
        read, self._received = self._received[:size], self._received[size:]
        return read
