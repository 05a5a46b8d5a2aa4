"""Addresses of simulated devices, ``sim://WORLD/DEVICE``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lerobot_drivers.common.errors import ConfigError

SCHEME = 'sim://'
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,63}')


def is_sim_address(text: object) -> bool:
    """Return whether a port or camera index names a simulated device."""
    return isinstance(text, str) and text.startswith(SCHEME)


def check_name(name: str, what: str) -> str:
    """Return the name of a world or device.

    Raises:
        ConfigError: it holds other characters than letters, digits, ``_``, ``.``, ``-``.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f'{name!r} is not a valid {what} name; use up to 64 letters, digits, "_", "." or "-"'
        )
    return name


@dataclass(frozen=True)
class SimAddress:
    """One device of one world.

    Attributes:
        world: name of the world (one process each).
        device: name of an arm or camera in it.
    """

    world: str
    device: str

    @classmethod
    def parse(cls, text: str) -> SimAddress:
        """Read ``sim://WORLD/DEVICE``.

        Raises:
            ConfigError: the text is no such address.
        """
        world, slash, device = text.removeprefix(SCHEME).partition('/')
        if not (is_sim_address(text) and slash):
            raise ConfigError(f'{text!r} is not a simulated device; expected sim://WORLD/DEVICE')
        return cls(check_name(world, 'world'), check_name(device, 'device'))

    def __str__(self) -> str:
        return f'{SCHEME}{self.world}/{self.device}'
