"""Runs a module as a supervised child: ``python -m lerobot_drivers.common.child MODULE ...``.

The supervisor holds the other end of the child's standard input and writes
nothing to it. End of file there means that the supervisor is gone, however it
died; the child then ends itself the way the supervisor would have: SIGINT,
SIGTERM, SIGKILL. (PR_SET_PDEATHSIG would do without a pipe, but it fires when
the *thread* that started the child ends, and leaves no time for a safe stop.)
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import threading
import time

from lerobot_drivers.common.shared_memory import held_segments, remove_unheld

_GRACE_S = {signal.SIGINT: 10.0, signal.SIGTERM: 2.0}


def main() -> None:
    """Run the module named by the first argument as ``__main__``, with the others."""
    _, module, *arguments = sys.argv
    threading.Thread(target=_end_with_supervisor, name='supervised', daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name='__main__', alter_sys=True)


def _end_with_supervisor() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    for number, grace_s in _GRACE_S.items():
        os.kill(os.getpid(), number)
        time.sleep(grace_s)
    remove_unheld(held_segments(os.getpid()), besides=os.getpid())
    os.killpg(0, signal.SIGKILL)


if __name__ == '__main__':
    main()
