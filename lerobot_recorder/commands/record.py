"""``lerobot-ros record``: bring up the robot, record episodes, take everything down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lerobot_drivers.common.command_line import read_sections, switch
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    policy_process,
    robot_processes,
    teleop_process,
)
from lerobot_drivers.common.processes import RECEIVER_PROFILE
from lerobot_drivers.common.registry import load_object, load_registry
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.commands.terminal import TerminalView
from lerobot_recorder.commands.which_dataset import check_free
from lerobot_recorder.dashboard.config import DashboardConfig, dashboard_config, prepare
from lerobot_recorder.dashboard.process import dashboard_process
from lerobot_recorder.session_file import of_others, record_config

KNOWN = (
    'robot', 'teleop', 'policy', 'control_mode', 'mux', 'dataset', 'recorder', 'topics', 'attach',
    'resume', 'dashboard',
)  # fmt: skip
CONFIG_CLASSES = {
    'teleop': 'lerobot_teleop.teleoperators.config:TeleopConfig',
    'policy': 'lerobot_policy.config:PolicyConfig',
}
TABLES = {
    'teleop': 'lerobot_teleop.teleoperators:TELEOPERATORS',
    'policy': 'lerobot_policy.policies:POLICIES',
}
CONTROL_MODES = {'teleop': ('teleop',), 'policy': ('policy',), 'hybrid': ('teleop', 'policy')}
HELP = """usage: lerobot-ros record [--config_path=FILE] [--section.key=value ...]

Brings up a robot of ours and records it, or attaches to a graph that is running.

  --robot.type, --robot.port, --robot.id, --robot.cameras="{front: {type: opencv, ...}}"
  --robot.config_path=FILE     the robot's section from a file of its own
  --teleop.type, --teleop.port, --teleop.id      who drives: an operator ...
  --policy.type=replay|scripted, --policy.path   ... or a policy
  --control_mode=teleop|policy|hybrid            who of them, or both (the operator wins)
  --dataset.repo_id=USER/NAME, --dataset.root=FOLDER, --dataset.single_task="..."
  --dataset.fps=30, --dataset.num_episodes=50, --dataset.episode_time_s=60,
  --dataset.reset_time_s=60
  --dataset.rgb_encoder.{vcodec,preset,crf,g,pix_fmt,extra_options}   vcodec: h264, hevc,
                               libsvtav1, mjpeg (keeps JPEGs as they come), hardware ones, auto
  --dataset.depth_encoder.{depth_min,depth_max,shift,use_log}
  --dataset.video=false        pictures as images in Parquet
  --resume=true                add to the dataset that is there
  --attach=true                record the graph of others; nothing is started
  --topics.state, --topics.action, --topics.cameras="{front: /topic}"
  --recorder.mode=aligned|as_seen, --recorder.features={...}, --recorder.max_gap_s=1.0
  --recorder.native="{wrench: {topic: /ft/wrench}}"   kept at its native rate beside the dataset
  --dashboard=true             a page in the browser to look and operate, see
                               `lerobot-ros dashboard --help`
  --recorder.stamps=true       true stamps as columns of the dataset, sync.*_ns

Ports and cameras named sim://WORLD/DEVICE are simulated.
Keys: right or n ends the episode, left or r records it again, Esc or q stops."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``record``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        DatasetExistsError: there is a dataset already and no ``--resume=true``.
        GraphError: there is no rclpy, or a process of the graph died.
    """
    sections = read_sections(arguments, KNOWN)
    dashboard = take_dashboard(sections)
    attach = attaches(sections)
    sections = of_others(sections) if attach else {**sections, 'attach': False}
    sections['resume'] = switch(sections, 'resume')
    config = record_config(sections, 'record')
    if not config.resume:
        check_free(config.dataset.folder, ', or add to it with --resume=true')
    check_plugins(sections)
    view = TerminalView(config)
    config_file = open_session(sections, view.say)
    specs = [] if attach else processes(sections, config_file)
    if dashboard is not None:
        specs.append(dashboard_process(dashboard, recorder_namespace(sections), config_file))
        view.say(f'dashboard: {dashboard.url}')
    with Supervisor(specs, config_file.parent) as supervisor:
        view.check = lambda: tell_deaths(supervisor, view)
        try:
            code = run_recorder(sections, config_file, view)
        finally:
            view.restore()
        view.say('stopping')
    view.conclude()
    return code


def take_dashboard(sections: Section) -> DashboardConfig | None:
    """Take the dashboard's section out, so that its token goes into no file; None: not wanted.

    Raises:
        ConfigError: it may not or cannot listen there, or aiohttp is missing.
    """
    section = sections.pop('dashboard', False)
    return None if section is False else prepare(dashboard_config(section))


def tell_deaths(supervisor: Supervisor, view: TerminalView) -> None:
    """Tell which processes have ended that the session can do without.

    Raises:
        GraphError: another one has.
    """
    for death in supervisor.check():
        view.say(f'{death}; recording goes on without it', 'yellow')


def attaches(sections: Section) -> bool:
    """Return whether the graph of others is recorded: asked for, or no robot is named.

    Raises:
        UsageError: no robot is named, but somebody to drive it.
    """
    for name in ('teleop', 'policy', 'control_mode'):
        if name in sections and not {'robot', 'attach'} & set(sections):
            raise UsageError(
                f'--{name} has no robot to drive: name a --robot.type and its --robot.port, '
                'or record the graph of others with --attach=true'
            )
    return switch(sections, 'attach', 'robot' not in sections)


def check_plugins(sections: Section) -> None:
    """Check the sections that belong to packages this one does not import.

    Raises:
        ConfigError: a key is missing, unknown or wrong.
        UsageError: nobody to drive the robot, or no robot.
    """
    if 'robot' in sections:
        make_robot(build(RobotConfig, sections['robot'], 'robot'))
    if sections['attach']:
        return
    if 'robot' not in sections:
        raise UsageError('--attach=false needs a robot: name a --robot.type and its --robot.port')
    for section in drivers(sections):
        config_class = load_object(CONFIG_CLASSES[section], f'section {section}')
        values = sections.get(section) or {}
        build(config_class, values, section)
        load_registry(TABLES[section]).target(str(values['type']))


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
    specs = robot_processes(sections, config_file)
    makers = {'teleop': teleop_process, 'policy': policy_process}
    return [*specs, *(makers[name](sections, config_file) for name in drivers(sections))]


def recorder_namespace(sections: Section) -> str:
    """Return where the recorder node is: beside its robot."""
    return '/' if sections['attach'] else namespace_of(sections.get('robot'), 'follower')


def run_recorder(sections: Section, config_file: Path, view: TerminalView) -> int:
    """Run the recorder in this process until its session is over; return its exit code."""
    from lerobot_drivers.ros import run_node  # rclpy only now: the environment is prepared

    namespace = recorder_namespace(sections)
    node = load_object('lerobot_recorder.recorder_node:RecorderNode', 'the recorder')
    parameter = f'config_file:={json.dumps(str(config_file))}'
    arguments = ['--ros-args', '-r', f'__ns:={namespace}', '-p', parameter]
    # Our own cameras have shared memory enough; what strangers have is not known.
    profile = RECEIVER_PROFILE if sections['attach'] else None
    return run_node(lambda: node(view), arguments, profile)
