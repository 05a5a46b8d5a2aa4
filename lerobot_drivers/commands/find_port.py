"""``lerobot-ros find-port``: which port an arm is at, found by unplugging it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.common.prompt import Prompt
from lerobot_drivers.setup_tools import ports

HELP = """usage: lerobot-ros find-port [--help]

Tells which serial port an arm is at: asks you to unplug its cable, and sees which port goes."""
SETTLE_S = 3.0
"""So long a port may take to go, and to come back [s]."""
_LOOK_S = 0.1


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``find-port``.

    Raises:
        UsageError: there are flags, or the input ends.
        DeviceError: not exactly one port has gone.
    """
    read_sections(arguments, ())
    find_port(Prompt(make_console()), ports.list_ports, SystemClock())
    return 0


def find_port(prompt: Prompt, lister: ports.PortLister, clock: Clock) -> str:
    """Find the port of a cable with the help of a person.

    Args:
        prompt: the person.
        lister: tells which ports there are.
        clock: what time it is.

    Returns:
        The port.

    Raises:
        DeviceError: there is no port, or not exactly one has gone.
    """
    before = lister()
    if not before:
        raise DeviceError('no serial port of an adapter is here; plug the arm in and start again')
    names = {path: ports.stable_name(path) for path in before}
    prompt.say(f'ports: {", ".join(before)}')
    prompt.ask('Unplug the USB cable of the arm and press ENTER:')
    _wait(lambda: set(lister()) < set(before), clock)
    port = ports.vanished_port(before, lister())
    prompt.say(f'the port of this arm is {port}')
    if name := names[port]:
        prompt.say(f'it is always found at {name}, wherever it is plugged in')
    prompt.ask('Plug it in again and press ENTER:')
    new = set(lister()) if _wait(lambda: port in lister(), clock) else set(lister()) - set(before)
    if port in new:
        prompt.say(f'{port} is back')
    elif new:
        prompt.say(f'it came back as {", ".join(sorted(new))}')
    else:
        prompt.say(f'{port} is not back yet; check the cable')
    return port


def _wait(done: Callable[[], bool], clock: Clock) -> bool:
    """Wait a little for what takes the kernel a moment; return whether it came."""
    end_ns = clock.monotonic_ns() + round(SETTLE_S * NS_PER_S)
    while not done():
        if clock.monotonic_ns() > end_ns:
            return False
        clock.sleep(_LOOK_S)
    return True
