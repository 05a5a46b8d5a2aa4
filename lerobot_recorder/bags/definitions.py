"""What the message types of a bag are made of.

The bag's own definitions count; for a type that it does not define those that were given, the
standard ones, and those of the packages that are installed, in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from rosbags.interfaces.typing import Constdefs, Fielddefs, FieldDesc, Typesdict
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.given_types import GivenTypes
from lerobot_recorder.bags.storage import Definition
from lerobot_recorder.bags.type_names import ros2_name
from lerobot_recorder.installed_types import parts_of
from lerobot_recorder.messages import HEADER, standard_types

Struct: TypeAlias = tuple[Constdefs, Fielddefs]
"""Constants and fields of a type."""
_LONGEST = 1 << 20
"""A definition that is longer is none [characters]."""
_IDL_PART = '=' * 80 + '\n'


class UnusableTypeError(BagError):
    """A type that messages cannot be decoded with; the text says why."""


class BagTypes:
    """Learns message types.

    Attributes:
        store: what was learnt.

    Args:
        given: definitions that a user has as files.
        installed: returns the text of an installed one, None if there is none.
    """

    def __init__(self, given: GivenTypes, installed: Callable[[str], str | None]) -> None:
        self.store: Typestore = get_typestore(Stores.EMPTY)
        self._given, self._installed = given, installed
        self._own: Typesdict = {}

    def take(self, msgtype: str, definition: Definition) -> None:
        """Take in what the bag says of a type, before any is learnt.

        Raises:
            UnusableTypeError: it cannot be parsed, or the bag says something else elsewhere.
        """
        try:
            found = parsed(definition, msgtype)
        except UnusableTypeError:
            if self._given.find(msgtype) is None:
                raise
            return
        for name, (_, fields) in found.items():
            if name in self._own and not _are_alike(self._own[name][1], fields):
                raise UnusableTypeError(f'the bag defines {name} in two ways')
        self._own = {**found, **self._own}

    def learn(self, msgtype: str) -> None:
        """Learn a type with all that is in it.

        Raises:
            UnusableTypeError: it is not known, or Python cannot use it.
        """
        missing, new = [msgtype], dict[str, Struct]()
        while missing:
            name = missing.pop()
            if name not in self.store.fielddefs and name not in new:
                new[name] = self._find(name, msgtype)
                missing += parts_of(new[name][1])
        try:
            self._register(new)
        except Exception as error:
            raise UnusableTypeError(
                f'the definition of {msgtype} cannot be used: {_line(error)}'
            ) from error

    def finish(self) -> Typestore:
        """Return all that was learnt, with headers, which are looked for in any bag."""
        self.learn(HEADER)
        return self.store

    def _find(self, name: str, whole: str) -> Struct:
        if name in self._own:
            return self._own[name]
        given = self._given.find(name)
        if given is not None:
            return parsed(given, name)[name]
        if name in standard_types().fielddefs:
            return standard_types().fielddefs[name]
        text = self._installed(name)
        if text is not None:
            return parsed(Definition('ros2msg', text), name)[name]
        inside = '' if name == whole else f', which is in {whole}'
        raise UnusableTypeError(
            f'nobody defines {name}{inside}; name a folder with its .msg file: --msgs=FOLDER'
        )

    def _register(self, new: Typesdict) -> None:
        """Put types into the store; making a class takes long, so known ones are taken."""
        standard = standard_types()
        for name, (constants, fields) in list(new.items()):
            if name in standard.fielddefs and standard.fielddefs[name][1] == fields:
                self.store.fielddefs[name] = constants, fields
                self.store.types[name] = standard.types[name]
                del new[name]
        if new:
            self.store.register(new)


def parsed(definition: Definition, msgtype: str) -> Typesdict:
    """Return a type and those that are defined with it.

    Raises:
        UnusableTypeError: it cannot be parsed.
    """
    if len(definition.text) > _LONGEST:
        raise UnusableTypeError(
            f'the definition of {msgtype} has {len(definition.text)} characters'
        )
    found = _parsed(definition, msgtype)
    if isinstance(found, str):
        raise UnusableTypeError(found)
    return found


@lru_cache(maxsize=1024)
def _parsed(definition: Definition, msgtype: str) -> Typesdict | str:
    """Return the types, or why there are none; a bag is opened more than once."""
    try:
        found = _read(definition, msgtype)
    except Exception as error:  # noqa: BLE001 - whatever a parser says of a foreign text
        return f'the definition of {msgtype} cannot be parsed: {_line(error)}'
    if msgtype not in found:
        return f'what should define {msgtype} defines {", ".join(found) or "nothing"}'
    return found


def _read(definition: Definition, msgtype: str) -> Typesdict:
    language, text = definition.language, definition.text
    if language == 'ros2idl':
        parts = text.split(_IDL_PART) if text.startswith(_IDL_PART) else ['\n' + text]
        found: Typesdict = {}
        for part in parts:
            if part:
                found |= get_types_from_idl(part.partition('\n')[2])
        return found
    if language in ('ros2msg', 'ros1msg'):
        found = get_types_from_msg(text.replace('\r\n', '\n'), msgtype)
        found = {_named(name): _refers(part) for name, part in found.items()}
        if language == 'ros1msg' and HEADER in found:
            constants, fields = found[HEADER]
            found[HEADER] = constants, [field for field in fields if field[0] != 'seq']
        return found
    raise ValueError(f'{language or "no"} language, neither ros2msg, ros2idl nor ros1msg')


def _named(name: str) -> str:
    """Return a type's name; in one of a service the parser sees a package."""
    return ros2_name(name.replace('/srv/msg/', '/srv/'))


def _refers(struct: Struct) -> Struct:
    """Return a type that refers to types of services by their names."""
    constants, fields = struct
    return constants, [(name, _renamed(described)) for name, described in fields]


def _renamed(described: Any) -> Any:
    if isinstance(described, tuple):
        return tuple(_renamed(part) for part in described)
    return _named(described) if isinstance(described, str) else described


def _are_alike(one: Fielddefs, other: Fielddefs) -> bool:
    def lower(fields: Fielddefs) -> list[tuple[str, FieldDesc]]:
        return [(name.lower(), kind) for name, kind in fields]

    return lower(one) == lower(other)


def _line(error: Exception) -> str:
    return ' '.join(str(error).split())[:200] or type(error).__name__
