"""What a session's file tells about a recording: its configuration, its arms' calibrations.

Secrets stay out: whatever is called a token, key or password, and whatever looks like one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lerobot_drivers.common.config import Section
from lerobot_drivers.common.several import members_of, name_of
from lerobot_drivers.motors.calibration import device_name, find_calibration
from lerobot_drivers.processors.config import processor_config
from lerobot_drivers.sim.address import is_sim_address
from lerobot_recorder.facts import SharedFile

REMOVED = '<removed>'
_SECRET_KEY = re.compile(
    r'token|secret|passw|credential|(?:api|access|private)[_-]?key|auth', re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r'\b(?:hf_|api_|sk-|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abp]-|AKIA)[A-Za-z0-9_-]{12,}'
    r'|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*'
)
_USER_IN_URL = re.compile(r'(?<=://)[^/@\s]+@')


@dataclass(frozen=True)
class SessionFacts:
    """What is known before the first message.

    Attributes:
        files: what it is (``configuration``, ``calibration.robot``) -> file.
        missing: what it is -> why it is not there.
    """

    files: Mapping[str, SharedFile] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def session_facts(sections: Section) -> SessionFacts:
    """Return what a session's sections tell, secrets left out."""
    files = {'configuration': SharedFile.of_json('configuration', without_secrets(sections))}
    missing: dict[str, str] = {}
    members = members_of(sections)
    for member, section in itertools.product(members, ('robot', 'teleop')):
        what = f'calibration.{section}'
        if len(members) > 1:
            what += f'.{name_of(member)}'
        found = _calibration(member.get(section), section)
        if isinstance(found, str):
            missing[what] = found
        else:
            files[what] = SharedFile.of(f'calibration-{section}', 'json', found.read_bytes())
    return SessionFacts(files | _pipelines(sections), missing)


def _pipelines(sections: Section) -> dict[str, SharedFile]:
    """Return the processor steps of a session, a file for each place that has some."""
    return {
        f'processor.{place}': SharedFile.of_json(f'processor-{place}', without_secrets(document))
        for place, document in processor_config(sections).document().items()
    }


def without_secrets(value: Any) -> Any:
    """Return what JSON can hold of a configuration, secrets replaced by ``<removed>``."""
    if isinstance(value, Mapping):
        return {
            str(key): REMOVED if item and _SECRET_KEY.search(str(key)) else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _USER_IN_URL.sub(f'{REMOVED}@', _SECRET_VALUE.sub(REMOVED, str(value)))


def _calibration(section: Any, name: str) -> Path | str:
    """Return the file of a device's calibration, or why there is none."""
    if not isinstance(section, Mapping) or 'type' not in section:
        return f'the session names no {name}'
    folder = section.get('calibration_dir')
    if is_sim_address(section.get('port')) and not folder:
        return 'simulated: it has the calibration of its maker'
    kind: Literal['robots', 'teleoperators'] = 'robots' if name == 'robot' else 'teleoperators'
    device = section.get('id')
    device_id = None if device is None else str(device)
    type_name = device_name(str(section['type']))
    path = find_calibration(kind, type_name, device_id, Path(folder) if folder else None)
    return path or f'there is no calibration file of {section["type"]} {device_id}'
