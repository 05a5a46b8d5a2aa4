"""Whether all bags make rows of one kind, found out before hours are spent on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lerobot_recorder.bulk.one_bag import Look
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.compatible import feature_differences

Kind = tuple[str | None, str]
"""Robot type, and features as text."""


def problems(looks: Sequence[Look], known: Mapping[str, Any] | None) -> dict[Path, str]:
    """Return which bags cannot become a part of the dataset, and why.

    Args:
        looks: what the bags can give.
        known: info.json of a dataset that is there already; else what most bags give counts.
    """
    found = {look.bag: look.problem for look in looks if look.problem}
    good = [look for look in looks if look.features is not None]
    if not good:
        return found
    if known is not None:
        robot_type, features = known.get('robot_type'), _of_dataset(known)
        whose = 'the dataset'
    else:
        usual = Counter(_kind(look) for look in good).most_common(1)[0][0]
        model = next(look for look in good if _kind(look) == usual)
        robot_type, features = model.robot_type, schema.normalized(model.features or {})
        whose = f'{model.bag.name} and most others' if len(good) > 1 else model.bag.name
    for look in good:
        told = feature_differences(schema.normalized(look.features or {}), features)
        if look.robot_type != robot_type:
            told.insert(0, f'its robot is {look.robot_type!r}, here {robot_type!r}')
        if told:
            lines = '; '.join(line.replace('this session', whose) for line in told)
            found[look.bag] = f'does not fit: {lines}'
    return found


def _kind(look: Look) -> Kind:
    text = json.dumps(look.features, sort_keys=True, default=str)
    return look.robot_type, text


def _of_dataset(document: Mapping[str, Any]) -> schema.Features:
    """Return the user's features of a dataset; pictures as a mapping has them, all as video."""
    features = schema.user_features(schema.normalized(document['features']))
    pictures = {key: {**features[key], 'dtype': 'video'} for key in schema.picture_keys(features)}
    return {**features, **pictures}
