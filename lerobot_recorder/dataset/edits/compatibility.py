"""Whether datasets can become one: every difference is told, by dataset and feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset import robot_facts, schema
from lerobot_recorder.dataset.edits.source import Source
from lerobot_recorder.dataset.robot_facts import PLAIN_UNIT, RobotFacts

ENCODER_KEYS = (
    'video.g', 'video.crf', 'video.preset', 'video.fast_decode', 'video.video_backend',
    'video.extra_options',
)  # fmt: skip
"""How a video was encoded, which no reader needs; LeRobot lets them differ too."""
_DEPTH_KEYS = (
    'depth_unit', 'video.depth_min', 'video.depth_max', 'video.shift', 'video.use_log',
)  # fmt: skip


@dataclass(frozen=True)
class Allowed:
    """Differences between sessions that somebody has looked at and wants all the same.

    Attributes:
        calibration: Devices were calibrated differently.
        processors: Processor steps differ.
    """

    calibration: bool = False
    processors: bool = False


def check(sources: Sequence[Source], allowed: Allowed) -> list[str]:
    """Check that all datasets are alike.

    Args:
        sources: The datasets; the others are compared with the first.
        allowed: What may differ nevertheless.

    Returns:
        What is worth telling but does no harm.

    Raises:
        DatasetFormatError: they differ; all differences are told at once.
    """
    first, *others = sources
    problems = [line for other in others for line in _differences(first, other)]
    facts = {s.root: robot_facts.of_dataset(s.root, s.rows) for s in sources}
    known = [source for source in sources if facts[source.root] is not None]
    for other in known[1:]:
        there, here = facts[known[0].root], facts[other.root]
        assert there is not None and here is not None
        found = _meanings(there, here, allowed)
        problems += [f'{other.root}: {line} in {known[0].root}' for line in found]
    if problems:
        raise DatasetFormatError('these datasets cannot be merged:\n  ' + '\n  '.join(problems))
    remarks = [line for other in others for line in _codecs(first, other)]
    if known and len(known) < len(sources):
        silent = [str(source.root) for source in sources if facts[source.root] is None]
        remarks.append(
            f'nothing is known of units and calibration in {", ".join(silent)}; not compared'
        )
    return remarks


def merged_features(sources: Sequence[Source]) -> dict[str, Any]:
    """Return the entries of the merged dataset: the first's, without what only it can say."""
    features = {key: dict(feature) for key, feature in sources[0].features.items()}
    for key in schema.video_keys(features):
        told = [source.features[key].get('info') or {} for source in sources]
        blocks = [block for block in told if block] or [{}]
        block = dict(blocks[0])
        for name in ENCODER_KEYS:
            if any(other.get(name) != block.get(name) for other in blocks):
                block[name] = {} if name == 'video.extra_options' else None
        if block:
            features[key]['info'] = block
    return features


def _differences(first: Source, other: Source) -> Iterator[str]:
    where = other.root
    for key in ('fps', 'robot_type'):
        there, here = first.document.get(key), other.document.get(key)
        if there != here:
            yield f'{where}: {key} is {here!r}, in {first.root} {there!r}'
    missing = [key for key in first.features if key not in other.features]
    extra = [key for key in other.features if key not in first.features]
    yield from (f'{where}: lacks the feature {key}, which {first.root} has' for key in missing)
    yield from (f'{where}: has the feature {key}, which {first.root} lacks' for key in extra)
    there, here = schema.normalized(first.features), schema.normalized(other.features)
    for key in here:
        if key in there:
            for part, value in _parts(there[key], here[key], other.features[key]):
                yield f'{where}: {key} has {part} {value}, in {first.root} {there[key][part]}'
            yield from _depth(key, first, other)


def _parts(
    there: Mapping[str, Any], here: Mapping[str, Any], feature: schema.Feature
) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a feature's entry that differ, as they are here."""
    parts = ('dtype', 'shape') if schema.is_picture(feature) else ('dtype', 'shape', 'names')
    return ((part, here[part]) for part in parts if here[part] != there[part])


def _depth(key: str, first: Source, other: Source) -> Iterator[str]:
    """Yield how the codes of a depth camera mean other distances."""
    one, two = first.features[key], other.features[key]
    if schema.is_depth(one) != schema.is_depth(two):
        words = {True: 'depth', False: 'colour'}
        kinds = words[schema.is_depth(two)], words[schema.is_depth(one)]
        yield f'{other.root}: {key} is {kinds[0]}, in {first.root} {kinds[1]}'
    elif schema.is_depth(one):
        for name in _DEPTH_KEYS:
            there, here = ((f.get('info') or {}).get(name) for f in (one, two))
            if there != here:
                yield f'{other.root}: {key} has {name} {here!r}, in {first.root} {there!r}'


def _codecs(first: Source, other: Source) -> Iterator[str]:
    for key in schema.video_keys(first.features):
        one, two = (s.features[key].get('info') or {} for s in (first, other))
        for name in ('video.codec', 'video.pix_fmt'):
            if one.get(name) and two.get(name) and one[name] != two[name]:
                yield (
                    f'{other.root}: {key} is {two[name]}, in {first.root} {one[name]}; every '
                    'reader takes both, but they are never joined into one file'
                )


def _meanings(there: RobotFacts, here: RobotFacts, allowed: Allowed) -> list[str]:
    """Return where equal numbers mean something else."""
    found = []
    for key in sorted(set(there.units) & set(here.units)):
        for joint in sorted(set(there.units[key]) | set(here.units[key])):
            units = [facts.units[key].get(joint, PLAIN_UNIT) for facts in (here, there)]
            if units[0] != units[1]:
                found.append(f'{key} has {joint} in {units[0]}, in {units[1]}')
    if not allowed.calibration:
        for device in sorted(set(there.calibration) & set(here.calibration)):
            marks = here.calibration[device], there.calibration[device]
            if marks[0] != marks[1]:
                found.append(
                    f'{device} was calibrated differently ({marks[0]}; '
                    f'--allow_new_calibration=true merges all the same), it is {marks[1]}'
                )
    if not allowed.processors:
        found += [
            f'processor.{place} has other steps (--allow_new_processors=true merges all the '
            'same) than'
            for place in sorted(set(there.processors) | set(here.processors))
            if there.processors.get(place) != here.processors.get(place)
        ]
    return found
