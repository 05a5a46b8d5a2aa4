"""Mappings of known robots and drivers: ``--recorder.preset=ur``, or several with namespaces.

::

    preset: ur                                 one, where its driver puts it
    preset: [ur, realsense]                    an arm and a camera
    preset: {ur: /left, realsense: /wrist}     each in a namespace of its own

A preset is a file in ``data/presets``: ``features`` and ``native`` as in a mapping, ``{ns}`` for
the namespace, ``if_there`` for features that not every driver has. What no preset names (say,
the cameras) is found in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS, build, read_yaml
from lerobot_drivers.common.errors import ConfigError

FOLDER = Path(__file__).parent / 'data' / 'presets'
NAMESPACE = '{ns}'
Spec = str | list[str] | dict[str, str | None] | None
"""How presets are asked for: a name, several, or name -> namespace."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One file.

    Attributes:
        about: what it is for, in one line.
        robot_type: LeRobot's name of the robot, if it is one robot.
        namespace: where its driver puts it unless told otherwise.
        features: features as a mapping holds them.
        if_there: features that are taken only where their topic is there.
        native: tables that are kept where their topic is there.
    """

    __pydantic_config__ = STRICT_KEYS

    about: str
    robot_type: str | None = None
    namespace: str = ''
    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    if_there: dict[str, dict[str, Any]] = field(default_factory=dict)
    native: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """What the presets of a session make of it.

    Attributes:
        features: features as a mapping holds them.
        native: tables to keep beside the dataset.
        robot_type: LeRobot's name of the robot.
    """

    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    native: dict[str, dict[str, Any]] = field(default_factory=dict)
    robot_type: str | None = None


def preset_names() -> list[str]:
    """Return the names of all presets."""
    return sorted(path.stem for path in FOLDER.glob('*.yaml'))


def load_preset(name: str) -> Preset:
    """Read a preset.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in preset_names():
        known = ', '.join(preset_names())
        raise ConfigError(f'recorder.preset: there is no preset {name!r}; known: {known}')
    return build(Preset, read_yaml(FOLDER / f'{name}.yaml'), f'preset {name}')


def choose(spec: Spec, topics: Mapping[str, str]) -> Chosen:
    """Return what presets make of a graph.

    Args:
        spec: which ones, see ``Spec``.
        topics: topic -> type of what is there.

    Raises:
        ConfigError: there is no such preset, or two of them make the same feature.
    """
    features: dict[str, dict[str, Any]] = {}
    native: dict[str, dict[str, Any]] = {}
    robot_type = None
    for name, given in _wanted(spec).items():
        preset = load_preset(name)
        namespace = preset.namespace if given is None else given
        there = {key: _placed(entry, namespace) for key, entry in preset.if_there.items()}
        made = {key: _placed(entry, namespace) for key, entry in preset.features.items()}
        made |= {key: entry for key, entry in there.items() if entry['topic'] in topics}
        doubled = sorted(set(made) & set(features))
        if doubled:
            raise ConfigError(
                f'recorder.preset: {name} and another preset both make {", ".join(doubled)}; '
                'write that feature under recorder.features (record --init writes a file)'
            )
        features |= made
        tables = {key: _placed(entry, namespace) for key, entry in preset.native.items()}
        native |= {key: entry for key, entry in tables.items() if entry['topic'] in topics}
        robot_type = robot_type or preset.robot_type
    return Chosen(features, native, robot_type)


def _wanted(spec: Spec) -> dict[str, str | None]:
    if spec is None:
        return {}
    if isinstance(spec, str):
        return {spec: None}
    return dict(spec) if isinstance(spec, dict) else dict.fromkeys(spec)


def _placed(entry: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return an entry with its topics in a namespace."""
    prefix = f'/{namespace.strip("/")}' if namespace.strip('/') else ''
    if 'sources' in entry:
        return {**entry, 'sources': [_placed(source, namespace) for source in entry['sources']]}
    return {**entry, 'topic': str(entry['topic']).replace(NAMESPACE, prefix)}
