"""Whether the motors that should be on a bus are there, and of which model each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lerobot_drivers.common.errors import NotConnectedError
from lerobot_drivers.motors.control_table import MotorModel
from lerobot_drivers.motors.models import model_name

_SEVERAL = 2
"""So many strangers are another arm, one is a motor that was exchanged."""


def roll_call(
    port: str,
    ids: Mapping[str, int],
    accepted: Mapping[str, Sequence[MotorModel]],
    numbers: Mapping[str, int | None],
) -> dict[str, MotorModel]:
    """Return the model of each motor.

    Args:
        port: name of their port.
        ids: of the motors, by name.
        accepted: models that each may be.
        numbers: model number that each answered; None if it did not.

    Raises:
        NotConnectedError: some are missing or of another model; all of them are named.
    """
    if not any(numbers.values()):
        asked = ', '.join(map(str, ids.values()))
        said = f'no motor answers (ids {asked}); is the arm powered, and is this its port?'
        raise NotConnectedError({port: said})
    if foreign := _foreign(accepted, numbers):
        wanted = dict.fromkeys(model.name for models in accepted.values() for model in models)
        said = (
            f'the motors there are {foreign}, not {", ".join(wanted)}; which arm is on this port?'
        )
        raise NotConnectedError({port: said})
    failures: dict[str, BaseException | str] = {}
    models = {}
    for name, number in numbers.items():
        known = {model.number: model for model in accepted[name]}
        labels = ' or '.join(model.name for model in known.values())
        where = f'{port}: {name} (id {ids[name]}, {labels})'
        if number is None:
            failures[where] = 'does not answer; check its power, cable and id'
        elif number not in known:
            expected = ' or '.join(map(str, known))
            failures[where] = (
                f'is another model (number {number}, expected {expected}); '
                'check which arm is on this port'
            )
        else:
            models[name] = known[number]
    if failures:
        raise NotConnectedError(failures)
    return models


def _foreign(
    accepted: Mapping[str, Sequence[MotorModel]], numbers: Mapping[str, int | None]
) -> str:
    """Return the models of motors none of which belongs to this arm; empty if one does."""
    known = {name: {model.number for model in models} for name, models in accepted.items()}
    there = {name: number for name, number in numbers.items() if number is not None}
    if len(there) < _SEVERAL or any(number in known[name] for name, number in there.items()):
        return ''
    found = (model_name(number, accepted[name][0].byte_order) for name, number in there.items())
    return ', '.join(dict.fromkeys(found))
