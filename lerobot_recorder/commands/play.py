"""``lerobot-ros play``: what a bag or a dataset holds, on the graph again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from lerobot_drivers.common.command_line import make_console, read_sections, split_positional
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import UsageError
from lerobot_drivers.common.graph import open_session
from lerobot_drivers.common.help_text import Group, Help
from lerobot_drivers.common.processes import SHARED_MEMORY_PROFILE
from lerobot_drivers.common.registry import load_object
from lerobot_recorder.commands.play_view import TerminalPlayView
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.play.choice import PlayConfig, choose
from lerobot_recorder.play.selection import played_segments

WISHES = ('degrees', 'start_s')
SETTINGS = tuple(field.name for field in dataclasses.fields(PlayConfig))
KNOWN = ('dataset', *SETTINGS, *WISHES)
HELP = Help(
    usage='lerobot-ros play BAG|FOLDER_OF_BAGS|DATASET [--rate=1.0] [--key=value ...]',
    about=(
        'Publishes messages at the times at which they were logged, offered as they were: what '
        'was latched is latched. A dataset is played as to-bag would write it, without a bag. '
        'What commands a robot is held back unless --commands=true says otherwise.'
    ),
    examples=(
        'lerobot-ros play my_bags/episode_000003 --loop=true',
        'lerobot-ros play --dataset.repo_id=me/pick --episodes=0,3-5 --clock=true',
        'lerobot-ros play bag --namespace=replay --topics="[/follower/joint_states, /tf_static]"',
    ),
    groups=(
        Group('playing', PlayConfig),
        Group(
            'a dataset',
            lines={
                '--dataset.repo_id=USER/NAME, --dataset.root=FOLDER': 'instead of a path',
                '--degrees=false': 'joints of a dataset that does not tell it are in degrees',
                '--start_s=1600000000': 'when a dataset began that does not tell it',
            },
        ),
    ),
    notes="""Keys: space pauses and goes on; right plays the next message, or skips 5 s;
left goes 5 s back; up and down change the rate; q, Esc or Ctrl-C end it. Services
of the node player: ~/pause, ~/resume, ~/toggle_paused, ~/play_next, ~/is_paused.""",
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``play``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: settings that cannot be obeyed.
        BagError: there is nothing to play.
        DatasetError: the dataset cannot be read.
        GraphError: there is no rclpy.
    """
    word, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    path = _path(word, sections)
    section = {name: sections[name] for name in SETTINGS if name in sections}
    wishes = {name: sections[name] for name in WISHES if name in sections}
    config = build(PlayConfig, section, 'play')
    choose(played_segments(path, config.episodes, wishes), config)  # told before ROS starts
    console = make_console()
    session = {'play': {**section, 'source': str(path.absolute()), 'wishes': wishes}}
    file = open_session(session, console.print)
    return _play(file, TerminalPlayView(console))


def _path(word: str | None, sections: Section) -> Path:
    if word is not None and 'dataset' not in sections:
        return Path(word).expanduser()
    if word is not None:
        raise UsageError(f'name {word} or a --dataset, not both')
    return dataset_root(sections)


def _play(file: Path, view: TerminalPlayView) -> int:
    from lerobot_drivers.ros import run_node  # rclpy only now: the environment is prepared

    node = load_object('lerobot_recorder.play_node:PlayNode', 'the player')
    arguments = ['--ros-args', '-p', f'config_file:={json.dumps(str(file))}']
    return run_node(lambda: node(view), arguments, SHARED_MEMORY_PROFILE)
