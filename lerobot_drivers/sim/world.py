"""A simulated world's process: ``python -m lerobot_drivers.sim.world NAME``.

Clients start it by themselves. Started by hand it stays in the foreground, so that
programs of others can use its arms' serial ports; it ends some seconds after its last
client all the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from lerobot_drivers.common.errors import DeviceError, LerobotRosError
from lerobot_drivers.sim.address import check_name
from lerobot_drivers.sim.runtime import is_running, world_lock

LINGER_S = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a world; return the exit status."""
    parser = argparse.ArgumentParser(prog='lerobot_drivers.sim.world', description=__doc__)
    parser.add_argument('name', help='name of the world')
    parser.add_argument(
        '--linger', type=float, default=LINGER_S, metavar='S', help='life after the last client'
    )
    parser.add_argument('--ready-fd', type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        name = check_name(options.name, 'world')
        if options.ready_fd is None:
            _run_in_foreground(name, options.linger)
        elif os.fork() == 0:
            _run_detached(name, options.linger, options.ready_fd)
    except LerobotRosError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


def _run_in_foreground(name: str, linger_s: float) -> None:
    from lerobot_drivers.sim.world_server import WorldServer, run_server

    with world_lock(name):
        if is_running(name):
            raise DeviceError(f'the simulated world {name} runs already')
        server = WorldServer(name, linger_s)
    run_server(server)


def _run_detached(name: str, linger_s: float, ready_fd: int) -> None:
    """Serve on behalf of a client, who holds the world's lock until we are ready."""
    os.setsid()
    from lerobot_drivers.sim.world_server import WorldServer, run_server

    server = WorldServer(name, linger_s)
    os.write(ready_fd, b'.')
    os.close(ready_fd)
    run_server(server)


if __name__ == '__main__':
    sys.exit(main())
