"""``--help`` made of the config dataclasses: each flag, its default, and what its docstring says.

What a docstring's ``Attributes`` say once is what the user reads, so help cannot fall behind.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from lerobot_drivers.common.fields import dataclass_in, types_of
from lerobot_drivers.common.registry import load_object, load_registry

WIDTH = 80
COLUMN = 30
"""Where the text beside the flags begins."""
_ATTRIBUTE = re.compile(r'(\w+(?:, \w+)*): (.*)')


@dataclass(frozen=True)
class Group:
    """Flags under one heading.

    Attributes:
        heading: what they are about.
        settings: the config dataclass they come from, or ``module:Class`` where it is in a
            package that must not be imported.
        prefix: of the flags, ``dataset``; '' where they stand alone.
        lines: flags that are in no dataclass -> what they do.
        leave_out: names of the dataclass that are no flags.
        table: registry of the types there are, ``module:REGISTRY``.
    """

    heading: str
    settings: type | str | None = None
    prefix: str = ''
    lines: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    table: str = ''

    @property
    def title(self) -> str:
        """The heading, with the types there are."""
        known = f', type {", ".join(load_registry(self.table).names())}' if self.table else ''
        return f'{self.heading}{known}:'

    def flags(self) -> Iterator[tuple[str, str]]:
        """Yield each flag with its default, and what it does."""
        yield from self.lines.items()
        settings = self.settings
        if isinstance(settings, str):
            settings = load_object(settings, f'help on {self.heading}')
        if settings is not None:
            yield from _flags(settings, self.prefix, self.leave_out)


@dataclass(frozen=True)
class Help:
    """The help of a command; its text is made when it is asked for.

    Attributes:
        usage: the command line in short.
        about: what the command does.
        groups: its flags.
        examples: command lines to begin with.
        notes: what else is to be known.
    """

    usage: str
    about: str
    groups: tuple[Group, ...]
    examples: tuple[str, ...] = ()
    notes: str = ''

    def __str__(self) -> str:
        parts = [f'usage: {self.usage}', textwrap.fill(self.about, WIDTH)]
        if self.examples:
            parts.append('\n'.join(['examples:', *(f'  {line}' for line in self.examples)]))
        parts += [self._group(group) for group in self.groups]
        return '\n\n'.join([*parts, *([self.notes] if self.notes else [])])

    def _group(self, group: Group) -> str:
        entries = (_entry(flag, told) for flag, told in group.flags())
        return '\n'.join([*textwrap.wrap(group.title, WIDTH), *entries])


def documented(cls: type) -> dict[str, str]:
    """Return what the docstrings of a dataclass and of those it is made of say of each field."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found.update(_attributes(inspect.cleandoc(base.__doc__ or '')))
    return found


def _attributes(text: str) -> dict[str, str]:
    _, _, section = text.partition('Attributes:\n')
    found: dict[str, str] = {}
    names: list[str] = []
    for line in textwrap.dedent(section.partition('\n\n')[0]).splitlines():
        if (match := _ATTRIBUTE.match(line)) is not None:
            names = match[1].split(', ')
            found.update(dict.fromkeys(names, match[2]))
        else:
            found.update({name: f'{found[name]} {line.strip()}' for name in names})
    return {name: told.replace('``', '').rstrip('.') for name, told in found.items()}


def _flags(cls: type, prefix: str, leave_out: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    told = documented(cls)
    own = [entry for entry in dataclasses.fields(cls) if entry.name in cls.__annotations__]
    inherited = [entry for entry in dataclasses.fields(cls) if entry not in own]
    for entry in (*own, *inherited):
        if entry.name in leave_out:
            continue
        flag = '.'.join(filter(None, [prefix, entry.name]))
        kind = types_of(cls)[entry.name]
        if (nested := dataclass_in(kind)) is not None:
            yield from _flags(nested, flag, ())
        else:
            yield f'--{flag}={_value(entry, kind)}', told.get(entry.name, '')


def _value(entry: dataclasses.Field[Any], kind: Any) -> str:
    default = entry.default
    if isinstance(default, bool):
        return str(default).lower()
    if default is dataclasses.MISSING or default is None:
        return _placeholder(entry, kind)
    if isinstance(default, Enum):
        return str(default.value)
    return f'{default:g}' if isinstance(default, float) else str(default)


def _placeholder(entry: dataclasses.Field[Any], kind: Any) -> str:
    kinds = {kind, *get_args(kind)}
    if entry.default_factory is not dataclasses.MISSING or any(
        getattr(found, '__origin__', None) is dict for found in kinds
    ):
        made = entry.default_factory() if callable(entry.default_factory) else {}
        return '[...]' if isinstance(made, list) else '{...}'
    if Path in kinds:
        return 'PATH'
    if bool in kinds and str not in kinds:
        return 'true|false'
    return 'N' if {int, float} & kinds and str not in kinds else 'TEXT'


def _entry(flag: str, told: str) -> str:
    beside = textwrap.wrap(told, WIDTH - COLUMN) or ['']
    indent = ' ' * COLUMN
    if len(flag) + 4 > COLUMN:
        return '\n'.join([f'  {flag}', *(indent + line for line in beside)])
    first, *more = beside
    return '\n'.join([f'  {flag}'.ljust(COLUMN) + first, *(indent + line for line in more)])
