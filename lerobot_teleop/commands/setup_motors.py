"""``lerobot-ros setup-motors``: ids and baud rate of an arm's motors, one motor at a time."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.command_line import make_console
from lerobot_drivers.common.errors import BusError
from lerobot_drivers.common.help_text import Help
from lerobot_drivers.common.prompt import Prompt
from lerobot_drivers.motors.port import SerialPort
from lerobot_drivers.robots.arm_plan import JointPlan
from lerobot_drivers.setup_tools import motor_setup
from lerobot_drivers.setup_tools.device import ArmDevice
from lerobot_drivers.setup_tools.motor_setup import MotorSetup
from lerobot_teleop.commands.device_choice import GROUPS, chosen_devices

HELP = Help(
    usage='lerobot-ros setup-motors --robot.type=TYPE --robot.port=PORT',
    about=(
        'Gives each motor of a new arm its id and the baud rate of the arm, as '
        'lerobot-setup-motors does: connect the motors to the board one by one when asked, the '
        'last first. Needed once, before the arm is put together.'
    ),
    examples=(
        'lerobot-ros setup-motors --robot.type=so101_follower --robot.port=/dev/ttyACM0',
        'lerobot-ros setup-motors --teleop.type=so101_leader --teleop.port=/dev/ttyACM1',
    ),
    groups=GROUPS,
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``setup-motors``.

    Raises:
        UsageError: flags that cannot be obeyed, or an input that ends.
        DeviceError: the port cannot be used.
    """
    devices = chosen_devices(arguments)
    prompt = Prompt(make_console())
    for device in devices:
        if len(devices) > 1:
            prompt.say(f'the {device.label} on {device.port}:')
        _set_up_arm(device, prompt)
    return 0


def _set_up_arm(device: ArmDevice, prompt: Prompt) -> None:
    with device.serial_path() as path:
        setup = MotorSetup(SerialPort(path), device.plan, motor_setup.WAIT_S)
        for joint in setup.joints:
            _set_up(setup, joint, prompt)
    more = '' if device.plan.nominal else '; next: lerobot-ros calibrate'
    prompt.say(f'all motors of the {device.label} are set up{more}')


def _set_up(setup: MotorSetup, joint: JointPlan, prompt: Prompt) -> None:
    """Ask for a joint's motor until it is set up."""
    while True:
        prompt.ask(f'Connect the board to the {joint.name} motor only and press ENTER:')
        prompt.say('looking for it ...')
        found = setup.find()
        try:
            problem = setup.problem(joint, found)
            if not problem:
                setup.assign(joint, found[0])
                prompt.say(f'{joint.name}: id {joint.motor.id} (it had {found[0]})')
                return
        except BusError as error:
            problem = str(error)
        prompt.say(problem)
