"""What tests of LeRobot's drivers beside ours have in common."""

from __future__ import annotations

import time


def connect_patiently(device):
    """Connect; LeRobot does not repeat a reply that a loaded machine delays."""
    for attempt in range(5):
        try:
            return device.connect(calibrate=False)
        except (ConnectionError, RuntimeError):
            if attempt == 4:
                raise
            device.bus.port_handler.closePort()


def settle(read):
    """Return what is read when it changes no more."""
    deadline = time.monotonic() + 20
    last = {}
    while time.monotonic() < deadline:
        try:
            now = read()
        except ConnectionError:
            continue
        if now == last:
            return now
        last = now
        time.sleep(0.2)
    raise AssertionError('the arm does not come to rest')


def as_floats(values):
    return {key: float(value) for key, value in values.items()}
