"""The fields of config dataclasses: their names, and what their docstrings say of them."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def keys_at(cls: type, path: Sequence[object]) -> list[str]:
    """Return the keys that are known at a place in a config dataclass.

    Args:
        cls: the dataclass.
        path: the keys that lead there; those of mappings count too.
    """
    found: Any = cls
    for part in path:
        found = _inside(found, str(part))
    return [field.name for field in dataclasses.fields(found)] if found is not None else []


@cache
def types_of(cls: type) -> Mapping[str, Any]:
    """Return the type of each field of a dataclass."""
    return get_type_hints(cls)


def dataclass_in(kind: Any) -> type | None:
    """Return the dataclass among what a field may hold, None if there is none."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind
    if get_origin(kind) in (Union, types.UnionType):
        return next(filter(None, map(dataclass_in, get_args(kind))), None)
    return None


def _inside(cls: type | None, key: str) -> Any:
    if cls is None:
        return None
    kind = types_of(cls).get(key, cls)
    if get_origin(kind) is dict:
        return next(filter(None, map(dataclass_in, get_args(kind)[1:])), cls)
    return dataclass_in(kind) or cls
