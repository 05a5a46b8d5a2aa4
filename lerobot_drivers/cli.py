"""``lerobot-ros``: one command, its subcommands as strings, imported when they are run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from lerobot_drivers.common.errors import GraphError, LerobotRosError, UsageError
from lerobot_drivers.common.processes import tune_process
from lerobot_drivers.common.spellings import nearest

COMMANDS = {
    'record': ('lerobot_recorder.commands.record', 'record episodes from a robot or a graph'),
    'teleoperate': ('lerobot_teleop.commands.teleoperate', 'drive a robot without recording'),
    'replay': ('lerobot_policy.commands.replay', 'replay an episode on a robot'),
    'find-port': ('lerobot_drivers.commands.find_port', 'find the serial port of an arm'),
    'find-cameras': (
        'lerobot_drivers.commands.find_cameras',
        'list cameras, with a picture of each',
    ),
    'find-joint-limits': (
        'lerobot_teleop.commands.find_joint_limits',
        'find how far a robot goes, by teleoperating it',
    ),
    'doctor': ('lerobot_recorder.commands.doctor', 'check whether this machine can record'),
    'calibrate': ('lerobot_teleop.commands.calibrate', 'find the ranges of the joints of an arm'),
    'setup-motors': (
        'lerobot_teleop.commands.setup_motors',
        'give the motors of an arm their ids, one by one',
    ),
    'urdf': ('lerobot_drivers.commands.urdf', 'print the URDF of a robot'),
    'lekiwi-host': ('lerobot_drivers.commands.lekiwi_host', 'serve a LeKiwi on a network'),
    'dashboard': ('lerobot_recorder.commands.dashboard', 'operate a recorder in a browser'),
    'convert': ('lerobot_recorder.commands.convert', 'make a dataset of a bag'),
    'to-bag': ('lerobot_recorder.commands.to_bag', 'make bags of the episodes of a dataset'),
    'play': ('lerobot_recorder.commands.play', 'publish a bag or a dataset on the graph'),
    'transcode': ('lerobot_recorder.commands.transcode', 'encode the videos of a dataset anew'),
    'dataset-viz': ('lerobot_recorder.commands.dataset_viz', 'show an episode in rerun'),
    'validate': ('lerobot_recorder.commands.validate', 'check a dataset on disk'),
    'compact': ('lerobot_recorder.commands.compact', 'join the small files of a dataset'),
    'merge': ('lerobot_recorder.commands.merge', 'make one dataset of several'),
    'split': ('lerobot_recorder.commands.split', 'make several datasets of one'),
    'delete-episodes': (
        'lerobot_recorder.commands.delete_episodes',
        'take episodes out of a dataset',
    ),
    'stats': ('lerobot_recorder.commands.stats', 'check or compute the statistics of a dataset'),
    'upload': ('lerobot_recorder.commands.upload', 'upload a dataset to the Hugging Face Hub'),
    'info': ('lerobot_recorder.commands.info', 'show what a dataset holds'),
}
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def usage() -> str:
    """Return the help of the command itself."""
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {told}' for name, (_, told) in COMMANDS.items()]
    return '\n'.join(
        [
            'usage: lerobot-ros COMMAND [--section.key=value ...]',
            '',
            'commands:',
            *lines,
            '',
            'lerobot-ros COMMAND --help tells more.',
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; errors of the user become one line on stderr.

    Args:
        arguments: the command line, by default that of the process.

    Returns:
        The exit code: 0, 1 after an error, 2 for a wrong command line, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ('-h', '--help'):
        sys.stdout.write(usage() + '\n')
        return 0 if words else EXIT_USAGE
    name, *rest = words
    tune_process()
    try:
        return _run(name, rest)
    except UsageError as error:
        asked = f'{name} --help' if name in COMMANDS else '--help'
        sys.stderr.write(f'error: {error}\nlerobot-ros {asked} tells what it takes\n')
        return EXIT_USAGE
    except LerobotRosError as error:
        sys.stderr.write(f'error: {error}\n')
        return EXIT_ERROR
    except KeyboardInterrupt:
        sys.stderr.write('interrupted\n')
        return EXIT_INTERRUPTED


def _run(name: str, arguments: list[str]) -> int:
    if name not in COMMANDS:
        known = ', '.join(COMMANDS)
        meant = nearest(name, COMMANDS)
        raise UsageError(f'there is no command {name!r}{meant}; commands: {known}')
    module = _import(COMMANDS[name][0])
    if any(word in ('-h', '--help') for word in arguments):
        sys.stdout.write(f'{module.HELP}\n')
        return 0
    return int(module.run(arguments))


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('lerobot_'):
            raise
        raise GraphError(
            f'the Python package {error.name} is missing: pip install lerobot_ros brings it; '
            'beside a ROS 2 installation, pip install -r requirements-pip.txt'
        ) from error


if __name__ == '__main__':
    sys.exit(main())
