"""Definitions of message types that a user has as files, of a package that is not installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.storage import Definition

LANGUAGES = {'.msg': 'ros2msg', '.idl': 'ros2idl'}
_KINDS = ('msg', 'srv', 'action')


class GivenTypes:
    """Definitions in files.

    ``lab_msgs/msg/Grip.msg`` is that type of that package; a ``Grip.msg`` in any other folder
    stands for the ``Grip`` of whatever package.

    Args:
        paths: files, or folders with such files anywhere in them.

    Raises:
        BagError: one does not exist, or there is no definition in it.
    """

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._of_package: dict[str, Path] = {}
        self._of_any: dict[str, Path] = {}
        for path in paths:
            found = list(_files(path))
            if not found:
                raise BagError(f'{path} is no .msg or .idl file, and no folder that holds any')
            for file in found:
                self._add(file)

    def _add(self, file: Path) -> None:
        folders = file.absolute().parts[:-1]
        if len(folders) > 2 and folders[-1] in _KINDS:
            name = '/'.join((*folders[-2:], file.stem))
            self._of_package.setdefault(name, file)
        else:
            self._of_any.setdefault(file.stem, file)

    def find(self, msgtype: str) -> Definition | None:
        """Return the definition of a type such as ``lab_msgs/msg/Grip``, None if none is given.

        Raises:
            BagError: its file cannot be read.
        """
        path = self._of_package.get(msgtype) or self._of_any.get(msgtype.rpartition('/')[2])
        if path is None:
            return None
        try:
            return Definition(LANGUAGES[path.suffix], path.read_text(encoding='utf-8'))
        except (OSError, UnicodeError) as error:
            raise BagError(f'{path} cannot be read: {error}') from error


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob('*') if file.suffix in LANGUAGES)
    elif path.is_file() and path.suffix in LANGUAGES:
        yield path
