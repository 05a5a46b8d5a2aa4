"""``lerobot-ros record --init``: look at a graph that runs and write a first session file."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.command_line import read_sections, section_of
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.graph import prepare_environment
from lerobot_drivers.common.processes import RECEIVER_PROFILE, require_rclpy
from lerobot_drivers.common.registry import load_object
from lerobot_recorder.commands.drafting import Target, in_units, tell
from lerobot_recorder.config import RecorderConfig, TopicsConfig
from lerobot_recorder.draft import make_draft
from lerobot_recorder.draft_text import Frame, session_text
from lerobot_recorder.presets import choose
from lerobot_recorder.session_file import of_others
from lerobot_recorder.survey import SeenTopic, Survey

KNOWN = ('init', 'force', 'topics', 'dataset', 'recorder', 'robot')
RECORDER_KEYS = ('preset',)
DEFAULT_FILE = 'record.yaml'
DATASET = {'num_episodes': 50, 'episode_time_s': 60, 'reset_time_s': 60}
HEAD = """\
Written by lerobot-ros record --init: what was in the graph, and what was assumed.
Look at it, then: lerobot-ros record --config_path={path} --check=true
and without --check to record.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``record``.

    Raises:
        UsageError: flags that cannot be obeyed, or the file is there already.
        ConfigError: settings that cannot be obeyed.
        StreamError: a topic that was named is not there.
        GraphError: there is no rclpy, or nothing in the graph that can be recorded.
    """
    sections = read_sections(arguments, KNOWN, {'recorder': RECORDER_KEYS})
    target = Target.of(sections, DEFAULT_FILE)
    topics = build(TopicsConfig, section_of(sections, 'topics'), 'topics')
    recorder = build(RecorderConfig, section_of(sections, 'recorder'), 'recorder')
    choose(recorder.preset, {})  # unknown names are told before anything starts
    console = target.console()
    console.print('listening to the graph for some seconds')
    seen = listen(sections)
    chosen = choose(recorder.preset, {topic: one.msgtype for topic, one in seen.items()})
    draft = in_units(make_draft(seen, topics.hints(), chosen), sections)
    if not draft.features:
        raise GraphError(
            'no topic looks like joint states, commands or a camera; there are: '
            f'{", ".join(seen)}; name them with --topics.state, --topics.action, --topics.cameras'
        )
    frame = Frame(
        HEAD.format(path=target.name),
        DATASET,
        section_of(sections, 'dataset'),
        section_of(of_others(sections), 'robot'),
    )
    target.write(session_text(draft, frame), draft)
    tell(console, draft, seen, target)
    follow = f'lerobot-ros record --config_path={target.name} --check=true'
    console.print(f'{target.name} is written: {follow}', soft_wrap=True)
    return 0


def listen(sections: Section) -> dict[str, SeenTopic]:
    """Return what is heard in the graph.

    Raises:
        GraphError: nothing that can be recorded.
    """
    require_rclpy()
    prepare_environment(sections)
    from lerobot_drivers.ros import run_node  # rclpy only now: the environment is prepared

    found: list[Survey] = []
    node = load_object('lerobot_recorder.survey_node:SurveyNode', 'the survey')
    code = run_node(lambda: node(found.append), ['--ros-args'], RECEIVER_PROFILE)
    if code or not found:
        raise GraphError('the graph could not be looked at to the end; nothing was written')
    seen = found[0].seen()
    if not seen:
        raise GraphError(
            'nobody publishes a topic that can be recorded: start the robot first, and see that '
            'ROS_DOMAIN_ID and ROS_AUTOMATIC_DISCOVERY_RANGE are the same as there'
        )
    return seen
