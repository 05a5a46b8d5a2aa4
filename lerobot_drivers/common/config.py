"""Type-safe configuration: YAML files, dotted flags over them, frozen dataclasses out.

The ways of LeRobot's command line (draccus) are kept: ``--config_path=FILE``,
``--robot.port=/dev/ttyACM0``, ``--robot.cameras="{front: {...}}"``. Validation is
pydantic's; its findings are reported all at once, each with its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from lerobot_drivers.common.errors import ConfigError, UsageError

T = TypeVar('T')
Section = dict[str, Any]

STRICT_KEYS = ConfigDict(extra='forbid', coerce_numbers_to_str=True)
"""Set as ``__pydantic_config__`` of a config dataclass: unknown keys are errors."""


def read_yaml(path: Path) -> Section:
    """Return the mapping in a YAML file.

    Raises:
        ConfigError: the file is not there, not YAML, or not a mapping.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigError(f'cannot read configuration {path}: {error.strerror}') from error
    except yaml.YAMLError as error:
        raise ConfigError(f'{path} is not valid YAML: {_one_line(error)}') from error
    if not isinstance(loaded, dict):
        raise ConfigError(f'{path} must hold a mapping of sections, found {type(loaded).__name__}')
    return loaded


def parse_flags(arguments: Sequence[str]) -> Section:
    """Turn ``--a.b=value`` and ``--a.b value`` into nested mappings; values are YAML.

    Raises:
        UsageError: an argument is not such a flag, or its value is not YAML.
    """
    result: Section = {}
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        if not flag.startswith('--') or len(flag) == 2:
            raise UsageError(f'unexpected argument {flag!r}; flags look like --robot.type=NAME')
        key, has_value, text = flag[2:].partition('=')
        if not has_value:
            text = rest.pop(0) if rest and not rest[0].startswith('--') else 'true'
        set_key(result, key, _parse_value(key, text))
    return result


def set_key(section: Section, dotted: str, value: object) -> None:
    """Set one dotted key in nested mappings.

    Raises:
        UsageError: the key goes through something that is a value already.
    """
    *parents, last = dotted.split('.')
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UsageError(f'--{dotted}: {parent!r} is a value already, not a section')
    section[last] = value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Section:
    """Return base with the keys of over laid on top, section by section."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return result


def build(cls: type[T], values: object, where: str) -> T:
    """Validate values into a config dataclass.

    Args:
        cls: a frozen dataclass (``__pydantic_config__ = STRICT_KEYS``).
        values: a mapping, as YAML gives it.
        where: what the values are to the user (a section, a file), for the error.

    Raises:
        ConfigError: lists every key that is missing, unknown or of the wrong type.
    """
    try:
        return TypeAdapter(cls).validate_python(values)
    except ValidationError as error:
        found = [_finding(where, entry) for entry in error.errors()]
        raise ConfigError('; '.join(found)) from error


def dump(config: object) -> Section:
    """Return a config dataclass as the plain mapping that ``build`` would take."""
    dumped = TypeAdapter(type(config)).dump_python(config, mode='json')
    assert isinstance(dumped, dict)
    return dumped


def _finding(where: str, entry: Mapping[str, Any]) -> str:
    key = '.'.join([where, *(str(part) for part in entry['loc'])])
    if entry['type'] == 'missing':
        return f'{key} is missing'
    if entry['type'] in ('extra_forbidden', 'unexpected_keyword_argument'):
        return f'{key} is not a known key'
    return f'{key}: {entry["msg"]}, found {entry["input"]!r}'


def _parse_value(key: str, text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f'--{key}: {text!r} is not valid YAML: {_one_line(error)}') from error


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
