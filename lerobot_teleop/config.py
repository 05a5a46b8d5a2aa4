"""Settings of the command mux: the section ``mux`` of a configuration file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from lerobot_drivers.common.config import STRICT_KEYS, build, merge, read_yaml
from lerobot_drivers.common.naming import source_topic
from lerobot_teleop.command_mux import Source

DEFAULT_SOURCES: dict[str, Any] = {
    'teleop': {'priority': 100, 'timeout_s': 0.25},
    'policy': {'priority': 50, 'timeout_s': 0.5},
}


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One source of commands; the three words are twist_mux's.

    Attributes:
        topic: where it commands, relative to the robot's namespace; by default
            ``<name>/joint_commands``.
        priority: higher wins, 0 to 255.
        timeout_s: silence after which it commands no longer [s].
    """

    __pydantic_config__ = STRICT_KEYS

    topic: str | None = None
    priority: Annotated[int, Field(ge=0, le=255)]
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5


@dataclass(frozen=True, kw_only=True)
class MuxConfig:
    """Who may command the robot.

    Attributes:
        sources: name -> settings. ``teleop`` and ``policy`` are there by default; null
            takes one away.
    """

    __pydantic_config__ = STRICT_KEYS

    sources: dict[str, SourceConfig | None] = field(default_factory=dict)

    def topics(self) -> dict[str, str]:
        """Return the topic of each source."""
        return {
            name: source.topic or source_topic(name)
            for name, source in self.sources.items()
            if source is not None
        }

    def for_mux(self) -> tuple[Source, ...]:
        """Return the sources as the mux takes them."""
        return tuple(
            Source(name, source.priority, source.timeout_s)
            for name, source in self.sources.items()
            if source is not None
        )


def mux_config(path: Path) -> MuxConfig:
    """Return the section ``mux`` of a file, laid over the defaults.

    Raises:
        ConfigError: the file cannot be read, or a key in it cannot be obeyed.
    """
    section = read_yaml(path).get('mux') or {}
    values = merge({'sources': DEFAULT_SOURCES}, section) if isinstance(section, dict) else section
    return build(MuxConfig, values, f'{path}: mux')
