"""An episode as topics, from what was kept of it in ``meta/ros``; see ``outline``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import ConfigError, DatasetError, DatasetFormatError
from lerobot_drivers.common.units import JointUnit
from lerobot_recorder.channel import TOLERANCE_NS, TOLERANCE_PERIODS
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.side_tables import FRAMES, TICK
from lerobot_recorder.facts import FactKind
from lerobot_recorder.frame_table import TARGET
from lerobot_recorder.images import COMPRESSED_IMAGE
from lerobot_recorder.joint_states import JOINT_STATE
from lerobot_recorder.mapping import (
    MappingConfig,
    SourceConfig,
    build_mapping,
    default_take,
    is_action,
    is_image_feature,
)
from lerobot_recorder.native_table import NativeTable
from lerobot_recorder.numeric_fields import HELD, STRING, SUFFIXES, element_name
from lerobot_recorder.streams import Take
from lerobot_recorder.to_bag.assumed_outline import names_of, topic_of
from lerobot_recorder.to_bag.number_messages import VALUE, likely_type, told_as
from lerobot_recorder.to_bag.outline import (
    CameraPart,
    FactVersion,
    NumberPart,
    TextPart,
    Times,
)

Details = Mapping[str, Any]
NS = 1_000_000_000
MEASURED_SLOWER = 1.25
"""What is measured of the bag may be a little slower: then rows win over stamps."""


def recorded_mapping(details: Details, where: str) -> MappingConfig | None:
    """Return the mapping by which an episode was recorded, None if nobody knows."""
    if not isinstance(details.get('mapping'), Mapping):
        return None
    try:
        return build_mapping(details['mapping'], where)
    except ConfigError:
        return None


def recorded_times(root: Path, uuid: str, rows: int) -> Times | None:
    """Return when an episode's rows are, None if that was not kept.

    Raises:
        DatasetFormatError: what was kept is of another number of rows.
    """
    path = root / layout.RECORDS / f'{uuid}.{FRAMES}.parquet'
    if not path.exists():
        return None
    try:
        table = pq.read_table(path)
        stamps = {
            name.removesuffix('.stamp_ns'): _numbers(table, name)
            for name in table.column_names
            if name.endswith('.stamp_ns')
        }
        flags = {name: np.array(table[f'{name}.flag'].to_pylist(), dtype=str) for name in stamps}
        times = Times(_numbers(table, TICK), _numbers(table, TARGET), stamps, flags)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DatasetFormatError(f'{path} cannot be read: {error}') from None
    if len(table) != rows:
        raise DatasetFormatError(f'{path} has {len(table)} rows, its episode has {rows}')
    return times


def recorded_parts(
    mapping: MappingConfig, features: schema.Features, details: Details
) -> Iterator[NumberPart | CameraPart | TextPart]:
    """Yield the topics of the features that lie in the dataset as the mapping made them."""
    streams = details.get('streams') or {}
    for key, config in mapping.features.items():
        feature = features.get(key)
        if feature is None:
            continue
        if is_image_feature(key):
            yield _camera(key, config.sources[0], _of(streams, key))
        elif feature['dtype'] == 'string':
            yield _text(key, config.sources[0], _of(streams, key))
        elif schema.is_number(feature):
            yield from _numbers_of(key, config.sources, feature, mapping, streams)


def recorded_natives(
    root: Path, uuid: str, details: Details
) -> tuple[list[NativeTable], list[str]]:
    """Return the topics of which every message was kept, and why others cannot be had."""
    tables, problems = [], []
    for name in (details.get('kept') or {}).get('native') or {}:
        path = root / layout.RECORDS / f'{uuid}.{name}.parquet'
        try:
            tables.append(NativeTable(path))
        except DatasetError as error:
            problems.append(str(error))
    return tables, problems


def recorded_facts(root: Path, details: Details) -> Iterator[FactVersion]:
    """Yield the versions of what seldom changes that were in force in an episode."""
    files = (details.get('kept') or {}).get('files') or {}
    for kind in FactKind:
        for topic, versions in (files.get(kind.value) or {}).items():
            for version in versions:
                path = root / layout.SHARED_FILES / str(version['file'])
                yield FactVersion(kind.value, topic, path, int(version['since_ns']))


def _numbers_of(
    key: str,
    sources: Sequence[SourceConfig],
    feature: schema.Feature,
    mapping: MappingConfig,
    streams: Details,
) -> Iterator[NumberPart]:
    """Yield the parts of a feature; nothing if they do not make up its elements."""
    windows = sources[0].grid(mapping.fps)
    names = names_of({**feature, 'shape': feature['shape'][-1:]})
    joints = _joints(key, sources, names, streams)
    if sum(map(len, joints)) != len(names):
        return
    first = 0
    for number, (source, elements) in enumerate(zip(sources, joints, strict=True)):
        stream = key if number == 0 else f'{key}#{number}'
        told = _of(streams, stream)
        msgtype = str(told.get('type') or likely_type(elements))
        field = told_as(msgtype, source, elements)
        substitute = '' if field else f'{topic_of(key)}/{number}'
        yield NumberPart(
            feature=key,
            stream=stream,
            topic=substitute or source.topic,
            msgtype=JOINT_STATE if substitute else msgtype,
            elements=tuple(elements),
            take=_take(key, source, msgtype),
            frame_id=str(told.get('frame_id') or ''),
            field=field or VALUE,
            first=first,
            units=tuple(_unit(source, element) for element in elements),
            offset_ns=round(source.offset_ms * 1e6),
            tolerance_ns=_tolerance_ns(source, told, mapping.fps),
            may_be_silent=_may_be_silent(key, source),
            window=windows,
        )
        first += len(elements)


def _joints(
    key: str, sources: Sequence[SourceConfig], names: Sequence[str], streams: Details
) -> list[list[str]]:
    """Return the elements of each source on its topic, as told or as their names tell."""
    found: list[list[str] | None] = []
    for number, source in enumerate(sources):
        told = _of(streams, key if number == 0 else f'{key}#{number}').get('joints')
        found.append(source.joints or (list(map(str, told)) if told else None))
    known = sum(len(joints) for joints in found if joints)
    joints_of_all, at = [], 0
    for source, joints in zip(sources, found, strict=True):
        count = len(joints) if joints else len(names) - known
        own = names[at : at + count]
        joints_of_all.append(joints or [_joint(name, source) for name in own])
        at += count
    return joints_of_all


def _joint(name: str, source: SourceConfig) -> str:
    short = name.removesuffix(SUFFIXES.get(source.field, ''))
    return short if element_name(short, source.field) == name else name


def _take(key: str, source: SourceConfig, msgtype: str) -> Take:
    if source.take is not None or source.window is not None:
        return source.take or Take.WINDOW
    take, is_held = default_take(key), msgtype in HELD or source.labels is not None
    return Take.HOLD if take is Take.INTERPOLATE and is_held else take


def _unit(source: SourceConfig, element: str) -> JointUnit:
    config = source.units.get(element)
    return JointUnit() if config is None else config.joint_unit()


def _tolerance_ns(source: SourceConfig, told: Details, fps: int) -> int:
    """Return the tolerance of a stream that is as fast as it was, or as the rows are [ns]."""
    if source.tolerance_ms is not None:
        return round(source.tolerance_ms * 1e6)
    slower_hz = min(float(told.get('rate_hz') or fps), fps)
    return max(TOLERANCE_NS, round(TOLERANCE_PERIODS * MEASURED_SLOWER * NS / slower_hz))


def _may_be_silent(key: str, source: SourceConfig) -> bool:
    silent = source.may_be_silent
    holds = is_action(key) or (source.take or default_take(key)) is Take.HOLD
    return holds if silent is None else silent


def _text(key: str, source: SourceConfig, told: Details) -> TextPart:
    is_plain = source.text_path == 'data' and told.get('type', STRING) == STRING
    return TextPart(key, source.topic if is_plain else topic_of(key))


def _camera(key: str, source: SourceConfig, told: Details) -> CameraPart:
    named = source.topic.rpartition('/')[2] == 'compressed'
    is_compressed = told.get('type', COMPRESSED_IMAGE if named else None) == COMPRESSED_IMAGE
    frame_id = str(told.get('frame_id') or '')
    offset_ns, silent = round(source.offset_ms * 1e6), _may_be_silent(key, source)
    return CameraPart(key, source.topic, frame_id, is_compressed, offset_ns, silent)


def _of(streams: Details, stream: str) -> Details:
    told = streams.get(stream)
    return told if isinstance(told, Mapping) else {}


def _numbers(table: pa.Table, column: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(table[column].to_numpy(), dtype=np.int64)
