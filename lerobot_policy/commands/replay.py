"""``lerobot-ros replay``: an episode of a dataset, once more on the robot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lerobot_drivers.common.arm_cameras import without_cameras
from lerobot_drivers.common.command_line import make_console, read_sections, section_of
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    policy_process,
    robot_processes,
)
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import make_policy
from lerobot_recorder.commands.which_dataset import dataset_root

KNOWN = ('robot', 'mux', 'dataset', 'policy')
DATASET_KEYS = ('repo_id', 'root', 'episode')
HELP = """usage: lerobot-ros replay --dataset.repo_id=USER/NAME --dataset.episode=N [...]

Brings up a robot, moves it slowly to where the episode began, and replays its actions.

  --robot.type, --robot.port, --robot.id
  --robot.config_path=FILE     the robot's section from a file of its own
  --dataset.root=FOLDER        the dataset's folder
  --dataset.episode=0          which episode
  --policy.approach_timeout_s, --policy.approach_tolerance    of the way to its beginning

Ports named sim://WORLD/DEVICE are simulated."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``replay``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        DatasetError: there is no such dataset.
        GraphError: there is no rclpy, or a process of the graph died.
    """
    sections = read_sections(arguments, KNOWN, {'dataset': DATASET_KEYS})
    if 'robot' not in sections:
        raise UsageError('name a --robot.type and its --robot.port')
    episode = section_of(sections, 'dataset').get('episode', 0)
    if isinstance(episode, bool) or not isinstance(episode, int):
        raise UsageError(f'--dataset.episode is a whole number, found {episode!r}')
    root = dataset_root(sections)
    chosen = {'type': 'replay', 'path': str(root.resolve()), 'episode': episode}
    # The actions are as the robot got them, after the steps on the operator's.
    sections['policy'] = {'postprocessor': [], **section_of(sections, 'policy'), **chosen}
    robot = build(RobotConfig, sections['robot'], 'robot')
    make_policy(build(PolicyConfig, sections['policy'], 'policy'), make_robot(robot).elements)
    sections['robot'] = without_cameras(sections['robot'])
    console = make_console()
    config_file = open_session(sections, console.print)
    policy = policy_process(sections, config_file)
    policy = replace(policy, parameters={**policy.parameters, 'exit_when_ended': True})
    specs = [*robot_processes(sections, config_file), policy]
    namespace, logs = namespace_of(sections['robot'], 'follower'), config_file.parent
    console.print(
        f'{namespace} replays episode {episode} of {root}; Ctrl-C ends it (logs: {logs})'
    )
    deaths = Supervisor(specs, logs).run()
    failed = [death for death in deaths if death.name != 'policy' or death.returncode]
    if failed:
        raise GraphError('; '.join(str(death) for death in failed))
    console.print('replayed' if deaths else 'stopped')
    return 0
