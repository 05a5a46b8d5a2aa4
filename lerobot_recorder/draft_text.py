"""A draft as the text of a session's file: YAML that can be recorded with, and comments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_recorder.draft import Draft
from lerobot_recorder.draft_entries import Entry

WIDTH = 96
UNNAMED_TASK = 'unnamed task'
OPTIONAL = """
Not taken, though it could be: take out the "# " before what you want.
"""
UNITS = """\
Joints are in rad and m, as on the topics. For a robot of ours in LeRobot's units, write it with
--init --robot.type=so101_follower --robot.id=NAME; else give units for each joint:
units: {gripper: {mode: range_0_100, lower: -0.17, upper: 1.74}}
"""


@dataclass(frozen=True)
class Frame:
    """What stands around a draft in its file.

    Attributes:
        head: what is told first, lines of a comment.
        dataset: what its section dataset holds unless the user says otherwise.
        said: what the user said of the dataset.
        robot: what he said of the robot, empty if nothing.
        noticed: what does not go together, one line each.
    """

    head: str
    dataset: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    robot: Mapping[str, Any] = field(default_factory=dict)
    noticed: Sequence[str] = ()


def session_text(draft: Draft, frame: Frame) -> str:
    """Return the file: a draft in its frame."""
    parts = [
        _comment(frame.head),
        _comment('\n'.join(['', 'Noticed:', *frame.noticed, ''])) if frame.noticed else '',
        'attach: true  # no robot of ours is started',
    ]
    if frame.robot:
        parts.append(_yaml({'robot': dict(frame.robot)}))
    parts += [_dataset(draft, frame), 'recorder:']
    if draft.robot_type:
        parts.append(f'  robot_type: {_scalar(draft.robot_type)}')
    robots = [entry for entry in draft.features if entry.key in (OBSERVATION_STATE, ACTION)]
    has_joints = any('joints' in source for entry in robots for source in entry.sources)
    parts += [_indent(_comment(UNITS)) if has_joints and not frame.robot else '', '  features:']
    parts += [_indent(_feature(entry), 4) for entry in draft.features]
    if draft.optional:
        listed = ''.join(_feature(entry) for entry in draft.optional)
        parts.append(_indent(_comment(OPTIONAL + listed), 4))
    parts.append(_native(draft))
    if draft.left_out:
        lines = [f'{topic}: {why}' for topic, why in draft.left_out.items()]
        parts.append(_comment('\n'.join(['', 'Left out:', *lines])))
    return '\n'.join(part.rstrip('\n') for part in parts if part) + '\n'


def _native(draft: Draft) -> str:
    head = 'native:  # every message beside the dataset, at its own rate\n'
    taken = _indent(''.join(_feature(entry) for entry in draft.native), 4)
    free = ''.join(_feature(entry) for entry in draft.tables)
    if not free:
        return f'  {head}{taken}' if taken else ''
    if not taken:
        return _indent(_comment(OPTIONAL + head + _indent(free)))
    return f'  {head}{taken}{_indent(_comment(OPTIONAL + free), 4)}'


def _dataset(draft: Draft, frame: Frame) -> str:
    said = frame.said
    section = {
        'repo_id': 'me/recording',
        'single_task': UNNAMED_TASK,
        'fps': draft.fps,
        **frame.dataset,
        **said,
    }
    notes = {'fps': draft.why_fps if 'fps' not in said else 'as you said'}
    if 'repo_id' not in said:
        notes['repo_id'] = 'yours: USER/NAME'
    if 'single_task' not in said:
        notes['single_task'] = 'say what the robot does: policies are trained on it'
    lines = []
    for key, value in section.items():
        line = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True).rstrip('\n')
        lines.append(f'{line}  # {notes[key]}' if key in notes else line)
    return 'dataset:\n' + _indent('\n'.join(lines))


def _feature(entry: Entry) -> str:
    if entry.value is not None:
        return _comment('\n'.join(entry.comments)) + _yaml({entry.key: entry.value})
    several = (
        'or several, for two arms: {sources: [{topic: ..., joints: [...], names: [...]}, ...]}'
    )
    together = any('sources' in value for value, _ in entry.candidates)
    told = (
        f'Not decided: {len(entry.topics)} topics could be it. Take the "# " before one of these, '
        'and the line\nwith null away' + ('.' if together else f';\n{several}')
    )
    lines = [_comment(told), f'{entry.key}: null\n']
    for value, comment in entry.candidates:
        lines.append(_comment(f'{comment}\n{_yaml({entry.key: value})}'))
    return ''.join(lines)


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(
        value, sort_keys=False, default_flow_style=None, width=WIDTH, allow_unicode=True
    )


def _scalar(text: str) -> str:
    return yaml.safe_dump(text).partition('\n')[0]


def _comment(text: str) -> str:
    lines = [f'# {line}'.rstrip() for line in text.rstrip('\n').split('\n')]
    return '\n'.join(lines) + '\n'


def _indent(text: str, by: int = 2) -> str:
    return textwrap.indent(text, ' ' * by)
