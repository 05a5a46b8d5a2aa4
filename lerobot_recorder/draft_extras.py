"""What a dataset could hold beside state, action and cameras, and an action where none is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lerobot_drivers.common.naming import ACTION, JOINT_COMMANDS_SENT, image_key
from lerobot_recorder.draft_entries import Entry, Seen, make_entry, table_name
from lerobot_recorder.guess import camera_of, is_command, is_depth
from lerobot_recorder.numeric_fields import READERS

FEW = 'std_msgs/msg/'
"""Types of this package say nothing of what they hold: such topics are no feature unasked."""


def extras(seen: Seen, used: set[str]) -> list[Entry]:
    """Return features of the topics that nothing else uses.

    Args:
        seen: topic -> what was heard.
        used: topics of other features.
    """
    free = [one for topic, one in seen.items() if topic not in used and one.problem is None]
    found = []
    for one in free:
        if one.is_picture and (one.is_depth or is_depth(one.topic)):
            found.append(make_entry(_depth_key(one.topic), {'topic': one.topic}, seen))
        elif one.msgtype in READERS and not _is_command(one.topic):
            key = f'observation.{table_name(one.topic)}'
            found.append(make_entry(key, {'topic': one.topic}, seen))
    return list({entry.key: entry for entry in reversed(found)}.values())[::-1]


def worth_alone(entry: Entry, seen: Seen) -> bool:
    """Return whether a feature is worth a dataset that has no other."""
    types = {seen[topic].msgtype for topic in entry.topics if topic in seen}
    return not any(msgtype.startswith(FEW) for msgtype in types)


def next_state(state: Entry, fps: int) -> Entry | None:
    """Return an action that is the state one row later, None where there is no state.

    Args:
        state: the robot's state.
        fps: rows per second.
    """
    if state.value is None or 'sources' in state.value:
        return None
    value = {**state.value, 'take': 'interpolate', 'offset_ms': round(1000 / fps, 6)}
    told = 'no topic looks like commands; this is the state one row later as action, if you want'
    return Entry(ACTION, value, (told,))


def usual_state(seen: Seen) -> list[dict[str, Any]]:
    """Return what is the state where no topic holds joint states: of its controller, its place."""
    controllers = _of_types(seen, CONTROLLERS)
    if controllers:
        return controllers
    for msgtypes in _PLACES:
        found = [one for one in _of_types(seen, msgtypes) if not is_command(one['topic'])]
        if found:
            return found
    return []


def controller_actions(seen: Seen) -> list[dict[str, Any]]:
    """Return the actions that controllers tell of beside what they measure."""
    return [{**value, 'field': 'reference.position'} for value in _of_types(seen, CONTROLLERS)]


def _of_types(seen: Seen, msgtypes: Sequence[str]) -> list[dict[str, Any]]:
    return [{'topic': topic} for topic, one in seen.items() if one.msgtype in msgtypes]


CONTROLLERS = (
    'control_msgs/msg/JointTrajectoryControllerState',
    'control_msgs/action/FollowJointTrajectory_FeedbackMessage',
)
_PLACES = (
    ('nav_msgs/msg/Odometry',),
    ('geometry_msgs/msg/PoseStamped', 'geometry_msgs/msg/PoseWithCovarianceStamped'),
    ('geometry_msgs/msg/Pose',),
)


def _is_command(topic: str) -> bool:
    return is_command(topic) or topic.rpartition('/')[2] == JOINT_COMMANDS_SENT


def _depth_key(topic: str) -> str:
    return image_key(table_name(camera_of(topic)))
