"""``lerobot-ros calibrate``: LeRobot's calibration of an arm, and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.live import Live
from rich.table import Table

from lerobot_drivers.common.command_line import make_console
from lerobot_drivers.common.errors import CalibrationError
from lerobot_drivers.common.help_text import Help
from lerobot_drivers.common.prompt import Prompt
from lerobot_drivers.motors.arm_bus import ArmBus
from lerobot_drivers.motors.calibration import (
    MotorCalibration,
    load_calibration,
    save_calibration,
)
from lerobot_drivers.setup_tools.calibration_run import CalibrationRun, JointRange
from lerobot_drivers.setup_tools.device import ArmDevice
from lerobot_teleop.commands.device_choice import GROUPS, chosen_devices

PERIOD_S = 0.02
"""Between two readings of the joints, as LeRobot has it [s]."""
READINGS_PER_VIEW = 5
"""A terminal is slower than a bus."""
HELP = Help(
    usage='lerobot-ros calibrate --robot.type=TYPE --robot.port=PORT --robot.id=NAME',
    about=(
        'Finds where the middle and the ends of the reach of each joint are, as '
        'lerobot-calibrate does, and writes that into the motors and into the same file. The '
        'arm goes limp: hold it. Where there is a file already, ENTER writes it into the motors '
        'and "c" calibrates anew. Ctrl-C leaves file and motors as they were.'
    ),
    examples=(
        'lerobot-ros calibrate --robot.type=so101_follower --robot.port=/dev/ttyACM0 '
        '--robot.id=black',
        'lerobot-ros calibrate --teleop.type=so101_leader --teleop.port=/dev/ttyACM1 '
        '--teleop.id=blue',
    ),
    groups=GROUPS,
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``calibrate``.

    Raises:
        UsageError: flags that cannot be obeyed, or an input that ends.
        DeviceError: the arm cannot be reached.
    """
    devices = chosen_devices(arguments)
    prompt = Prompt(make_console(wraps=True))
    for device in devices:
        _calibrate_arm(device, prompt)
    return 0


def _calibrate_arm(device: ArmDevice, prompt: Prompt) -> None:
    say, known = prompt.say, _known(device, prompt)
    with device.opened() as bus:
        if known and _keeps_known(device, prompt):
            bus.write_calibration(known)
            say(f'the motors of {device.label} hold the calibration of its file')
            return
        _calibrate(device, bus, prompt)
    say(f'calibration of {device.label} saved to {device.calibration_file}')
    if device.is_simulated and device.calibration_dir is None:
        say(
            'a simulated arm keeps the calibration it was made with unless it is used with '
            f'calibration_dir={device.calibration_file.parent}'
        )


def _known(device: ArmDevice, prompt: Prompt) -> dict[str, MotorCalibration] | None:
    """Return the calibration that there is in a file, if it can be used with this arm."""
    path = device.found_calibration
    if path is None:
        return None
    try:
        found = load_calibration(path)
        ids = {name: entry.id for name, entry in found.items()}
        if ids != {name: motor.id for name, motor in device.plan.motors.items()}:
            raise CalibrationError(f'calibration {path} is not of {device.plan.what}')
    except CalibrationError as error:
        prompt.say(f'{error}; it is replaced when this is done')
        return None
    return found


def _keeps_known(device: ArmDevice, prompt: Prompt) -> bool:
    answer = prompt.ask(
        f'Press ENTER to use the calibration file {device.found_calibration}, or type "c" '
        'and press ENTER to calibrate anew:'
    )
    return answer.lower() != 'c'


def _calibrate(device: ArmDevice, bus: ArmBus, prompt: Prompt) -> None:
    procedure = CalibrationRun(bus, device.plan)
    try:
        procedure.begin()
        while True:
            if procedure.is_homed:
                prompt.ask(f'Move {device.label} to {device.plan.homing_pose}; press ENTER:')
            procedure.home()
            if _records_ranges(procedure, prompt):
                break
        save_calibration(device.calibration_file, procedure.finish())
    except BaseException:
        procedure.abandon()
        raise


def _records_ranges(procedure: CalibrationRun, prompt: Prompt) -> bool:
    """Record ranges until all joints have one; False if the middle was none."""
    apart = f' except {", ".join(procedure.full_turn)}' if procedure.full_turn else ''
    prompt.say(
        f'Move all joints{apart} one after the other through their entire ranges of motion, '
        'then press ENTER.'
    )
    while True:
        _watch(procedure, prompt)
        if not procedure.problems:
            return True
        for name, problem in procedure.problems.items():
            prompt.say(f'{name} {problem}')
        if procedure.wrapped:
            prompt.say('Start again from the middle.')
            return False
        prompt.say('Move those too, then press ENTER.')


def _watch(procedure: CalibrationRun, prompt: Prompt) -> None:
    """Show the ranges, live, until a line is typed."""
    live = Live(_table(procedure.ranges), console=prompt.console, auto_refresh=False)
    with prompt.silent(), live:
        readings = 0
        while prompt.line(within_s=PERIOD_S) is None:
            readings += 1
            ranges, is_shown = procedure.watch(), readings % READINGS_PER_VIEW == 0
            live.update(_table(ranges), refresh=is_shown and prompt.console.is_terminal)


def _table(ranges: Mapping[str, JointRange]) -> Table:
    table = Table('joint', 'min', 'position', 'max', '', box=None)
    for name, found in ranges.items():
        style = 'yellow' if found.problem else 'green'
        ticks = (str(found.low), str(found.position), str(found.high))
        table.add_row(name, *ticks, found.problem or f'{found.degrees:.0f} degrees', style=style)
    return table
