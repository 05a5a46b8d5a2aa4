"""Help is what the config dataclasses say, in 80 columns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest

from lerobot_drivers import cli
from lerobot_drivers.common.command_line import SECTIONS, SETTINGS
from lerobot_drivers.common.display import DisplayConfig
from lerobot_drivers.common.help_text import WIDTH, Group, Help, documented
from lerobot_drivers.common.several import RobotsConfig
from lerobot_drivers.robots.config import CameraConfig, RobotConfig
from lerobot_policy.config import PolicyConfig
from lerobot_recorder.commands.dataset_viz import VizConfig
from lerobot_recorder.config import (
    DatasetConfig,
    DepthEncoderConfig,
    EncoderConfig,
    RecorderConfig,
    TopicsConfig,
)
from lerobot_teleop.teleoperators.config import TeleopConfig

CONFIGS = (
    RobotConfig, CameraConfig, RobotsConfig, TeleopConfig, PolicyConfig, DatasetConfig,
    EncoderConfig, DepthEncoderConfig, RecorderConfig, TopicsConfig, DisplayConfig, VizConfig,
)  # fmt: skip


@dataclass
class Inner:
    """Inner.

    Attributes:
        depth: how deep [m].
    """

    depth: float = 2.0


@dataclass
class Base:
    """Base.

    Attributes:
        old: of the base.
    """

    old: bool = False


@dataclass
class Outer(Base):
    """Outer.

    Attributes:
        name: its ``name``, which is long enough a text to go over more than one line of help.
        place: where.
        inner: not told itself.
        left, right: of both
            sides.
    """

    name: str = ''
    place: Path | None = None
    inner: Inner = field(default_factory=Inner)
    left: int | None = None
    right: int = 3


def test_a_dataclass_becomes_flags():
    group = Group('outer', Outer, 'outer', leave_out=('right',))
    assert list(group.flags()) == [
        ('--outer.name=', documented(Outer)['name']),
        ('--outer.place=PATH', 'where'),
        ('--outer.inner.depth=2', 'how deep [m]'),
        ('--outer.left=N', 'of both sides'),
        ('--outer.old=false', 'of the base'),
    ]
    assert documented(Outer)['name'].startswith('its name, which')


def test_the_text_of_a_command():
    made = Help('do [...]', 'Does it.', (Group('outer', Outer, 'outer'),), ('do it',), 'Done.')
    lines = str(made).splitlines()
    assert lines[:6] == ['usage: do [...]', '', 'Does it.', '', 'examples:', '  do it']
    assert '  --outer.right=3             of both sides' in lines
    assert lines[-1] == 'Done.' and max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize('config', CONFIGS)
def test_every_setting_is_told(config):
    told = documented(config)
    untold = [entry.name for entry in fields(config) if not told.get(entry.name)]
    assert not untold, f'{config.__name__} does not tell of {untold} in its Attributes'


@pytest.mark.parametrize('command', cli.COMMANDS)
def test_help_of_every_command_fits(command, capsys):
    assert cli.main([command, '--help']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f'usage: lerobot-ros {command} ')
    limit = WIDTH if command in ('record', 'teleoperate', 'dataset-viz') else 99
    assert [line for line in lines if len(line) > limit] == []


def test_help_on_recording_knows_every_section(capsys):
    cli.main(['record', '--help'])
    said = capsys.readouterr().out
    left_out = {'mux', 'episodes'}
    assert [name for name in SECTIONS if f'--{name}.' not in said and name not in left_out] == []
    assert 'so101_follower' in said and 'so101_leader' in said and 'scripted' in said
    recording = ('control_mode', 'attach', 'resume', 'display_data')
    assert set(recording) <= set(SETTINGS) and all(f'--{name}=' in said for name in recording)
