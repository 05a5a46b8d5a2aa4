"""``lerobot-ros lekiwi-host``: a LeKiwi on the network, for LeRobot's client or ours."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections, section_of
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import UsageError
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.processes import stop_signals
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.kiwi_net.host import HostConfig, LeKiwiHost
from lerobot_drivers.kiwi_net.jpegs import JpegFeed
from lerobot_drivers.kiwi_net.links import HostLink
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_drivers.robots.lekiwi import LeKiwi
from lerobot_drivers.wheel_guard import guarded_wheels

WARNING = (
    'warning: {address} is reachable from outside, and this protocol has neither token nor TLS: '
    'whoever reaches ports {first} and {second} drives the robot and sees through its cameras. '
    'Better leave --host.address alone and tunnel: ssh -L {first}:127.0.0.1:{first} '
    '-L {second}:127.0.0.1:{second} ROBOT, with --robot.remote_ip=127.0.0.1 at the other end'
)
HELP = Help(
    usage='lerobot-ros lekiwi-host --robot.port=PORT --robot.id=NAME [--host.key=value ...]',
    about=(
        "Runs on the robot's own computer and serves LeRobot's LeKiwiClient, or a robot of type "
        'lekiwi_client. It listens on this machine alone unless told otherwise.'
    ),
    examples=(
        'lerobot-ros lekiwi-host --robot.port=/dev/ttyACM0 --robot.id=my_kiwi',
        'lerobot-ros lekiwi-host --robot.port=sim://floor/kiwi',
    ),
    groups=(
        Group('the robot', RobotConfig, 'robot', leave_out=('type',)),
        Group(
            'each camera, --robot.cameras="{NAME: {key: value, ...}}"',
            CameraConfig,
            'robot.cameras.NAME',
        ),
        Group('where it listens', HostConfig, 'host'),
    ),
)


def run(arguments: Sequence[str]) -> int:
    """Run the command until it is told to end.

    Args:
        arguments: the command line after ``lekiwi-host``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        DeviceError: the robot or a camera is not there.
    """
    sections = read_sections(arguments, ('robot', 'host'))
    robot = {'type': 'lekiwi', **section_of(sections, 'robot')}
    if robot['type'] != 'lekiwi':
        raise UsageError(f'lekiwi-host serves a lekiwi, found --robot.type={robot["type"]}')
    host = build(HostConfig, section_of(sections, 'host'), 'host')
    config = build(RobotConfig, robot, 'robot')
    timeout_s = host.watchdog_timeout_ms / 1e3
    config = replace(config, base=replace(config.base, cmd_vel_timeout=timeout_s))
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in stop_signals()}
    try:
        serve(config, host, stop, make_console().print)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def serve(
    config: RobotConfig, host: HostConfig, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Serve a robot until an event is set, or its time is over; then it stands.

    Raises:
        ConfigError: settings that cannot be obeyed.
        DeviceError: the robot or a camera is not there.
    """
    clock = SystemClock()
    robot = LeKiwi(config, clock=clock)
    driver = ArmDriver(robot, host.max_loop_freq_hz, clock, say)
    feeds = [JpegFeed(make_camera(name, c, clock)) for name, c in config.cameras.items()]
    with contextlib.ExitStack() as running:
        ports = host.port_zmq_cmd, host.port_zmq_observations
        link = HostLink(host.address, *ports, host.dialect)
        running.callback(link.close)
        running.enter_context(guarded_wheels(robot))
        running.callback(driver.disconnect)
        driver.connect()
        for feed in feeds:
            running.callback(feed.close)
            feed.start()
        first, second = link.ports
        for warning in warnings_of(host.address, link.ports):
            say(warning)
        say(f'serves {config.port} at {host.address}, ports {first} and {second}; Ctrl-C ends it')
        served = LeKiwiHost(robot, driver, link, feeds, clock, say)
        served.dialect = host.dialect
        _loop(served, host, stop, clock)
    say('stopped')


def _loop(host: LeKiwiHost, config: HostConfig, stop: threading.Event, clock: Clock) -> None:
    period_ns = round(NS_PER_S / config.max_loop_freq_hz)
    due_ns = start_ns = clock.monotonic_ns()
    while not stop.is_set():
        host.step()
        now_ns = clock.monotonic_ns()
        lasted_s = (now_ns - start_ns) / NS_PER_S
        if config.connection_time_s is not None and lasted_s >= config.connection_time_s:
            return
        due_ns = max(due_ns + period_ns, now_ns)
        stop.wait((due_ns - now_ns) / NS_PER_S)


def warnings_of(address: str, ports: tuple[int, int]) -> list[str]:
    """Return what is to be told of an address that others reach."""
    with contextlib.suppress(ValueError):
        if address == 'localhost' or ipaddress.ip_address(address).is_loopback:
            return []
    first, second = ports
    return [WARNING.format(address=address, first=first, second=second)]
