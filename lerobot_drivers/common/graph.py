"""The graph of a session as processes: the same nodes that the launch files start.

Modules are named as strings: nothing is imported across layers.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from lerobot_drivers.common.arm_cameras import cameras_of
from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.naming import JOINT_COMMANDS, source_topic
from lerobot_drivers.common.processes import rclpy_major, require_rclpy
from lerobot_drivers.common.supervisor import ProcessSpec

_SIM = 'sim://'
_FIRST_RCLPY_WITH_DISCOVERY_RANGE = 6
_DOMAINS = 100
_SECRET = 'dashboard'
"""The section that may hold a token."""


def namespace_of(section: Mapping[str, Any] | None, default: str) -> str:
    """Return the absolute namespace of a device: its id, else the default."""
    name = str((section or {}).get('id') or default)
    cleaned = re.sub(r'\W', '_', name, flags=re.ASCII)
    return '/' + (cleaned if not cleaned[0].isdigit() else f'_{cleaned}')


def robot_processes(sections: Section, config_file: Path) -> list[ProcessSpec]:
    """Return the processes of a robot: its arm, its cameras, its command mux."""
    robot = sections['robot']
    namespace = namespace_of(robot, 'follower')
    parameters = {'config_file': str(config_file)}
    cameras = [
        ProcessSpec(
            f'{camera}_camera',
            'lerobot_drivers.camera_node',
            namespace,
            {**parameters, 'camera': camera},
        )
        for camera in cameras_of(robot)
    ]
    return [
        ProcessSpec('arm', 'lerobot_drivers.arm_node', namespace, parameters),
        ProcessSpec('command_mux', 'lerobot_teleop.command_mux_node', namespace, parameters),
        *cameras,
    ]


def teleop_process(sections: Section, config_file: Path) -> ProcessSpec:
    """Return the process of a teleoperator that commands the robot's mux."""
    robot_namespace = namespace_of(sections['robot'], 'follower')
    namespace = namespace_of(sections['teleop'], 'leader')
    if namespace == robot_namespace:
        # Equal ids are legal; two arms on one joint_states would be taken for one.
        namespace += '_leader'
    return ProcessSpec(
        'teleop',
        'lerobot_teleop.teleop_node',
        namespace,
        {'config_file': str(config_file)},
        {JOINT_COMMANDS: f'{robot_namespace}/{source_topic("teleop")}'},
    )


def policy_process(sections: Section, config_file: Path) -> ProcessSpec:
    """Return the process of a policy that commands the robot's mux."""
    return ProcessSpec(
        'policy',
        'lerobot_policy.policy_node',
        namespace_of(sections['robot'], 'follower'),
        {'config_file': str(config_file)},
    )


def session_folder(clock: Clock | None = None) -> Path:
    """Make and return a folder for a session's configuration and logs.

    Raises:
        GraphError: it cannot be made.
    """
    home = Path(os.environ.get('ROS_LOG_DIR') or Path.home() / '.ros' / 'log')
    now_s = (clock or SystemClock()).now_ns() / NS_PER_S
    stamp = datetime.fromtimestamp(now_s, timezone.utc).strftime('%Y%m%d-%H%M%S')
    folder = home / 'lerobot_ros' / f'{stamp}-{os.getpid()}'
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GraphError(
            f'cannot make the folder {folder} for logs: {error.strerror}; set ROS_LOG_DIR'
        ) from error
    return folder


def open_session(sections: Section, say: Callable[[str], None]) -> Path:
    """Prepare this process and the configuration file of a session's nodes.

    Call it before rclpy is imported.

    Args:
        sections: what the nodes are to read.
        say: tells the user where to look for the graph.

    Returns:
        The file, in a folder of the session's own, where the logs go too.

    Raises:
        GraphError: there is no rclpy, or no place for the file.
    """
    require_rclpy()
    hint = prepare_environment(sections)
    if hint:
        say(hint)
    return write_session(session_folder(), sections)


def write_session(folder: Path, sections: Section, name: str = 'session') -> Path:
    """Write the file that every node of the session, or of one robot, reads; no secrets in it."""
    path = folder / f'{name}.yaml'
    shared = {key: section for key, section in sections.items() if key != _SECRET}
    path.write_text(yaml.safe_dump(shared, sort_keys=False), encoding='utf-8')
    return path


def prepare_environment(sections: Section) -> str | None:
    """Keep a session with simulated devices on this machine, in a domain of its own.

    What the user has set himself stays. Call it before rclpy is imported.

    Returns:
        One line for the user on how to look at the graph, None for real devices.
    """
    worlds = sorted({text.split('/')[2] for text in _strings(sections) if text.startswith(_SIM)})
    if not worlds:
        return None
    if rclpy_major() >= _FIRST_RCLPY_WITH_DISCOVERY_RANGE:
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    else:
        os.environ.setdefault('ROS_LOCALHOST_ONLY', '1')
    domain = 1 + zlib.crc32(worlds[0].encode()) % _DOMAINS
    os.environ.setdefault('ROS_DOMAIN_ID', str(domain))
    return (
        f'simulated devices: this graph stays on this machine, '
        f'ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}'
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
