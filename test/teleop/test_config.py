"""The section ``mux``."""

from __future__ import annotations

from pathlib import Path

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_teleop.command_mux import Source
from lerobot_teleop.config import mux_config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / 'arm.yaml'


def test_without_a_section_teleop_goes_before_policy(file: Path) -> None:
    file.write_text('robot: {type: so101_follower}\n')
    config = mux_config(file)
    assert config.for_mux() == (Source('teleop', 100, 0.25), Source('policy', 50, 0.5))
    assert config.topics() == {
        'teleop': 'teleop/joint_commands',
        'policy': 'policy/joint_commands',
    }


def test_a_section_is_laid_over_the_defaults(file: Path) -> None:
    file.write_text(
        'mux: {sources: {policy: null, teleop: {timeout_s: 1}, '
        'joy: {topic: /pad/joint_commands, priority: 7}}}\n'
    )
    config = mux_config(file)
    assert config.for_mux() == (Source('teleop', 100, 1.0), Source('joy', 7, 0.5))
    assert config.topics()['joy'] == '/pad/joint_commands'


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('mux: {sources: {joy: {}}}', 'joy.*priority is missing'),
        ('mux: {sources: {teleop: {priority: 999}}}', 'less than or equal to 255, found 999'),
        ('mux: {source: {}}', 'mux.source is not a known key'),
        ('mux: 5', 'mux.*found 5'),
    ],
)
def test_mistakes_are_named(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        mux_config(file)
