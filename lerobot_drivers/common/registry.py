"""Tables of plugins: name -> ``module:Class``, read lazily, extended by entry points."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points

from lerobot_drivers.common.errors import ConfigError


class Registry:
    """One kind of plugin, say ``robot``, by name.

    Nothing is imported until a name is asked for. Other distributions add names
    with entry points in the group ``lerobot_ros.<kind>s``.
    """

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self._table = dict(table)
        self._entry_points_read = False

    def names(self) -> list[str]:
        """Return all known names, sorted."""
        self._read_entry_points()
        return sorted(self._table)

    def target(self, name: str) -> str:
        """Return the ``module:Class`` behind a name.

        Raises:
            ConfigError: the name is unknown; the message lists the known ones.
        """
        self._read_entry_points()
        if name not in self._table:
            known = ', '.join(self.names())
            raise ConfigError(f'unknown {self.kind} type {name!r}; known types: {known}')
        return self._table[name]

    def load(self, name: str) -> type:
        """Import and return the class behind a name.

        Raises:
            ConfigError: the name is unknown, or its class cannot be imported.
        """
        return load_object(self.target(name), f'{self.kind} type {name!r}')

    def _read_entry_points(self) -> None:
        if self._entry_points_read:
            return
        for point in entry_points(group=f'lerobot_ros.{self.kind}s'):
            known = self._table.get(point.name)
            if known is not None and known != point.value:
                raise ConfigError(
                    f'{self.kind} type {point.name!r} is defined twice: {known} and {point.value}'
                )
            self._table[point.name] = point.value
        self._entry_points_read = True


def check_type(registry: Registry, section: object) -> None:
    """Check the type that a section names, if it names one, before its other keys.

    Raises:
        ConfigError: there is no such type.
    """
    if isinstance(section, Mapping) and 'type' in section:
        registry.target(str(section['type']))


def load_registry(target: str) -> Registry:
    """Import ``module:REGISTRY``, the table of plugins of a package above."""
    module_name, _, name = target.partition(':')
    registry = getattr(importlib.import_module(module_name), name)
    assert isinstance(registry, Registry), target
    return registry


def load_object(target: str, what: str) -> type:
    """Import ``module:Class``.

    Args:
        target: where it is, ``module:Class``.
        what: what it is to the user, for the error.

    Raises:
        ConfigError: the module or the class in it is not there, or it is no class.
    """
    module_name, _, class_name = target.partition(':')
    try:
        loaded = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f'{what} ({target}) cannot be imported: {error}') from error
    if not isinstance(loaded, type):
        raise ConfigError(f'{what} ({target}) is no class')
    return loaded
