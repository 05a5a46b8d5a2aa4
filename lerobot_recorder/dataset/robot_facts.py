"""What numbers of a session mean, beyond what info.json can say: units, calibration, steps.

LeRobot's features have no place for them, so they are kept with each episode, in
`meta/ros/episodes/<uuid>.json`, and compared when a dataset is resumed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.record import EpisodeRecord, read_document

KEY = 'session'
"""Entry of an episode's details."""
PLAIN_UNIT = 'radians'
"""The unit of a joint that is not named: as on the topic, rad or m."""


@dataclass(frozen=True)
class RobotFacts:
    """What must not change from one session of a dataset to the next.

    Attributes:
        units: Numeric feature -> joint -> norm mode in the dataset; joints not named are in rad
            or m. A feature of which nothing is known is absent.
        calibration: Device -> checksum of its calibration.
        allow_new_calibration: Whether a calibration may differ from the one so far.
        processors: Place -> the processor steps there, as JSON holds a pipeline.
        allow_new_processors: Whether steps may differ from those so far.
    """

    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibration: Mapping[str, str] = field(default_factory=dict)
    allow_new_calibration: bool = False
    processors: Mapping[str, Any] = field(default_factory=dict)
    allow_new_processors: bool = False

    def added_to(self, record: EpisodeRecord) -> EpisodeRecord:
        """Return an episode's record with these facts."""
        units = {key: dict(joints) for key, joints in self.units.items()}
        facts = {'units': units, 'calibration': dict(self.calibration)}
        if self.processors:
            facts['processors'] = dict(self.processors)
        if not any(facts.values()):
            return record
        return replace(record, details={**record.details, KEY: facts})


def checksum(calibration: Mapping[str, Any]) -> str:
    """Return the checksum of a device's calibration as JSON holds it."""
    text = json.dumps(calibration, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(root: Path, rows: Sequence[EpisodeRow], facts: RobotFacts) -> list[str]:
    """Return what numbers would mean something else than in the episodes so far."""
    known = _last(root, rows)
    if known is None:
        return []
    number, found = known
    problems = []
    for key in sorted(set(_mapping(found, 'units')) & set(facts.units)):
        there, here = _mapping(_mapping(found, 'units'), key), facts.units[key]
        for joint in sorted(set(there) | set(here)):
            units = there.get(joint, PLAIN_UNIT), here.get(joint, PLAIN_UNIT)
            if units[0] != units[1]:
                problems.append(f'its {key} has {joint} in {units[0]}, this session in {units[1]}')
    problems += _other_calibration(number, found, facts)
    return problems + _other_processors(number, found, facts)


def _other_calibration(number: int, found: dict[str, Any], facts: RobotFacts) -> list[str]:
    if facts.allow_new_calibration:
        return []
    problems = []
    for device in sorted(set(_mapping(found, 'calibration')) & set(facts.calibration)):
        marks = found['calibration'][device], facts.calibration[device]
        if marks[0] != marks[1]:
            problems.append(
                f'{device} was calibrated differently for episode {number} ({marks[0]}) than it '
                f'is now ({marks[1]}), so equal numbers are other positions; '
                '--dataset.allow_new_calibration=true records all the same'
            )
    return problems


def _other_processors(number: int, found: dict[str, Any], facts: RobotFacts) -> list[str]:
    if facts.allow_new_processors:
        return []
    there, here = _mapping(found, 'processors'), facts.processors
    return [
        f'processor.{place} was {_steps(there.get(place))} for episode {number}, it is now '
        f'{_steps(here.get(place))}; --dataset.allow_new_processors=true records all the same'
        for place in sorted(set(there) | set(here))
        if there.get(place) != here.get(place)
    ]


def _steps(pipeline: Any) -> str:
    """Return the steps of a pipeline in one line."""
    steps = pipeline.get('steps') if isinstance(pipeline, Mapping) else None
    if not isinstance(steps, list) or not steps:
        return 'without steps'
    told = []
    for step in steps:
        named = step if isinstance(step, Mapping) else {}
        kind = named.get('registry_name') or named.get('class')
        told.append(f'{kind} {json.dumps(named.get("config") or {}, sort_keys=True)}')
    return ', '.join(told)


def of_dataset(root: Path, rows: Sequence[EpisodeRow]) -> RobotFacts | None:
    """Return the facts of a dataset's last episode that has any, None if none has."""
    known = _last(root, rows)
    if known is None:
        return None
    _, found = known
    units = {
        str(key): {str(joint): str(unit) for joint, unit in _mapping(found['units'], key).items()}
        for key in _mapping(found, 'units')
    }
    calibration = {str(k): str(v) for k, v in _mapping(found, 'calibration').items()}
    processors = dict(_mapping(found, 'processors'))
    return RobotFacts(units=units, calibration=calibration, processors=processors)


def remarks(root: Path, rows: Sequence[EpisodeRow], facts: RobotFacts) -> list[str]:
    """Return what could not be compared."""
    is_told = bool(facts.units or facts.calibration or facts.processors)
    if not rows or not is_told or _last(root, rows) is not None:
        return []
    return [
        'nothing is known of the units, calibration and steps of the episodes so far '
        '(no record of them in meta/ros); they were not compared'
    ]


def _last(root: Path, rows: Sequence[EpisodeRow]) -> tuple[int, dict[str, Any]] | None:
    """Return the facts of the last episode that has any, and its number when it was saved."""
    for document in _documents(root, rows):
        details = document.get('details')
        facts = details.get(KEY) if isinstance(details, dict) else None
        if isinstance(facts, dict):
            return int(document.get('episode_index_when_saved') or 0), facts
    return None


def _documents(root: Path, rows: Sequence[EpisodeRow]) -> Iterator[dict[str, Any]]:
    """Yield the records of episodes, last first; all there are if no row names its own."""
    folder = root / layout.RECORDS
    names = [row.extra.get('ros/uuid') for row in reversed(rows)]
    paths = [folder / f'{name}.json' for name in names if name]
    found = [
        document for path in paths or folder.glob('*.json') if (document := read_document(path))
    ]
    if not paths:
        found.sort(key=lambda document: -int(document.get('episode_index_when_saved') or 0))
    yield from found


def _mapping(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = facts.get(key)
    return value if isinstance(value, Mapping) else {}
