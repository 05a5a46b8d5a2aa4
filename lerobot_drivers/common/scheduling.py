"""Who runs first on a busy machine: what commands an arm before what encodes pictures.

Nothing here asks for real-time priority, and nothing needs a privilege.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import threading

SLICE_NS = 100_000
"""The shortest time slice the kernel gives (kernel/sched/syscalls.c)."""
BACKGROUND_NICE = 5
_SCHED_SETATTR, _SCHED_GETATTR = {
    'x86_64': (314, 315),
    'aarch64': (274, 275),
}.get(platform.machine(), (0, 0))
_SCHED_OTHER = 0


class _Attributes(ctypes.Structure):
    """``struct sched_attr``, sched_setattr(2)."""

    _fields_ = (
        ('size', ctypes.c_uint32),
        ('policy', ctypes.c_uint32),
        ('flags', ctypes.c_uint64),
        ('nice', ctypes.c_int32),
        ('priority', ctypes.c_uint32),
        ('runtime', ctypes.c_uint64),
        ('deadline', ctypes.c_uint64),
        ('period', ctypes.c_uint64),
    )


def take_short_turns() -> bool:
    """Let this thread, and those it will start, run at once when they wake.

    With short time slices a thread comes before one that is in the midst of a long slice: a
    control loop is some milliseconds less late beside encoders. Linux 6.12 or newer; before
    that nothing changes. A policy that the user chose (``chrt``) stays.

    Returns:
        Whether the kernel did not refuse; an older one may have ignored it.
    """
    attributes = _Attributes(size=ctypes.sizeof(_Attributes))
    if not _SCHED_GETATTR or _call(_SCHED_GETATTR, attributes, ctypes.sizeof(_Attributes)):
        return False
    if attributes.policy != _SCHED_OTHER:
        return False
    attributes.runtime, attributes.flags = SLICE_NS, 0
    return _call(_SCHED_SETATTR, attributes) == 0


def stay_in_background() -> None:
    """Let this thread, and those it will start, stand back behind others that want to run."""
    with contextlib.suppress(OSError, AttributeError):
        thread = threading.get_native_id()
        nice = max(os.getpriority(os.PRIO_PROCESS, thread), BACKGROUND_NICE)
        os.setpriority(os.PRIO_PROCESS, thread, nice)


def _call(number: int, attributes: _Attributes, *sizes: int) -> int:
    this_thread, no_flags = 0, 0
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(number, this_thread, ctypes.byref(attributes), *sizes, no_flags))
