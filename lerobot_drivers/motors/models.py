"""The motor models that are known, by LeRobot's names."""

from __future__ import annotations

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.motors.control_table import ByteOrder, MotorModel
from lerobot_drivers.motors.dynamixel_tables import DYNAMIXEL_MODELS
from lerobot_drivers.motors.feetech_tables import FEETECH_MODELS

MODELS = {model.name: model for model in (*FEETECH_MODELS, *DYNAMIXEL_MODELS)}


def motor_model(name: str) -> MotorModel:
    """Return a model by LeRobot's name.

    Raises:
        ConfigError: it is unknown; the message lists the known ones.
    """
    if name not in MODELS:
        raise ConfigError(f'unknown motor model {name!r}; known models: {", ".join(MODELS)}')
    return MODELS[name]


def model_name(number: int, order: ByteOrder) -> str:
    """Return the name of a model.

    Args:
        number: as its motor told it.
        order: of bytes, in which that was understood; another one swaps them.
    """
    known = {
        int.from_bytes(model.number.to_bytes(2, model.byte_order), order): model.name
        for model in MODELS.values()
    }
    return known.get(number, f'model number {number}')
