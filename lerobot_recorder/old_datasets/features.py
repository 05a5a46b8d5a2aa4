"""The features of the new dataset: what info.json declares, mended by what is really there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.old_datasets.notices import Notices

_IMAGE_NAMES = ['height', 'width', 'channels']
_CHANNELS = ('channel', 'channels')
_OF_OTHERS = ('task', 'task_string', 'language_instruction')
"""Undeclared columns of text that only repeat the task."""


@dataclass(frozen=True)
class OldFeature:
    """One feature.

    Attributes:
        source: Its name in the old dataset: a column, or the folder of a camera.
        entry: Its entry in the new info.json.
    """

    source: str
    entry: dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """What the files really hold.

    Attributes:
        columns: Column -> its type, of those that every episode has.
        shapes: Numeric column -> shape of a value.
        sizes: Camera -> height and width of its pictures [px], of those that have any.
    """

    columns: Mapping[str, pa.DataType]
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, tuple[int, int]]


def settle(declared: Mapping[str, Any], stored: Stored, notices: Notices) -> dict[str, OldFeature]:
    """Return the features of the new dataset, in the order of the old one.

    Args:
        declared: `features` of the old info.json.
        stored: What the files hold.
        notices: Is told what had to be mended.

    Raises:
        DatasetFormatError: an entry cannot be understood, or v3.0 cannot have it.
    """
    found: dict[str, OldFeature] = {}
    for key, entry in declared.items():
        if key in schema.DEFAULT_FEATURES:
            continue
        mended = _mended(key, entry, stored, notices)
        if mended is not None:
            found[_name(key, notices)] = OldFeature(key, mended)
    for key, kind in stored.columns.items():
        if key not in declared and key not in schema.DEFAULT_FEATURES:
            undeclared = _undeclared(key, kind, stored, notices)
            if undeclared is not None:
                found[_name(key, notices)] = OldFeature(key, undeclared)
    schema.check_features({key: feature.entry for key, feature in found.items()})
    return found


def value_type(kind: pa.DataType) -> np.dtype[Any] | None:
    """Return numpy's type of the numbers in a column, None if it holds none."""
    kind = getattr(kind, 'storage_type', kind)
    while (
        pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind)
    ):
        kind = kind.value_type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not is_number and not pa.types.is_boolean(kind):
        return None
    number: np.dtype[Any] = pa.array([], kind).to_numpy(zero_copy_only=False).dtype
    return number


def _mended(key: str, entry: Any, stored: Stored, notices: Notices) -> dict[str, Any] | None:
    if isinstance(entry, Mapping) and entry.get('shape') == []:
        entry = {**entry, 'shape': [1]}
    problem = schema.entry_problem(entry)
    if problem:
        raise DatasetFormatError(f'{layout.INFO}: feature {key!r} {problem}')
    if schema.is_picture(entry):
        return _camera(key, entry, stored, notices)
    if key not in stored.columns:
        notices.add(f'{key} is left out: info.json declares it, no column holds it')
        return None
    names = _flat(entry.get('names'), schema.shape_of(entry))
    if names != entry.get('names'):
        notices.add(
            f'{key}: its names are a flat list now'
            if names
            else f'{key}: has no names now, they were {entry["names"]!r}'
        )
    return {'dtype': entry['dtype'], 'shape': list(schema.shape_of(entry)), 'names': names}


def _camera(
    key: str, entry: schema.Feature, stored: Stored, notices: Notices
) -> dict[str, Any] | None:
    if key not in stored.sizes:
        where = 'video' if schema.is_video(entry) else 'column'
        notices.add(f'{key} is left out: info.json declares it, no {where} holds it')
        return None
    if schema.is_depth(entry):
        notices.add(f'{key} is marked as depth; v2 kept it as colours, and so it stays')
    shape, names = [*stored.sizes[key], 3], entry.get('names')
    if list(schema.shape_of(entry)) != shape:
        notices.add(f'{key}: its shape was {list(entry["shape"])}, its pictures are {shape}')
        names = None
    is_last = isinstance(names, list) and len(names) == 3 and names[2] in _CHANNELS
    return {'dtype': entry['dtype'], 'shape': shape, 'names': names if is_last else _IMAGE_NAMES}


def _undeclared(
    key: str, kind: pa.DataType, stored: Stored, notices: Notices
) -> dict[str, Any] | None:
    number = value_type(kind)
    if key.startswith('__index_level_') or key in _OF_OTHERS:
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        entry = {'dtype': 'string', 'shape': [1], 'names': None}
    elif number is not None and key in stored.shapes:
        shape = list(stored.shapes[key]) or [1]
        entry = {'dtype': str(number), 'shape': shape, 'names': None}
    else:
        notices.add(f'{key} is left out: a column of {kind} that info.json does not declare')
        return None
    notices.add(f'{key} is declared now, as {entry["dtype"]} {entry["shape"]}')
    return entry


def _flat(names: Any, shape: tuple[int, ...]) -> list[str] | None:
    """Return names as the flat list that replaying needs, None if they are none."""
    while isinstance(names, Mapping | list | tuple) and len(names) == 1:
        (inner,) = names.values() if isinstance(names, Mapping) else names
        if isinstance(inner, str):
            break
        names = inner
    if isinstance(names, Mapping) and all(isinstance(part, list) for part in names.values()):
        names = [name for part in names.values() for name in part]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    return list(names) if len(shape) > 1 or len(names) == shape[0] else None


def _name(key: str, notices: Notices) -> str:
    if '/' not in key:
        return key
    name = key.strip('/').replace('/', '.')
    notices.add(f'{key} is called {name} now: v3.0 has no "/" in names')
    return name
