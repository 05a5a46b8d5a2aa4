"""What servos complain about, and what they do then.

Heat and supply are compared with the limits in the servo's own registers; all else is on request.
Sources: Feetech's memory table (Status, Unloading_Condition) and Robotis' e-manual (Hardware Error
Status, Shutdown).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar


class Alerts:
    """The complaints of one servo.

    Attributes:
        bits: by cause; those of its kind of servo.
        latches: whether only a restart ends a complaint.
    """

    bits: ClassVar[Mapping[str, int]] = {
        'voltage': 1, 'sensor': 2, 'overheat': 4, 'overcurrent': 8, 'overload': 32,
    }  # fmt: skip
    latches: ClassVar[bool] = False

    def __init__(self) -> None:
        self._asked = 0
        self._found = 0

    @property
    def now(self) -> int:
        """All of them, as the servo tells them in its registers."""
        return self._asked | self._found

    @property
    def in_status(self) -> int:
        """What each of its status packets tells of them."""
        return self.now

    def ask(self, causes: Iterable[str]) -> None:
        """Complain on request.

        Raises:
            KeyError: this kind of servo knows no such cause.
        """
        self._asked = sum(self.bits[cause] for cause in set(causes))

    def watch(self, temperature: float, hottest: int, volts: float, within: range) -> None:
        """Complain about heat and supply.

        Args:
            temperature: inside [degC].
            hottest: its limit [degC].
            volts: of the supply [V].
            within: what is allowed [0.1 V].
        """
        found = self.bits['overheat'] if hottest and temperature >= hottest else 0
        if round(10 * volts) not in within:
            found |= self.bits['voltage']
        self._found = found | (self._found if self.latches else 0)

    def forget(self) -> None:
        """Begin anew, as after a restart."""
        self._asked = self._found = 0


class DynamixelAlerts(Alerts):
    """The complaints of a Dynamixel: a bit in each status, the cause in a register."""

    bits: ClassVar[Mapping[str, int]] = {
        'voltage': 1, 'overheat': 4, 'encoder': 8, 'shock': 16, 'overload': 32,
    }  # fmt: skip
    latches: ClassVar[bool] = True

    @property
    def in_status(self) -> int:
        """The bit that asks to look at the register."""
        return 0x80 if self.now else 0
