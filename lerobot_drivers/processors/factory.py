"""Pipelines out of a configuration: ``[{type: rename_observations_processor, ...}, ...]``.

A step is named as LeRobot names it, or is a class of one's own, ``package.module:Class`` or
``folder/file.py:Class``. Only what a user writes into his own configuration is ever imported.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry, load_object
from lerobot_drivers.processors.pipeline import NamedStep, Pipeline
from lerobot_drivers.processors.step import POSTPROCESSOR, PREPROCESSOR, ProcessorStep

Entry = str | Mapping[str, Any]
"""A step of a configuration: its type alone, or a mapping of its type and its settings."""

_HERE = 'lerobot_drivers.processors'
AUGMENTATION = 'image_augmentation_processor'
STEPS = Registry(
    'processor_step',
    {
        'absolute_actions_processor': f'{_HERE}.relative:AbsoluteActionsProcessorStep',
        'clip_joints_processor': f'{_HERE}.joints:ClipJointsProcessorStep',
        'device_processor': f'{_HERE}.tensors:DeviceProcessorStep',
        'grayscale_processor': f'{_HERE}.images:GrayscaleProcessorStep',
        AUGMENTATION: f'{_HERE}.augmentation_step:ImageAugmentationProcessorStep',
        'image_crop_resize_processor': f'{_HERE}.images:ImageCropResizeProcessorStep',
        'relative_actions_processor': f'{_HERE}.relative:RelativeActionsProcessorStep',
        'rename_actions_processor': f'{_HERE}.rename:RenameActionsProcessorStep',
        'rename_observations_processor': f'{_HERE}.rename:RenameObservationsProcessorStep',
        'scale_joints_processor': f'{_HERE}.joints:ScaleJointsProcessorStep',
        'to_batch_processor': f'{_HERE}.tensors:AddBatchDimensionProcessorStep',
    },
)

CHECKPOINT_STEPS = ('normalizer_processor', 'unnormalizer_processor', 'tokenizer_processor')
IN_CHECKPOINTS = 'that one is a part of a trained policy and comes with its checkpoint'
OWN = 'a class of your own is module:Class'


def make_pipeline(place: str, entries: Sequence[Entry]) -> Pipeline:
    """Return the pipeline of a section.

    Args:
        place: the section's key, such as ``robot_observation``.
        entries: its steps.

    Raises:
        ConfigError: a step is unknown, has no place there, or cannot be made with its settings.
    """
    section = 'policy' if place in (PREPROCESSOR, POSTPROCESSOR) else 'processor'
    return Pipeline(
        place,
        [
            _named(place, entry, f'{section}.{place} step {number}')
            for number, entry in enumerate(entries, start=1)
        ],
    )


def _named(place: str, entry: Entry, where: str) -> NamedStep:
    settings = {'type': entry} if isinstance(entry, str) else dict(entry)
    kind = settings.pop('type', None)
    if not isinstance(kind, str):
        known = ', '.join(STEPS.names())
        raise ConfigError(
            f'{where}: type is missing, found {dict(settings)}; known types: {known}; {OWN}'
        )
    where = f'{where} ({kind})'
    step_class = _class_of(kind, where)
    if place not in step_class.places:
        raise ConfigError(f'{where} cannot be used there: {step_class.elsewhere}')
    return NamedStep(kind, settings, _made(step_class, settings, where), where)


def _class_of(kind: str, where: str) -> type[ProcessorStep]:
    """Return the class of a step.

    Raises:
        ConfigError: it is not known, not there, or no step.
    """
    path, _, name = kind.rpartition(':')
    if path.endswith('.py'):
        found: Any = _from_file(Path(path).expanduser(), name, where)
    elif path:
        found = _from_module(kind, where)
    else:
        try:
            found = STEPS.load(kind)
        except ConfigError as error:
            hint = IN_CHECKPOINTS if kind in CHECKPOINT_STEPS else OWN
            raise ConfigError(f'{where}: {error}; {hint}') from error
    if not (isinstance(found, type) and issubclass(found, ProcessorStep)):
        raise ConfigError(
            f'{where} is no step: derive it from a class of lerobot_drivers.processors'
        )
    return found


def _from_module(kind: str, where: str) -> object:
    try:
        return load_object(kind, 'its class')
    except ConfigError as error:
        raise ConfigError(f'{where}: {error}; a file is named folder/file.py:Class') from error


def _from_file(path: Path, name: str, where: str) -> object:
    """Return what a file of the user's calls by a name; the file is run."""
    module_name = f'processor_steps_of_{path.stem}'
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f'{where}: there is no file {path.resolve()}')
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f'{where} cannot be read: {type(error).__name__}: {error}') from error
    if not hasattr(module, name):
        raise ConfigError(f'{where}: {path} has no {name}')
    return getattr(module, name)


def _made(step_class: type[ProcessorStep], settings: dict[str, Any], where: str) -> ProcessorStep:
    taken = inspect.signature(step_class).parameters
    is_open = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in taken.values())
    unknown = [name for name in settings if name not in taken]
    if unknown and not is_open:
        known = ', '.join(taken) or 'none'
        raise ConfigError(f'{where} has no setting {unknown[0]!r}; it has {known}')
    if hasattr(step_class, '__dataclass_fields__'):
        return build(step_class, settings, where)
    try:
        return step_class(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f'{where}: {error}') from error
