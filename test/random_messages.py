"""Messages of any type, filled at random from its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype

_TEXTS = ('string', 'wstring')


def random_message(msgtype: str, types: Any, rng: np.random.Generator, stamp_ns: int) -> Any:
    """A message whose header, if it begins with one, has a stamp."""
    if msgtype == 'std_msgs/msg/Header':
        stamp = types.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 1_000_000_000))
        return types.types[msgtype](stamp, _text(rng))
    fields = (_value(described, types, rng, stamp_ns) for _, described in _fields(msgtype, types))
    return types.types[msgtype](*fields)


def _fields(msgtype: str, types: Any) -> Any:
    return types.fielddefs[msgtype][1]


def _value(described: Any, types: Any, rng: np.random.Generator, stamp_ns: int) -> Any:
    kind, inner = described
    if kind is Nodetype.NAME:
        return random_message(inner, types, rng, stamp_ns)
    if kind is Nodetype.BASE:
        return _text(rng) if inner[0] in _TEXTS else _numbers(inner[0], 1, rng)[0].item()
    element, length = inner
    count = length if kind is Nodetype.ARRAY else int(rng.integers(1, 4))
    if element[0] is Nodetype.BASE and element[1][0] not in _TEXTS:
        return _numbers(element[1][0], count, rng)
    return [_value(element, types, rng, stamp_ns) for _ in range(count)]


def _numbers(base: str, count: int, rng: np.random.Generator) -> Any:
    if base == 'bool':
        return rng.integers(0, 2, count).astype(bool)
    kind = np.dtype({'byte': 'uint8', 'char': 'uint8', 'octet': 'uint8'}.get(base, base))
    if kind.kind == 'f':
        return rng.normal(size=count).astype(kind)
    return rng.integers(0, 100, count).astype(kind)


def _text(rng: np.random.Generator) -> str:
    return ''.join(rng.choice(list('abö /'), int(rng.integers(0, 6))))
