"""``lerobot-ros record``: bring up the robot, record episodes, take everything down."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from lerobot_drivers.common.command_line import has_flag, read_sections, switch
from lerobot_drivers.common.config import Section, build, parse_flags
from lerobot_drivers.common.display import (
    DISPLAY_FLAGS,
    DisplayConfig,
    check_display,
    display_processes,
)
from lerobot_drivers.common.errors import UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    policy_process,
    robot_processes,
    teleop_process,
)
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.processes import RECEIVER_PROFILE
from lerobot_drivers.common.registry import check_type, load_object, load_registry
from lerobot_drivers.common.several import (
    RobotsConfig,
    expanded,
    members_of,
    name_of,
    processes_of_each,
)
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor
from lerobot_drivers.processors.config import (
    ProcessorConfig,
    postprocessor,
    processor_config,
)
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_recorder.bag_config import BagConfig
from lerobot_recorder.commands import record_init
from lerobot_recorder.commands.terminal import TerminalView
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.commands.world_company import accompanied
from lerobot_recorder.config import DatasetConfig, RecorderConfig, TopicsConfig
from lerobot_recorder.dashboard.config import DashboardConfig, dashboard_config, prepare
from lerobot_recorder.dashboard.process import dashboard_process
from lerobot_recorder.hub.session import check_upload, kept_for_upload, upload_recorded
from lerobot_recorder.operator_config import JoyConfig
from lerobot_recorder.presets import preset_list
from lerobot_recorder.session_file import RecordConfig, of_others, record_config
from lerobot_recorder.view import View

KNOWN = (
    'robot', 'robots', 'teleop', 'policy', 'control_mode', 'mux', 'dataset', 'recorder', 'topics',
    'processor', 'attach', 'resume', 'play_sounds', 'bag', 'check', 'dashboard', *DISPLAY_FLAGS,
)  # fmt: skip
CONFIG_CLASSES = {
    'teleop': 'lerobot_teleop.teleoperators.config:TeleopConfig',
    'policy': 'lerobot_policy.config:PolicyConfig',
}
SESSION_FLAGS = {
    '--config_path=FILE': 'all of these from a YAML file, see config/template_record.yaml; flags '
    'are laid over it',
    '--control_mode=teleop': 'who drives: teleop, policy, or hybrid: both, the operator wins',
    '--resume=false': 'add to the dataset that is there',
    '--attach=false': 'record the graph of others, start nothing',
    '--check=false': 'look at streams, clocks, disk and encoder, and end',
    '--init[=record.yaml]': 'look at the graph of others and write a session file for it; with '
    '--topics.*, --dataset.*, --recorder.preset, --force',
    '--play_sounds=true': 'say what begins, or ring where nothing can speak',
}
ROBOT_FILE = {'--robot.config_path=FILE': 'the section robot from a file of its own'}
TABLES = {
    'robot': 'lerobot_drivers.robots:ROBOTS',
    'teleop': 'lerobot_teleop.teleoperators:TELEOPERATORS',
    'policy': 'lerobot_policy.policies:POLICIES',
}
CONTROL_MODES = {'teleop': ('teleop',), 'policy': ('policy',), 'hybrid': ('teleop', 'policy')}
HELP = Help(
    usage='lerobot-ros record [--config_path=FILE] [--section.key=value ...]',
    about=(
        'Brings up a robot, or several, and records episodes into a LeRobot dataset; or '
        'records a graph that is running. Without --robot the graph of others is recorded.'
    ),
    examples=(
        'lerobot-ros record --config_path=config/so101_sim.yaml',
        'lerobot-ros record --config_path=my.yaml --num-episodes=5 --resume=true',
        'lerobot-ros record --robots.config_paths="[left.yaml, right.yaml]" ...',
        'lerobot-ros record --repo-id=me/pick --dataset.single_task="Pick the cube"',
    ),
    groups=(
        Group('session', lines=SESSION_FLAGS),
        Group('dataset', DatasetConfig, 'dataset'),
        Group('robot', RobotConfig, 'robot', lines=ROBOT_FILE, table=TABLES['robot']),
        Group(
            'each camera, --robot.cameras="{NAME: {key: value, ...}}"',
            CameraConfig,
            'robot.cameras.NAME',
        ),
        Group('several robots', RobotsConfig, 'robots', leave_out=('members',)),
        Group('operator', CONFIG_CLASSES['teleop'], 'teleop', table=TABLES['teleop']),
        Group('policy', CONFIG_CLASSES['policy'], 'policy', table=TABLES['policy']),
        Group('live view', DisplayConfig),
        Group('topics of a graph of others', TopicsConfig, 'topics'),
        Group('recorder', RecorderConfig, 'recorder'),
        Group('steps on what is observed and asked for', ProcessorConfig, 'processor'),
        Group('buttons of a joystick', JoyConfig, 'recorder.joy'),
        Group('bag of every episode beside the dataset, --bag=true', BagConfig, 'bag'),
        Group('page in the browser, --dashboard=true', DashboardConfig, 'dashboard'),
    ),
    notes="""Ports and cameras named sim://WORLD/DEVICE are simulated, with physics where
WORLD ends in .mujoco (config/so101_twin_sim.yaml).

Keys: right or n keeps the episode (or ends the reset), left or r records it
again, space starts, p pauses, s and f keep it as a success or a failure, Esc or
q stops. The same words are services of the node recorder; the topics
recorder/{task,note,outcome,event,subtask} take texts.

Presets:
"""
    + preset_list(),
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``record``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        DatasetExistsError: there is a dataset already and no ``--resume=true``.
        GraphError: there is no rclpy, or a process of the graph died.
        HubError: what is recorded could not be uploaded, or was not.
    """
    if has_flag(arguments, 'init'):
        return record_init.run(arguments)
    config = read_session(arguments)
    sections, attach = config.sections, config.attach
    dashboard = take_dashboard(sections)
    if not config.resume:
        for folder in config.folders:
            check_free(folder, ', or add to it with --resume=true')
    view = TerminalView(config, switch(sections, 'play_sounds', True))
    datasets = [part.dataset for part in config.parts.values()]
    for dataset in datasets:
        check_upload(dataset, config.resume, view.say)
    config_file = open_session(sections, view.say)
    specs = [] if attach else processes(sections, config_file)
    specs += display_processes(sections, config_file)
    if dashboard is not None:
        specs.append(dashboard_process(dashboard, recorder_namespace(sections), config_file))
        view.say(f'dashboard: {dashboard.url}')
    with contextlib.ExitStack() as running:
        for dataset in datasets:
            running.enter_context(kept_for_upload(dataset, view.say))
        supervisor = running.enter_context(Supervisor(specs, config_file.parent, say=view.say))
        view.check = supervisor.check
        try:
            with accompanied(view, sections, drivers) as seen:
                code = run_recorder(sections, config_file, seen)
        finally:
            view.restore()
        view.say('stopping')
    if sections['check']:
        return code or _checked(view)
    view.conclude()
    for dataset in datasets:
        upload_recorded(dataset, view.say)
    return code


def check_bag(arguments: Sequence[str]) -> None:
    """Check that a bag's path, which belongs to ``convert``, is not meant as a switch.

    Raises:
        UsageError: it is.
    """
    told = parse_flags(arguments).get('bag')
    if isinstance(told, str):
        raise UsageError(
            f'--bag is true or false, found {told!r}; name a folder for bags with --bag.root, '
            'what else to put into them with --bag.topics'
        )


def _checked(view: TerminalView) -> int:
    """Return the exit code of a check: whether it came to its end."""
    if view.has_reported:
        return 0
    view.say('the check was not finished')
    return 1


def take_dashboard(sections: Section) -> DashboardConfig | None:
    """Take the dashboard's section out, so that its token goes into no file; None: not wanted.

    Raises:
        ConfigError: it may not or cannot listen there, or aiohttp is missing.
    """
    section = sections.pop('dashboard', False)
    return None if section is False else prepare(dashboard_config(section))


def read_session(arguments: Sequence[str]) -> RecordConfig:
    """Return what a command line asks for, checked as far as nothing need be started for it.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
    """
    check_bag(arguments)
    sections = expanded(read_sections(arguments, KNOWN))
    for member in members_of(sections):
        for section, table in TABLES.items():
            check_type(load_registry(table), member.get(section))
    attach = attaches(sections)
    sections = of_others(sections) if attach else {**sections, 'attach': False}
    sections |= {name: switch(sections, name) for name in ('resume', 'check')}
    config = record_config(sections, 'record')
    check_plugins(sections)
    check_display(sections)
    return config


def attaches(sections: Section) -> bool:
    """Return whether the graph of others is recorded: asked for, or no robot is named.

    Raises:
        UsageError: no robot is named, but somebody to drive it.
    """
    for name in ('teleop', 'policy', 'control_mode'):
        if name in sections and not {'robot', 'robots', 'attach'} & set(sections):
            raise UsageError(
                f'--{name} has no robot to drive: name a --robot.type and its --robot.port, '
                'or record the graph of others with --attach=true'
            )
    return switch(sections, 'attach', not {'robot', 'robots'} & set(sections))


def check_plugins(sections: Section) -> None:
    """Check the sections that belong to packages this one does not import.

    Raises:
        ConfigError: a key is missing, unknown or wrong.
        UsageError: nobody to drive the robot, or no robot.
    """
    attach = bool(sections['attach'])
    if not attach and not {'robot', 'robots'} & set(sections):
        raise UsageError('--attach=false needs a robot: name a --robot.type and its --robot.port')
    for member in members_of(sections):
        where = f'robots.{name_of(member)}.' if 'robots' in sections else ''
        if 'robot' in member:
            make_robot(build(RobotConfig, member['robot'], f'{where}robot'))
        drives = () if attach else drivers(member)
        for section, target in CONFIG_CLASSES.items():
            if section in member and not attach:
                _check_type_is_named(section, member[section])
                config_class = load_object(target, f'section {section}')
                build(config_class, member[section] or {}, f'{where}{section}')
        if 'policy' in drives:
            postprocessor(processor_config(sections), member['policy'].get('postprocessor'))


def _check_type_is_named(section: str, values: object) -> None:
    if section == 'policy' and isinstance(values, dict) and 'type' not in values:
        known = ', '.join(load_registry(TABLES[section]).names())
        raise UsageError(
            f'--policy.type is missing, one of {known}; --policy.path alone means a checkpoint '
            "of LeRobot's, and those are not built in yet"
        )


def drivers(sections: Section) -> tuple[str, ...]:
    """Return who drives the robot: ``teleop``, ``policy``, or both.

    Raises:
        UsageError: nobody does, or ``--control_mode`` is unknown.
    """
    there = [name for name in CONFIG_CLASSES if name in sections]
    mode = sections.get('control_mode', there[0] if there else None)
    if mode is None:
        raise UsageError('nobody drives the robot: name a --teleop.type or a --policy.type')
    if not isinstance(mode, str) or mode not in CONTROL_MODES:
        known = ', '.join(CONTROL_MODES)
        raise UsageError(f'--control_mode is one of {known}, found {mode!r}')
    missing = [name for name in CONTROL_MODES[mode] if name not in sections]
    if missing:
        raise UsageError(f'--control_mode={mode} needs a --{missing[0]}.type')
    return CONTROL_MODES[mode]


def processes(sections: Section, config_file: Path) -> list[ProcessSpec]:
    """Return the processes of the graph besides the recorder."""
    return processes_of_each(sections, config_file, _of_robot)


def _of_robot(sections: Section, config_file: Path) -> list[ProcessSpec]:
    specs = robot_processes(sections, config_file)
    makers = {'teleop': teleop_process, 'policy': policy_process}
    return [*specs, *(makers[name](sections, config_file) for name in drivers(sections))]


def recorder_namespace(sections: Section) -> str:
    """Return where the recorder node is: beside its robot, if that is one of ours and alone."""
    alone = not sections['attach'] and 'robots' not in sections
    return namespace_of(sections.get('robot'), 'follower') if alone else '/'


def run_recorder(sections: Section, config_file: Path, view: View) -> int:
    """Run the recorder in this process until its session is over; return its exit code."""
    from lerobot_drivers.ros import run_node  # rclpy only now: the environment is prepared

    namespace = recorder_namespace(sections)
    node = load_object('lerobot_recorder.recorder_node:RecorderNode', 'the recorder')
    parameter = f'config_file:={json.dumps(str(config_file))}'
    arguments = ['--ros-args', '-r', f'__ns:={namespace}', '-p', parameter]
    # Our own cameras have shared memory enough; what strangers have is not known.
    profile = RECEIVER_PROFILE if sections['attach'] else None
    return run_node(lambda: node(view), arguments, profile)
