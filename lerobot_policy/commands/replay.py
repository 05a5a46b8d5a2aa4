"""``lerobot-ros replay``: an episode of a dataset, once more on the robot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    policy_process,
    prepare_environment,
    robot_processes,
    session_folder,
    write_session,
)
from lerobot_drivers.common.processes import require_rclpy
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import make_policy
from lerobot_recorder.commands.which_dataset import dataset_root

KNOWN = ('robot', 'mux', 'dataset', 'policy', 'teleop', 'recorder')
HELP = """usage: lerobot-ros replay --dataset.repo_id=USER/NAME --dataset.episode=N [...]

Brings up a robot, moves it slowly to where the episode began, and replays its actions.

  --robot.type, --robot.port, --robot.id
  --robot.config_path=FILE     the robot's section from a file of its own
  --dataset.root=FOLDER        the dataset's folder
  --dataset.episode=0          which episode

Ports named sim://WORLD/DEVICE are simulated."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``replay``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        GraphError: a process of the graph died.
    """
    sections = read_sections(arguments, KNOWN)
    if 'robot' not in sections:
        raise UsageError('name a --robot.type and its --robot.port')
    episode = (sections.get('dataset') or {}).get('episode', 0)
    root = dataset_root(sections)
    sections['policy'] = {'type': 'replay', 'path': str(root.resolve()), 'episode': episode}
    robot = build(RobotConfig, sections['robot'], 'robot')
    make_policy(build(PolicyConfig, sections['policy'], 'policy'), make_robot(robot).joints)
    require_rclpy()
    console = Console(highlight=False)
    hint = prepare_environment(sections)
    if hint:
        console.print(hint)
    folder = session_folder()
    config_file = write_session(folder, sections)
    policy = policy_process(sections, config_file)
    policy = replace(policy, parameters={**policy.parameters, 'exit_when_ended': True})
    sections['robot'] = {**sections['robot'], 'cameras': {}}
    namespace = namespace_of(sections['robot'], 'follower')
    console.print(f'{namespace} replays episode {episode} of {root}; Ctrl-C ends it')
    specs = [*robot_processes(sections, config_file), policy]
    deaths = Supervisor(specs, folder).run()
    failed = [death for death in deaths if death.name != 'policy' or death.returncode]
    if failed:
        raise GraphError('; '.join(str(death) for death in failed))
    console.print('replayed' if deaths else 'stopped')
    return 0
