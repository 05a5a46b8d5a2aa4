"""Teleoperators by type name, and how to make one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.common.registry import Registry
from lerobot_teleop.teleoperators.config import TeleopConfig
from lerobot_teleop.teleoperators.teleoperator import Teleoperator

__all__ = [
    'TELEOPERATORS',
    'TeleopConfig',
    'Teleoperator',
    'make_teleoperator',
    'make_teleoperator_from_config',
]

TELEOPERATORS = Registry(
    'teleoperator',
    {
        'so100_leader': 'lerobot_teleop.teleoperators.so_leader:SOLeader',
        'so101_leader': 'lerobot_teleop.teleoperators.so_leader:SOLeader',
        'bi_so_leader': 'lerobot_teleop.teleoperators.bi_so_leader:BiSOLeader',
        'bi_so100_leader': 'lerobot_teleop.teleoperators.bi_so_leader:BiSOLeader',
        'widowx': 'lerobot_teleop.teleoperators.widowx:WidowX',
        'aloha_leader': 'lerobot_teleop.teleoperators.widowx:AlohaLeader',
        'bi_widowx': 'lerobot_teleop.teleoperators.widowx:AlohaLeader',
        'koch_leader': 'lerobot_teleop.teleoperators.koch_leader:KochLeader',
    },
)


def make_teleoperator(config: TeleopConfig) -> Teleoperator:
    """Return the teleoperator that a configuration describes, not connected yet.

    Raises:
        ConfigError: the type is unknown.
    """
    teleoperator = TELEOPERATORS.load(config.type)(config)
    assert isinstance(teleoperator, Teleoperator), config.type
    return teleoperator


def make_teleoperator_from_config(path: str | Path) -> Teleoperator:
    """Return the teleoperator that a YAML file describes.

    Args:
        path: a file with a section ``teleop``, or with its keys at top level.

    Raises:
        ConfigError: the file cannot be read, or a key in it cannot be obeyed.
    """
    values: dict[str, Any] = read_yaml(Path(path))
    return make_teleoperator(build(TeleopConfig, values.get('teleop', values), f'{path}: teleop'))
