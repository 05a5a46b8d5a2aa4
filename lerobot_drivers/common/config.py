"""Type-safe configuration: YAML files, dotted flags over them, frozen dataclasses out.

The ways of LeRobot's command line (draccus) are kept: ``--config_path=FILE``,
``--robot.port=/dev/ttyACM0``, ``--robot.cameras="{front: {...}}"``. Validation is
pydantic's; its findings are reported all at once, each with its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_drivers.common.fields import keys_at
from lerobot_drivers.common.spellings import nearest, reason

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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path} is not valid YAML: {_one_line(error)}') from error
    if not isinstance(loaded, dict):
        found = 'nothing' if loaded is None else type(loaded).__name__
        raise ConfigError(f'{path} must hold a mapping of sections, found {found}')
    return loaded


def parse_flags(arguments: Sequence[str]) -> Section:
    """Turn ``--a.b=value`` and ``--a.b value`` into nested mappings.

    Values are YAML, except where that would change what the user typed: a text of several
    words (``Pick: red #3``) and a number written otherwise than YAML would (``007``) stay
    text, which becomes a number again where one is wanted. A flag alone is ``true``, and true
    for a section takes nothing away: ``--dashboard=true --dashboard.port=0``.

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
        UsageError: a part of the key is empty, or goes through what is a value already.
    """
    *parents, last = dotted.split('.')
    if not last or not all(parents):
        raise UsageError(f'--{dotted}: a part of its name is empty')
    for parent in parents:
        if section.get(parent) is True:
            section[parent] = {}
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UsageError(f'--{dotted}: {parent!r} is a value already, not a section')
    if not (value is True and isinstance(section.get(last), dict)):
        section[last] = value


def merge(
    base: Mapping[str, Any], over: Mapping[str, Any], *, empty_clears: bool = False
) -> Section:
    """Return base with the keys of over laid on top, section by section.

    Args:
        base: what lies below.
        over: what is laid on top.
        empty_clears: an empty mapping in over takes away what lies under it.
    """
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if value is True and isinstance(below, Mapping):
            continue
        clears = empty_clears and not value
        if isinstance(below, Mapping) and isinstance(value, Mapping) and not clears:
            value = merge(below, value, empty_clears=empty_clears)
        result[key] = value
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
        found = [_finding(cls, where, entry) for entry in error.errors()]
        raise ConfigError('; '.join(found)) from error


def dump(config: object) -> Section:
    """Return a config dataclass as the plain mapping that ``build`` would take."""
    dumped = TypeAdapter(type(config)).dump_python(config, mode='json')
    assert isinstance(dumped, dict)
    return dumped


def _finding(cls: type, where: str, entry: Mapping[str, Any]) -> str:
    key = '.'.join([where, *(str(part) for part in entry['loc'])])
    if entry['type'] == 'missing':
        return f'{key} is missing'
    if entry['type'] in ('extra_forbidden', 'unexpected_keyword_argument'):
        *parents, last = entry['loc']
        why = reason(key.rpartition(' ')[2])  # without the file it stands in
        if why is not None:
            return f'{key} cannot be set: {why}'
        return f'{key} is not a known key{nearest(str(last), keys_at(cls, parents))}'
    if entry['type'] == 'value_error':
        return f'{key}: {entry["ctx"]["error"]}'
    return f'{key}: {entry["msg"]}, found {entry["input"]!r}'


def _parse_value(key: str, text: str) -> object:
    if len(text.split()) > 1 and '\n' not in text and text.lstrip()[0] not in '{["\'':
        return text
    try:
        value = yaml.safe_load(text)
        return text if _is_respelled(value, text) else value
    except yaml.YAMLError as error:
        raise UsageError(f'--{key}: {text!r} is not valid YAML: {_one_line(error)}') from error


def _is_respelled(value: object, text: str) -> bool:
    """Whether YAML made something of a plain word that reads otherwise (octal, times, dates)."""
    if isinstance(value, bool | str) or value is None:
        return False
    if isinstance(value, float):
        return ':' in text
    return isinstance(value, date) or (isinstance(value, int) and str(value) != text.strip())


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
