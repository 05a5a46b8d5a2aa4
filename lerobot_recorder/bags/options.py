"""What a user may say of how a bag is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import UsageError

KEYS = ('msgs', 'allow_missing_parts')


@dataclass(frozen=True)
class BagOptions:
    """How to read a bag.

    Attributes:
        msgs: files and folders with definitions (``.msg``, ``.idl``) of types that the bag uses
            but does not define.
        allow_missing_parts: whether parts that ``metadata.yaml`` names may be absent.
    """

    msgs: tuple[Path, ...] = ()
    allow_missing_parts: bool = False


AS_IT_IS = BagOptions()
"""With nothing said."""


def bag_options(sections: Section) -> BagOptions:
    """Return what flags say: ``--msgs=FOLDER`` or ``--msgs="[A, B]"``, and the other.

    Raises:
        UsageError: one of them is something else.
    """
    msgs, allowed = sections.get('msgs', []), sections.get('allow_missing_parts', False)
    paths = msgs if isinstance(msgs, list) else [msgs]
    if not all(isinstance(path, str) and path for path in paths):
        raise UsageError(f'--msgs is a folder, or a list of folders, found {msgs!r}')
    if not isinstance(allowed, bool):
        raise UsageError(f'--allow_missing_parts is true or false, found {allowed!r}')
    return BagOptions(tuple(Path(path).expanduser() for path in paths), allowed)
