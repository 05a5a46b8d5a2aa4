"""Other spellings of flags, and what is said of those that nobody takes."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, UsageError
from lerobot_drivers.common.spellings import ALIASES, REASONS, nearest, reason, respelt
from lerobot_drivers.robots.config import RobotConfig

RECORD = ('robot', 'dataset', 'resume', 'display_data', 'teleop')


@pytest.mark.parametrize(
    ('typed', 'meant'),
    [
        ('robot-config-path', 'robot.config_path'),
        ('repo-id', 'dataset.repo_id'),
        ('repo_id', 'dataset.repo_id'),
        ('root', 'dataset.root'),
        ('fps', 'dataset.fps'),
        ('episode-index', 'dataset.episode'),
        ('display-data', 'display_data'),
        ('resume', 'resume'),
        ('robto', 'robto'),
    ],
)
def test_the_guides_spellings(typed, meant):
    assert respelt(typed, RECORD) == meant


def test_an_alias_is_none_where_its_section_is_not_known():
    assert respelt('fps', ('robot', 'teleop')) == 'fps'
    with pytest.raises(UsageError, match='--fps is not taken here: an arm runs'):
        read_sections(['--fps=60'], ('robot', 'teleop'))


def test_both_spellings_at_once_are_one_too_many():
    for flags in (['--repo-id=a', '--dataset.repo_id=b'], ['--dataset.repo_id=b', '--repo-id=a']):
        with pytest.raises(UsageError, match=r'--repo-id means --dataset\.repo_id, which is'):
            read_sections(flags, RECORD)


def test_an_alias_and_its_section_go_together():
    found = read_sections(['--root=/a', '--dataset.fps=5', '--repo-id', 'me/x'], RECORD)
    assert found == {'dataset': {'root': '/a', 'fps': 5, 'repo_id': 'me/x'}}


def test_a_reason_holds_for_what_lies_below():
    assert reason('teleop.cameras.top') == reason('teleop.cameras')
    assert reason('robot.port') is None and reason('dataset.root') is None


def test_a_name_that_may_have_been_meant():
    assert nearest('dataset.epsiode', ['dataset.episode', 'dataset.root'], '--') == (
        ' (did you mean --dataset.episode?)'
    )
    assert nearest('zzz', ['episode']) == ''


@pytest.mark.parametrize(
    ('values', 'told'),
    [
        ({'type': 'x', 'prot': 'y'}, r'robot.prot is not a known key \(did you mean port\?\)'),
        (
            {'type': 'x', 'cameras': {'f': {'widht': 3}}},
            r'robot.cameras.f.widht is not a known key \(did you mean width\?\)',
        ),
        (
            {'type': 'x', 'left_arm_config': {'cameras': {'f': {'widht': 3}}}},
            r'robot.left_arm_config.cameras.f.widht is not a known key \(did you mean width\?\)',
        ),
    ],
)
def test_keys_of_a_section(values, told):
    with pytest.raises(ConfigError, match=told):
        build(RobotConfig, values, 'robot')
    with pytest.raises(ConfigError, match=told):
        build(RobotConfig, values, '/a b/c.yaml: robot')


def test_the_tables_are_of_one_mind():
    assert all('-' not in name for name in ALIASES), 'dashes are underscores there'
    assert not [reason for reason in REASONS.values() if '\n' in reason]
