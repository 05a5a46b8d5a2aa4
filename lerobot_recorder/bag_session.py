"""What a bag of ours tells ``convert``: the settings by which it becomes its dataset again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lerobot_drivers.common.config import Section, dump, merge
from lerobot_recorder.bag_mending import METADATA
from lerobot_recorder.mapping import MappingConfig

SESSION = 'session'
"""Key of a bag's ``custom_data``."""
_ROWS = ('topics', 'robot', 'robots', 'attach')
"""Sections that say what the rows are made of."""
_ROW_KEYS = ('features', 'preset')


def told_session(mapping: MappingConfig, dataset: Mapping[str, Any]) -> str:
    """Return what a bag keeps of how its rows were made.

    Args:
        mapping: which topic becomes which feature.
        dataset: settings of the dataset, as ``--dataset.*`` has them.
    """
    recorder = {key: value for key, value in dump(mapping).items() if key != 'fps'}
    # What was recorded at a low rate was meant to be.
    recorder |= {'allow_low_rate': True}
    sections = {'dataset': {'fps': mapping.fps, **dataset}, 'recorder': recorder}
    return json.dumps(sections, ensure_ascii=False)  # features stay in their order


def with_session(sections: Section, bag: Path) -> Section:
    """Return a command's sections with what a bag tells below them.

    Whoever names topics, features or a robot of his own decides what the rows are.
    """
    told = _session(bag)
    recorder = sections.get('recorder')
    own = {*recorder} if isinstance(recorder, Mapping) else set()
    if any(name in sections for name in _ROWS) or own & set(_ROW_KEYS):
        told.pop('recorder', None)
    return merge(told, sections)


def custom_data(bag: Path) -> dict[str, str]:
    """Return what a bag tells of itself, nothing if it is none of ours."""
    try:
        document = yaml.safe_load((bag / METADATA).read_text(encoding='utf-8'))
        told = document['rosbag2_bagfile_information']['custom_data']
        return {str(key): str(value) for key, value in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return {}


def _session(bag: Path) -> Section:
    try:
        told = json.loads(custom_data(bag).get(SESSION, '{}'))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
