"""What docs/processors.md shows works: its own steps, its sections, its table of types."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from doc_examples import PROCESSORS, example

from lerobot_drivers.common.config import build
from lerobot_drivers.processors import ACTION, OBSERVATION
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_drivers.processors.factory import STEPS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / 'my_steps.py').write_text(example('my_steps.py'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_steps_of_ones_own_do_what_they_say(folder):
    section = yaml.safe_load(example('my_steps.yaml'))['processor']
    pipelines = build(ProcessorConfig, section, 'processor').pipelines()
    seen = pipelines['robot_observation']
    seen.transform_features({OBSERVATION: {'front': (48, 64, 3), 'wrist': (48, 64, 3)}})
    white = np.full((48, 64, 3), 255, np.uint8)
    made = seen({OBSERVATION: {'front': white, 'wrist': white}})[OBSERVATION]
    assert made['front'][:40].max() == 0 and made['front'][40:].min() == 255
    assert made['wrist'] is white and white.min() == 255
    asked = pipelines['robot_action']
    asked.transform_features({ACTION: {'wrist_roll.pos': float}})
    assert asked({ACTION: {'wrist_roll.pos': -7.0}})[ACTION] == {'wrist_roll.pos': 30.0}


def test_the_first_example_can_be_made():
    (first, *_) = re.findall(r'^```yaml\n(.*?)^```$', PROCESSORS.read_text(), re.M | re.S)
    build(ProcessorConfig, yaml.safe_load(first)['processor'], 'processor').pipelines()


def test_every_type_is_described():
    described = set(re.findall(r'^\| `(\w+_processor)` \|', PROCESSORS.read_text(), re.M))
    assert described == set(STEPS.names()) - {'image_augmentation_processor'}
