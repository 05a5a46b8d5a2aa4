"""A simulated Reachy 2's process: ``lerobot_drivers.sim.reachy2_server NAME``.

It runs in the interpreter that has reachy2-sdk, through ``lerobot_drivers.common.guest``,
and listens on a loopback address of its own (127.x.y.z), since the SDK's ports are fixed.
Real LeRobot can be connected to it as well, with that address as ``ip_address``.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Sequence

from lerobot_drivers.common.channel import Message
from lerobot_drivers.common.clock import Clock, SystemClock
from lerobot_drivers.common.errors import ConfigError, DeviceError, LerobotRosError
from lerobot_drivers.sim.address import check_name
from lerobot_drivers.sim.reachy2_body import ReachyBody
from lerobot_drivers.sim.reachy2_grpc import ReachyGrpc
from lerobot_drivers.sim.reachy2_messages import PART_IDS
from lerobot_drivers.sim.service import Handlers, Service, run_service

LINGER_S = 3.0
_TRIES = 50
_ADDRESSES = 254 * 254 * 254


class ReachyServer(Service):
    """One robot on its address, and its control socket for drivers and tests.

    Args:
        name: of its control socket.
        linger_s: how long it lives on after its last client [s].
    """

    def __init__(self, name: str, linger_s: float, clock: Clock) -> None:
        super().__init__(name, linger_s)
        self._body = ReachyBody(clock)
        self._grpc = ReachyGrpc(self._body)
        self._host = self._listen()

    def handlers(self) -> Handlers:
        """Return what answers a request, by its ``op``."""
        return {
            'info': lambda _: {'info': {'pid': os.getpid(), 'host': self._host}},
            'truth': lambda _: {'truth': self._body.truth()},
            'log': lambda _: {'log': list(self._body.log)},
            'inject': self._inject,
        }

    def close(self) -> None:
        """Hang up on those who speak gRPC."""
        self._grpc.stop()

    def _listen(self) -> str:
        """Listen on the address that belongs to our name, or on the next that is free."""
        first = zlib.crc32(self.name.encode())
        for number in range(first, first + _TRIES):
            host = _loopback(number % _ADDRESSES)
            try:
                self._grpc.start(host)
                return host
            except RuntimeError:
                self._grpc.stop()
        raise DeviceError(f'no free loopback address for the simulated Reachy {self.name}')

    def _inject(self, request: Message) -> Message:
        """Make it misbehave; see ``reachy2_client.SimReachy.inject``."""
        fault, arguments = request['fault'], request['arguments']
        if fault == 'unplug':
            self._grpc.stop()
        elif fault == 'replug':
            self._grpc.stop()
            self._grpc.start(self._host)
        elif fault == 'power_cycle':
            self._body.power_cycle()
        elif fault == 'push':
            self._body.push(**arguments)
        elif fault == 'without' and set(arguments['parts']) <= set(PART_IDS):
            self._grpc.without = tuple(arguments['parts'])
        else:
            raise ConfigError(
                f'a simulated Reachy knows no fault {fault!r} with {arguments}; known: '
                'unplug, replug, power_cycle, push(part, actuator, angles), without(parts)'
            )
        return {}


def _loopback(number: int) -> str:
    """Return one of the addresses 127.1-254.1-254.1-254."""
    rest, last = divmod(number, 254)
    second, third = divmod(rest, 254)
    return f'127.{1 + second}.{1 + third}.{1 + last}'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a robot; return the exit status."""
    parser = argparse.ArgumentParser(prog='lerobot_drivers.sim.reachy2_server')
    parser.add_argument('name', help='name of its control socket')
    parser.add_argument('--linger', type=float, default=LINGER_S, metavar='S')
    parser.add_argument('--ready-fd', type=int, required=True)
    options = parser.parse_args(arguments)
    # gRPC must not be forked once it is in use.
    if os.fork():
        return 0
    os.setsid()
    try:
        name = check_name(options.name, 'device')
        server = ReachyServer(name, options.linger, SystemClock())
    except LerobotRosError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    os.write(options.ready_fd, b'.')
    os.close(options.ready_fd)
    run_service(server)
    return 0


if __name__ == '__main__':
    sys.exit(main())
