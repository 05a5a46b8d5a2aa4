"""Steps that bring an observation into the shape a model wants; none of them is for a dataset."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import IMAGES_PREFIX
from lerobot_drivers.processors.step import PREPROCESSOR, ObservationProcessorStep, Values

FLOATS = ('float16', 'float32', 'float64', 'bfloat16')


class _ForModels(ObservationProcessorStep):
    places = frozenset({PREPROCESSOR})
    elsewhere = 'a dataset holds rows, not batches or tensors: policy.preprocessor is its place'


@dataclass(kw_only=True)
class AddBatchDimensionProcessorStep(_ForModels):
    """Gives every vector and picture a first axis of length one, where it has none yet."""

    def observation(self, observation: Values) -> Values:
        """Return the observation as a batch of one."""
        return {key: _batched(key, value) for key, value in observation.items()}


@dataclass(kw_only=True)
class DeviceProcessorStep(_ForModels):
    """Makes tensors of arrays and puts them where the model is.

    Attributes:
        device: torch's name of it, such as ``cpu`` or ``cuda``.
        float_dtype: what numbers with a fraction become; None keeps them.
    """

    device: str = 'cpu'
    float_dtype: str | None = None

    def __post_init__(self) -> None:
        if self.float_dtype not in (None, *FLOATS):
            known = ', '.join(FLOATS)
            raise ValueError(f'float_dtype must be one of {known}, found {self.float_dtype!r}')
        try:
            self._torch: Any = importlib.import_module('torch')
        except ImportError as error:
            raise ConfigError(
                f'device_processor needs torch: pip install torch ({error})'
            ) from error
        try:
            self._torch.empty(0, device=self.device)
        except Exception as error:  # torch raises many kinds
            line = str(error).splitlines()[0]
            raise ConfigError(f'device {self.device!r} cannot be used: {line}') from error

    def observation(self, observation: Values) -> Values:
        """Return the observation as tensors."""
        return {key: self._tensor(value) for key, value in observation.items()}

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = self._torch.from_numpy(np.ascontiguousarray(value))
        if not isinstance(value, self._torch.Tensor):
            return value
        wanted = self.float_dtype and getattr(self._torch, self.float_dtype)
        is_cast = wanted and value.is_floating_point()
        return value.to(self.device, dtype=wanted) if is_cast else value.to(self.device)


def _batched(key: str, value: Any) -> Any:
    single = 3 if key.startswith(IMAGES_PREFIX) else 1
    has_axes = hasattr(value, 'ndim') and value.ndim == single
    return value[None] if has_axes else value
