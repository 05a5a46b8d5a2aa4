"""Settings of how an operator is heard."""

from __future__ import annotations

from dataclasses import dataclass, field

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_recorder.verbs import VERBS


@dataclass(frozen=True, kw_only=True)
class JoyConfig:
    """Buttons of a joystick that say the operator's words (``--recorder.joy.*``).

    Attributes:
        topic: sensor_msgs/Joy, as ``joy_node`` publishes it.
        buttons: word -> number of the button that says it when it is pressed.
    """

    __pydantic_config__ = STRICT_KEYS

    topic: str = 'joy'
    buttons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.buttons) - set(VERBS))
        if unknown:
            raise ValueError(f'buttons: {unknown[0]!r} is no word; words: {", ".join(VERBS)}')
        if not self.buttons:
            raise ValueError('buttons is empty; name some, as in {save: 0, discard: 1}')
        if min(self.buttons.values()) < 0:
            raise ValueError(f'buttons are numbers from 0 on, found {self.buttons}')


class JoyButtons:
    """Tells which buttons were pressed since the last message.

    Args:
        buttons: word -> number of its button.
    """

    def __init__(self, buttons: dict[str, int]) -> None:
        self._buttons = buttons
        self._down: set[int] | None = None

    def words(self, buttons: list[int]) -> list[str]:
        """Return the words of the buttons that went down; what is down at first was not pressed.

        Args:
            buttons: 1 for each that is down, as in sensor_msgs/Joy.
        """
        down = {number for number, state in enumerate(buttons) if state}
        pressed = set() if self._down is None else down - self._down
        self._down = down
        return [word for word, number in self._buttons.items() if number in pressed]
