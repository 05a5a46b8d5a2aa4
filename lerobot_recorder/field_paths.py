"""Numbers out of any message by the dotted paths of its fields.

``pressure`` is a number, ``fingers.0.force.x`` one in the first of some messages; a path that
ends at an array or at a nested message means all numbers in it, in the order of the definition.
Elements are called by their whole paths. Texts inside of what a path means are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import StreamError

MAX_LISTED = 12
MAX_NUMBERS = 10_000
"""More numbers of one path are no vector of a row."""


class PathReader:
    """Reads the numbers at some paths.

    Args:
        paths: dotted paths; digits pick an element of an array.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        self._steps = [(path, tuple(path.split('.'))) for path in paths]

    def __call__(self, message: Any, field: str = '') -> tuple[list[str], NDArray[np.float64]]:
        """Return the names and values of the numbers.

        Raises:
            StreamError: a path leads nowhere, or to no number.
        """
        names: list[str] = []
        values: list[NDArray[np.float64]] = []
        for path, steps in self._steps:
            before = len(names)
            _gather(walk(message, path, steps), path, names, values)
            if len(names) == before:
                raise StreamError(f'holds no number at {path!r}')
        return names, np.concatenate(values)


class LabelReader:
    """Reads a text as its number among those that are expected.

    Args:
        labels: the texts that may come.
        path: where the text is in a message.
    """

    def __init__(self, labels: Sequence[str], path: str) -> None:
        self._path = path
        self._numbers = {label: number for number, label in enumerate(labels)}

    def __call__(self, message: Any, field: str = '') -> tuple[list[str], NDArray[np.float64]]:
        """Return the path and the number.

        Raises:
            StreamError: the text is none of those expected.
        """
        found = text_at(message, self._path)
        if found not in self._numbers:
            raise StreamError(f'says {found!r}, which is none of labels: {list(self._numbers)}')
        return [self._path], np.array([self._numbers[found]], dtype=np.float64)


def text_at(message: Any, path: str) -> str:
    """Return the text at a path.

    Raises:
        StreamError: there is none.
    """
    found = walk(message, path)
    if not isinstance(found, str):
        raise StreamError(f'holds no text at {path!r}')
    return found


def walk(message: Any, path: str, steps: Sequence[str] | None = None) -> Any:
    """Return what is at a path.

    Raises:
        StreamError: there is nothing.
    """
    found = message
    for step in path.split('.') if steps is None else steps:
        if step.isdigit():
            if not isinstance(found, np.ndarray | list | tuple) or int(step) >= len(found):
                raise StreamError(f'has no {path!r}: element {step} of {_told(found)}')
            found = found[int(step)]
        elif hasattr(found, step) and not isinstance(found, np.ndarray | list):
            found = getattr(found, step)
        else:
            raise StreamError(f'has no field {path!r}: {step!r} is not in {_told(found)}')
    return found


def numbers_in(message: Any) -> list[str]:
    """Return the paths of the numbers and arrays of a message, some of them if there are many."""
    paths = [path for path in _paths(message, '') if not path.startswith('header.')]
    more = [f'and {len(paths) - MAX_LISTED} more'] if len(paths) > MAX_LISTED else []
    return paths[:MAX_LISTED] + more


def members(message: Any) -> list[str]:
    """Return the names of a message's fields, whoever made its class; none if it is no message."""
    if dataclasses.is_dataclass(message):
        names = (field.name for field in dataclasses.fields(message))
        return [name for name in names if not name.startswith('_')]
    told = getattr(message, 'get_fields_and_field_types', None)
    return list(told()) if told is not None else []


def _gather(found: Any, path: str, names: list[str], values: list[NDArray[np.float64]]) -> None:
    if isinstance(found, str | bytes):
        return
    if isinstance(found, np.ndarray) or _is_numbers(found):
        array = np.asarray(found, dtype=np.float64).ravel()
        if len(array) > MAX_NUMBERS:
            raise StreamError(
                f'holds {len(array)} numbers at {path!r}, more than {MAX_NUMBERS}: keep its '
                'messages with native: {NAME: {topic: ...}}'
            )
        names += _numbered(path, len(array))
        values.append(array)
    elif isinstance(found, list | tuple):
        for number, one in enumerate(found):
            _gather(one, f'{path}.{number}', names, values)
    elif fields := members(found):
        for name in fields:
            _gather(getattr(found, name), f'{path}.{name}', names, values)
    else:
        names.append(path)
        values.append(np.array([found], dtype=np.float64))


def _is_numbers(found: Any) -> bool:
    """Return whether it is a list of numbers, as rclpy gives arrays."""
    if hasattr(found, 'typecode'):
        return True
    return isinstance(found, list | tuple) and bool(found) and isinstance(found[0], int | float)


@lru_cache(maxsize=256)
def _numbered(path: str, count: int) -> list[str]:
    return [f'{path}.{number}' for number in range(count)]


def _paths(found: Any, path: str) -> Iterator[str]:
    if isinstance(found, str | bytes):
        return
    if isinstance(found, list | tuple) and not _is_numbers(found):
        for number, one in enumerate(found[:1]):
            yield from _paths(one, f'{path}.{number}')
    elif fields := members(found):
        for name in fields:
            yield from _paths(getattr(found, name), f'{path}.{name}' if path else name)
    else:
        yield path


def _told(found: Any) -> str:
    if isinstance(found, np.ndarray | list | tuple):
        return f'an array of {len(found)}'
    fields = members(found)
    return ', '.join(fields) if fields else f'a {type(found).__name__}'
