"""``lerobot-ros find-joint-limits``: how far a robot goes, found by moving it there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.table import Table

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections, seconds
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import ConfigError, DeviceError, UsageError
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.prompt import Prompt
from lerobot_drivers.common.registry import check_type
from lerobot_drivers.robots import ROBOTS, make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.robot import Robot
from lerobot_drivers.sim.kinematics import tool_position
from lerobot_teleop.joint_names import on_robot
from lerobot_teleop.limit_finder import LimitFinder
from lerobot_teleop.teleoperators import TELEOPERATORS, Teleoperator, make_teleoperator
from lerobot_teleop.teleoperators.config import TeleopConfig

TIMES = {'teleop_time_s': 30.0, 'warmup_time_s': 5.0}
KINEMATICS = ('so101_follower',)
"""Whose end effector is known; an SO-100's joints have other zeros."""
URDF_FLAGS = ('urdf_path', 'target_frame_name')
GENTLE = 1.5
"""How fast the robot goes to where its operator is, unless --robot.max_velocity says [rad/s]."""
HELP = Help(
    usage='lerobot-ros find-joint-limits --robot.type=TYPE ... [--teleop.type=TYPE ...]',
    about=(
        'Lets the robot follow its operator and tells how far its joints have been, and the end '
        'effector of an SO-101: limits for a workspace. A robot without an operator goes limp and '
        'is moved by hand. Nothing is recorded, no ROS is needed. Ctrl-C ends it early, with what '
        'was seen.'
    ),
    examples=(
        'lerobot-ros find-joint-limits --config_path=config/so101_sim.yaml --teleop_time_s=10',
    ),
    groups=(
        Group(
            'session',
            lines={
                '--teleop_time_s=30': 'how long limits are looked for',
                '--warmup_time_s=5': 'how long to try the controls before',
                '--control_loop_fps=30': 'how often the robot is told where to go [1/s]',
            },
        ),
        Group('robot', RobotConfig, 'robot', table='lerobot_drivers.robots:ROBOTS'),
        Group(
            'operator', TeleopConfig, 'teleop', table='lerobot_teleop.teleoperators:TELEOPERATORS'
        ),
    ),
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``find-joint-limits``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed, or arms that do not fit together.
        DeviceError: an arm cannot be reached.
    """
    sections = read_sections(
        arguments, ('robot', 'teleop', 'control_loop_fps', *TIMES, *URDF_FLAGS)
    )
    _refuse_urdf(sections)
    robot, leader = _devices(sections)
    console = make_console(wraps=True)
    session = Session(robot, leader, console, SystemClock(), _rate(sections))
    warmup_s, teleop_s = (_seconds(sections, name) for name in ('warmup_time_s', 'teleop_time_s'))
    if leader is None:
        robot.limp = True
        Prompt(console).ask(f'The {robot.config.type} goes limp: hold it and press ENTER:')
    else:
        leader.connect()
    try:
        robot.connect()
        session.run(warmup_s, teleop_s)
    except DeviceError:
        if session.finder is not None:
            session.report()
        raise
    finally:
        robot.disconnect()
        if leader is not None:
            leader.disconnect()
    return session.report()


class Session:
    """A robot that follows its operator, or is moved by hand, while its limits are looked for."""

    def __init__(
        self,
        robot: Robot,
        leader: Teleoperator | None,
        console: Console,
        clock: Clock,
        rate_hz: float,
    ) -> None:
        self._robot, self._leader = robot, leader
        self._console, self._clock = console, clock
        self._period_ns = round(NS_PER_S / rate_hz)
        self._order: list[int] = []
        self.finder: LimitFinder | None = None

    def run(self, warmup_s: float, teleop_s: float) -> None:
        """Follow, first without looking; Ctrl-C ends it early.

        Raises:
            ConfigError: the operator does not command the robot's joints.
            DeviceError: an arm failed.
        """
        self._order = self._order_of(self._leader) if self._leader is not None else []
        place = _tool if self._robot.config.type in KINEMATICS else None
        finder = LimitFinder(self._robot.joints, place)
        try:
            self._console.print(f'{warmup_s:g} s to try the controls, nothing is noted yet')
            self._follow(None, warmup_s)
            self.finder = finder
            self._console.print(f'{teleop_s:g} s: go to all limits; Ctrl-C ends it early')
            self._follow(finder, teleop_s)
        except KeyboardInterrupt:
            self._console.print('interrupted')

    def _order_of(self, leader: Teleoperator) -> list[int]:
        names = [joint.name for joint in self._robot.joints]
        theirs = on_robot([joint.name for joint in leader.joints], names)
        if sorted(names) != sorted(theirs):
            raise ConfigError(f'the operator commands {theirs}, but the robot has {names}')
        return [theirs.index(name) for name in names]

    def report(self) -> int:
        """Print the limits as LeRobot does; return the exit code."""
        limits = self.finder.joint_limits if self.finder else None
        if self.finder is None or limits is None:
            self._console.print('no limits: it ended before anything was noted')
            return 1
        say = self._console.print
        if self.finder.end_limits is not None:
            say('\n# End Effector Bounds (x, y, z) [m]:')
            _say_limits(self._console, 'ee', self.finder.end_limits)
        say('\n# Joint Position Limits (as in the dataset):')
        say(f'# {", ".join(self.finder.names)}', soft_wrap=True)
        _say_limits(self._console, 'pos', limits)
        return 0

    def _follow(self, finder: LimitFinder | None, duration_s: float) -> None:
        start_ns = due_ns = self._clock.monotonic_ns()
        end_ns = start_ns + round(duration_s * NS_PER_S)
        live = Live(console=self._console, auto_refresh=False, transient=True)
        with live:
            while due_ns < end_ns:
                if self._leader is not None:
                    self._robot.write_goal(self._leader.read_state().position[self._order])
                measured = self._robot.read_state().position
                if finder is not None:
                    finder.see(measured)
                    left_s = (end_ns - self._clock.monotonic_ns()) / NS_PER_S
                    live.update(_table(finder, left_s), refresh=self._console.is_terminal)
                due_ns = max(due_ns + self._period_ns, self._clock.monotonic_ns())
                self._clock.sleep(max(due_ns - self._clock.monotonic_ns(), 0) / NS_PER_S)


def _tool(position: NDArray[np.float64]) -> NDArray[np.float64]:
    return tool_position(position)


def _table(finder: LimitFinder, left_s: float) -> Table:
    table = Table('joint', 'min', 'position', 'max', box=None, title=f'{max(left_s, 0):.0f} s')
    assert finder.joint_limits is not None
    assert finder.position is not None
    low, high = finder.joint_limits
    for row in zip(finder.names, low, finder.position, high, strict=True):
        table.add_row(row[0], *(f'{value:.1f}' for value in row[1:]))
    return table


def _say_limits(
    console: Console, what: str, limits: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> None:
    low, high = (np.round(limit, 4).tolist() for limit in limits)
    console.print(f'max_{what} = {high}', soft_wrap=True)
    console.print(f'min_{what} = {low}', soft_wrap=True)


def _devices(sections: Section) -> tuple[Robot, Teleoperator | None]:
    if 'robot' not in sections:
        raise UsageError('name a --robot.type and its --robot.port')
    for name, table in (('robot', ROBOTS), ('teleop', TELEOPERATORS)):
        check_type(table, sections.get(name))
    config = build(RobotConfig, sections['robot'], 'robot')
    if config.max_velocity is None:
        config = replace(config, max_velocity=GENTLE)
    robot = make_robot(config)
    if 'teleop' not in sections:
        return robot, None
    return robot, make_teleoperator(build(TeleopConfig, sections['teleop'], 'teleop'))


def _seconds(sections: Section, name: str) -> float:
    given = seconds(sections, name)
    return TIMES[name] if given is None else given


def _rate(sections: Section) -> float:
    rate = sections.get('control_loop_fps', 30)
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < math.inf:
        raise UsageError(f'--control_loop_fps is a number above 0, found {rate!r}')
    return float(rate)


def _refuse_urdf(sections: Section) -> None:
    given = [name for name in URDF_FLAGS if name in sections]
    if given:
        raise UsageError(
            f'--{given[0]} is not needed: the kinematics of SO-101 arms is built in, and of other '
            'arms no end effector is told'
        )
