"""The outline of an episode: from its record where there is one, else by assumption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lerobot_drivers.common.naming import DEFAULT_FEATURES
from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView
from lerobot_recorder.dataset.record import read_document
from lerobot_recorder.mapping import FeatureConfig, MappingConfig, SourceConfig, is_image_feature
from lerobot_recorder.to_bag.assumed_outline import (
    GAP_NS,
    JOINT_TOPICS,
    Assumptions,
    assumed_camera,
    assumed_number,
    assumed_text,
    config_of,
    grid,
    names_of,
    topic_of,
)
from lerobot_recorder.to_bag.outline import CameraPart, NumberPart, Outline, TextPart
from lerobot_recorder.to_bag.picture_messages import ImageKind, as_kind
from lerobot_recorder.to_bag.recorded_outline import (
    recorded_facts,
    recorded_mapping,
    recorded_natives,
    recorded_parts,
    recorded_times,
)

NS_PER_S = 1_000_000_000
Part = NumberPart | CameraPart | TextPart
Parts = Sequence[Part]
_STAMPS = 'sync.'
"""Columns that the stamps make again."""


@dataclass(frozen=True)
class Wishes:
    """How a dataset is to be told.

    Attributes:
        images: as what pictures are written.
        assumptions: of a dataset that does not tell its topics.
    """

    images: ImageKind = ImageKind.AUTO
    assumptions: Assumptions = field(default_factory=Assumptions)


def outline_of(reader: DatasetReader, view: EpisodeView, wishes: Wishes) -> Outline:
    """Return an episode as topics.

    Raises:
        DatasetFormatError: what was kept beside it cannot be read.
    """
    uuid = view.extra.get('ros/uuid')
    details = _details(reader, uuid)
    mapping = recorded_mapping(details, f'{uuid}.json: mapping')
    times = recorded_times(reader.root, uuid, view.length) if uuid else None
    natives, problems = recorded_natives(reader.root, uuid, details) if uuid else ([], [])
    recorded = list(recorded_parts(mapping, reader.features, details)) if mapping else []
    assumed = list(_assumed(reader.features, {part.feature for part in recorded}, wishes))
    parts = [_as_wished(part, reader.features, wishes) for part in (*recorded, *assumed)]
    return Outline(
        index=view.index,
        mapping=_mapping(reader, mapping, parts, {part.feature for part in recorded}),
        times=times or grid(_first_ns(reader, view.index, wishes), view.length, reader.fps),
        numbers=[part for part in parts if isinstance(part, NumberPart)],
        cameras=[part for part in parts if isinstance(part, CameraPart)],
        texts=[part for part in parts if isinstance(part, TextPart)],
        natives=natives,
        facts=list(recorded_facts(reader.root, details)),
        details=details,
        notices=[*_told(parts, recorded, times is not None, wishes), *problems],
    )


def _details(reader: DatasetReader, uuid: str | None) -> Mapping[str, Any]:
    document = read_document(reader.root / layout.RECORDS / f'{uuid}.json') or {}
    details = document.get('details')
    return details if isinstance(details, Mapping) else {}


def _first_ns(reader: DatasetReader, index: int, wishes: Wishes) -> int:
    """Return when an episode begins of which nobody knows: behind those before it [ns]."""
    before = sum(row.length for row in reader.rows_of_episodes()[:index])
    lasted_ns = before * NS_PER_S // reader.fps
    return wishes.assumptions.start_ns + lasted_ns + index * GAP_NS


def _assumed(features: schema.Features, known: set[str], wishes: Wishes) -> Iterator[Any]:
    for key, feature in features.items():
        if key in known or key in DEFAULT_FEATURES or key.startswith(_STAMPS):
            continue
        if schema.is_picture(feature):
            yield assumed_camera(key)
        elif schema.is_number(feature):
            yield assumed_number(key, feature, wishes.assumptions.degrees)
        elif feature['dtype'] == 'string':
            yield assumed_text(key)


def _as_wished(part: Any, features: schema.Features, wishes: Wishes) -> Any:
    if not isinstance(part, CameraPart):
        return part
    return as_kind(part, wishes.images, schema.is_depth(features[part.feature]))


def _mapping(
    reader: DatasetReader, recorded: MappingConfig | None, parts: Parts, known: set[str]
) -> MappingConfig:
    """Return the mapping by which the dataset is made of the topics again."""
    features: dict[str, FeatureConfig] = {}
    for key in reader.features:
        own = [part for part in parts if part.feature == key]
        if recorded is not None and own and key in known:
            features[key] = _settled(recorded.features[key], own, reader.features[key])
            continue
        if not own or isinstance(own[0], TextPart) or not _can_be_mapped(own[0]):
            continue
        features[key] = config_of(own[0], reader.features[key])
    if recorded is None:
        return MappingConfig(
            features=features, fps=reader.fps, robot_type=reader.info.get('robot_type')
        )
    reference = recorded.reference if recorded.reference in features else None
    return replace(recorded, features=features, reference=reference)


def _can_be_mapped(part: Part) -> bool:
    is_camera = isinstance(part, CameraPart)
    return not isinstance(part, TextPart) and is_image_feature(part.feature) is is_camera


def _settled(config: FeatureConfig, parts: Parts, feature: schema.Feature) -> FeatureConfig:
    """Return a feature's sources with what was open when it was recorded, and its topic now."""
    sources, names = [], names_of({**feature, 'shape': feature['shape'][-1:]})
    for source, part in zip(config.sources, parts, strict=True):
        if not isinstance(part, NumberPart):
            sources.append(_elsewhere(source, part))
            continue
        now = replace(source, joints=list(part.elements))
        if part.topic != source.topic:
            own = names[part.first : part.first + len(part.elements)]
            now = replace(now, field=part.field, fields=None, labels=None, transform=None)
            now = replace(now, topic=part.topic, names=own, take=part.take)
        sources.append(now)
    return replace(config, sources=sources)


def _elsewhere(source: SourceConfig, part: Part) -> SourceConfig:
    if part.topic == source.topic:
        return source
    return replace(source, topic=part.topic, fields=None)


def _told(parts: Parts, recorded: Sequence[Part], has_times: bool, wishes: Wishes) -> list[str]:
    known = {part.feature for part in recorded}
    assumed = [part for part in parts if part.feature not in known]
    told = [f'{part.feature} becomes {part.topic}' for part in assumed]
    told += [
        f'what {part.feature} was made of cannot be told as it was: it is on {part.topic}'
        for part in recorded
        if isinstance(part, NumberPart) and part.topic.startswith(topic_of(part.feature))
    ]
    lost = [part.feature for part in assumed if not _can_be_mapped(part)]
    if lost:
        told.append(f'no mapping can name {", ".join(lost)}: convert leaves it out')
    if any(part.feature in JOINT_TOPICS for part in assumed):
        unit = 'degrees' if wishes.assumptions.degrees else 'rad (or m)'
        told.append(f'joints are taken to be in {unit}')
    if not has_times:
        told.append('stamps lie on the grid of the rows')
    return told
