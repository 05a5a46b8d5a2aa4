"""``lerobot-ros replay``: an episode of a dataset, once more on the robot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lerobot_drivers.common.arm_cameras import without_cameras
from lerobot_drivers.common.command_line import make_console, read_sections, section_of
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import GraphError, UsageError
from lerobot_drivers.common.graph import (
    namespace_of,
    open_session,
    policy_process,
    robot_processes,
)
from lerobot_drivers.common.several import (
    expanded,
    members_of,
    name_of,
    processes_of_each,
)
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import make_policy
from lerobot_recorder.commands.which_dataset import dataset_root

KNOWN = ('robot', 'robots', 'mux', 'dataset', 'policy')
DATASET_KEYS = ('repo_id', 'root', 'episode')
HELP = """usage: lerobot-ros replay --dataset.repo_id=USER/NAME --dataset.episode=N [...]

Brings up a robot, moves it slowly to where the episode began, and replays its actions. Several
robots, of one dataset or one each, begin and end together.

  --robot.type, --robot.port, --robot.id
  --robot.config_path=FILE     the robot's section from a file of its own
  --robots.config_paths=[FILE, FILE], --robots.datasets=one    several robots, as recorded
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
    sections = expanded(read_sections(arguments, KNOWN, {'dataset': DATASET_KEYS}))
    if not {'robot', 'robots'} & set(sections):
        raise UsageError('name a --robot.type and its --robot.port')
    episode = section_of(sections, 'dataset').get('episode', 0)
    if isinstance(episode, bool) or not isinstance(episode, int):
        raise UsageError(f'--dataset.episode is a whole number, found {episode!r}')
    members = [_member(member, root, prefix, episode) for member, root, prefix in _parts(sections)]
    sections = _session(sections, members)
    console = make_console()
    config_file = open_session(sections, console.print)
    namespaces = [namespace_of(member['robot'], 'follower') for member in members]

    def processes(member: Section, file: Path) -> list[ProcessSpec]:
        own = namespace_of(member['robot'], 'follower')
        others = ','.join(name for name in namespaces if name != own)
        policy = policy_process(member, file)
        more = {'exit_when_ended': True, **({'together_with': others} if others else {})}
        policy = replace(policy, parameters={**policy.parameters, **more})
        return [*robot_processes(member, file), policy]

    specs = processes_of_each(sections, config_file, processes)
    roots = ' and '.join(dict.fromkeys(str(member['policy']['path']) for member in members))
    verb = 'replays' if len(members) == 1 else 'replay'
    console.print(
        f'{" and ".join(namespaces)} {verb} episode {episode} of {roots}; Ctrl-C ends it '
        f'(logs: {config_file.parent})'
    )
    deaths = Supervisor(specs, config_file.parent, say=console.print).run()
    policies = {spec.name for spec in specs if (spec.node or spec.name) == 'policy'}
    failed = [death for death in deaths if death.name not in policies or death.returncode]
    if failed:
        raise GraphError('; '.join(str(death) for death in failed))
    console.print('replayed' if deaths else 'stopped')
    return 0


def _parts(sections: Section) -> list[tuple[Section, Path, str]]:
    """Return of each robot its sections, the folder of its dataset, and its prefix in there.

    Raises:
        UsageError: no dataset is named.
        DatasetError: there is no such dataset.
    """
    members = members_of(sections)
    if 'robots' not in sections:
        return [(sections, dataset_root(sections), '')]
    names = [name_of(member) for member in members]
    if sections['robots']['datasets'] == 'each':
        told = section_of(sections, 'dataset')
        each = [
            {key: f'{told[key]}_{name}' for key in ('repo_id', 'root') if told.get(key)}
            for name in names
        ]
        roots = [dataset_root({'dataset': own}) for own in each]
        return [(member, root, '') for member, root in zip(members, roots, strict=True)]
    root = dataset_root(sections)
    return [(member, root, f'{name}_') for member, name in zip(members, names, strict=True)]


def _member(member: Section, root: Path, prefix: str, episode: int) -> Section:
    """Return a robot's sections with the policy that replays its part.

    Raises:
        ConfigError: the episode is none of this robot's.
    """
    chosen = {'type': 'replay', 'path': str(root.resolve()), 'episode': episode}
    if prefix:
        chosen['prefix'] = prefix
    # The actions are as the robot got them, after the steps on the operator's.
    policy = {'postprocessor': [], **section_of(member, 'policy'), **chosen}
    robot = build(RobotConfig, member['robot'], 'robot')
    make_policy(build(PolicyConfig, policy, 'policy'), make_robot(robot).elements)
    return {**member, 'policy': policy, 'robot': without_cameras(member['robot'])}


def _session(sections: Section, members: list[Section]) -> Section:
    if 'robots' not in sections:
        return members[0]
    return {**sections, 'robots': {**sections['robots'], 'members': members}}
