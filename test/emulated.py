"""Emulated arms on pseudo-terminals of this process, which a test moves by hand."""

from __future__ import annotations

import time

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.pty_line import PtyLine

MIDDLE = dict.fromkeys(
    ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll'), 0.0
) | {'gripper': 0.8}
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
        self.line = PtyLine(self.arm.transact, self.clock, self.arm.codec)

    @property
    def port(self):
        return self.line.path

    def move(self, **joints):
        """Hold joints at angles [rad]."""
        self.inject('push', joints=joints)

    def inject(self, fault, **arguments):
        self.arm.inject(fault, self.clock.now_ns(), arguments)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if not self.line.closed:
            self.line.close()
