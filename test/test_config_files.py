"""The shipped configurations: every section is what its reader takes, every type exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_files import ROOT

from lerobot_drivers.cameras import CAMERAS
from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.robots import ROBOTS
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.sim.address import is_sim_address
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import POLICIES
from lerobot_recorder.config import DatasetConfig, RecorderConfig
from lerobot_teleop.config import MuxConfig, mux_config
from lerobot_teleop.teleoperators import TELEOPERATORS
from lerobot_teleop.teleoperators.config import TeleopConfig

FILES = sorted((ROOT / 'config').glob('*.yaml'))
SECTIONS = {
    'robot': RobotConfig,
    'teleop': TeleopConfig,
    'mux': MuxConfig,
    'dataset': DatasetConfig,
    'recorder': RecorderConfig,
    'policy': PolicyConfig,
}

each_file = pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)


@each_file
def test_every_section_is_readable(path: Path) -> None:
    sections = read_yaml(path)
    assert set(sections) == set(SECTIONS)
    built = {
        name: build(kind, sections[name], name) for name, kind in SECTIONS.items() if name != 'mux'
    }
    assert set(mux_config(path).sources) == {'teleop', 'policy'}
    assert built['robot'].type in ROBOTS.names()
    assert built['teleop'].type in TELEOPERATORS.names()
    assert built['policy'].type in POLICIES.names()
    assert {camera.type for camera in built['robot'].cameras.values()} <= set(CAMERAS.names())


def test_only_the_simulated_one_is_simulated() -> None:
    for path in FILES:
        robot = build(RobotConfig, read_yaml(path)['robot'], 'robot')
        addresses = [robot.port, *(camera.index_or_path for camera in robot.cameras.values())]
        assert all(is_sim_address(item) == ('sim' in path.stem) for item in addresses)
