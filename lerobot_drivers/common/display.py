"""``--display_data``: cameras and joints in a window of rerun, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lerobot_drivers.common.config import STRICT_KEYS, Section, build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.supervisor import ProcessSpec

DISPLAY_FLAGS = (
    'display_data', 'display_mode', 'display_ip', 'display_port', 'display_compressed_images',
)  # fmt: skip
SCREENS = ('DISPLAY', 'WAYLAND_DISPLAY')
DEFAULT_PORT = 9876


@dataclass(frozen=True, kw_only=True)
class DisplayConfig:
    """A live view of what is recorded.

    Attributes:
        display_data: show cameras and joints in a window.
        display_mode: ``rerun``, the only one.
        display_ip: show them in a rerun that runs on another machine.
        display_port: the port of that rerun.
        display_compressed_images: send pictures as JPEG, for a thin line to there.
    """

    __pydantic_config__ = STRICT_KEYS

    display_data: bool = False
    display_mode: Literal['rerun'] = 'rerun'
    display_ip: str | None = None
    display_port: int | None = None
    display_compressed_images: bool = False


def display_config(sections: Section) -> DisplayConfig:
    """Return what a session's sections say of a live view.

    Raises:
        ConfigError: a setting cannot be obeyed.
    """
    given = {name: sections[name] for name in DISPLAY_FLAGS if name in sections}
    if given.get('display_mode', 'rerun') == 'foxglove':
        raise ConfigError(
            '--display_mode=foxglove is not taken here: the live view is rerun; for Foxglove '
            'connect its bridge to the ROS graph'
        )
    return build(DisplayConfig, given, 'display')


def check_display(sections: Section) -> None:
    """Check early that what is asked for can be shown.

    Raises:
        ConfigError: rerun is not installed, or there is no screen.
    """
    config = display_config(sections)
    if not config.display_data:
        return
    require_rerun('--display_data')
    if config.display_ip is None:
        remedy = 'start rerun where there is one and name it with --display_ip and --display_port'
        check_screen('--display_data', remedy)


def check_screen(what: str, remedy: str) -> None:
    """Check that a window can be opened.

    Args:
        what: wants to open one, for the error.
        remedy: what else the user can do.

    Raises:
        ConfigError: there is no screen.
    """
    if not any(os.environ.get(name) for name in SCREENS):
        raise ConfigError(
            f'{what} needs a screen, and neither {" nor ".join(SCREENS)} is set; {remedy}'
        )


def require_rerun(what: str) -> None:
    """Check that rerun is there, without importing it.

    Raises:
        ConfigError: it is not; the message names the extra that brings it.
    """
    if importlib.util.find_spec('rerun') is None:
        raise ConfigError(f"{what} needs rerun: pip install 'lerobot_ros[display]'")


def display_processes(sections: Section, config_file: Path) -> list[ProcessSpec]:
    """Return the process of the live view, if one is asked for: the session does not need it."""
    if not display_config(sections).display_data:
        return []
    parameters: dict[str, Any] = {'config_file': str(config_file)}
    return [
        ProcessSpec('display', 'lerobot_recorder.display_node', '', parameters, is_vital=False)
    ]
