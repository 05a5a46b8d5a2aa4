"""Message definitions of the packages that are installed: custom types on a live graph."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rosbags.interfaces.typing import Typesdict
from rosbags.typesys import TypesysError, get_types_from_msg
from rosbags.typesys.store import Typestore


def prefixes_of_ros() -> list[Path]:
    """Return where packages are installed: what ROS says, and this Python."""
    told = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return [Path(prefix) for prefix in (*filter(None, told), sys.prefix)]


def installed_text(msgtype: str, prefixes: Sequence[Path]) -> str | None:
    """Return the text of a definition, None if no package of that name has one."""
    package, _, name = msgtype.partition('/msg/')
    for prefix in prefixes:
        path = prefix / 'share' / package / 'msg' / f'{name}.msg'
        if path.is_file():
            return path.read_text(encoding='utf-8')
    return None


def installed_types(msgtype: str, known: Typestore) -> Typesdict:
    """Return a type with all that is in it and not known yet; nothing if a part is not installed.

    Args:
        msgtype: the type.
        known: definitions that are there already.
    """
    prefixes, missing = prefixes_of_ros(), [msgtype]
    found: Typesdict = {}
    while missing:
        name = missing.pop()
        if name in known.fielddefs or name in found:
            continue
        text = installed_text(name, prefixes)
        try:
            found |= {} if text is None else get_types_from_msg(text, name)
        except TypesysError:
            return {}
        if name not in found:
            return {}
        missing += parts_of(found[name][1])
    return found


def parts_of(fields: Iterable[tuple[str, object]]) -> list[str]:
    """Return the message types in the fields of one, looking into arrays and sequences."""
    found: list[str] = []
    waiting: list[object] = [described for _, described in fields]
    while waiting:
        described = waiting.pop()
        if isinstance(described, tuple):
            waiting += described
        elif isinstance(described, str) and '/' in described:
            found.append(described)
    return found
