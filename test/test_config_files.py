"""The shipped configurations: every section is what its reader takes, every type exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from source_files import ROOT

from lerobot_drivers.cameras import CAMERAS
from lerobot_drivers.common.config import build, read_yaml
from lerobot_drivers.common.several import RobotsConfig
from lerobot_drivers.robots import ROBOTS
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.sim.address import is_sim_address
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import POLICIES
from lerobot_recorder.commands import record
from lerobot_recorder.commands.record import read_session
from lerobot_recorder.config import DatasetConfig, RecorderConfig, TopicsConfig
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
    'robots': RobotsConfig,
    'topics': TopicsConfig,
}
REGISTRIES = {'robot': ROBOTS, 'teleop': TELEOPERATORS, 'policy': POLICIES}

WHOLE = {
    'aloha.yaml',
    'aloha_sim.yaml',
    'bi_so101.yaml',
    'bi_so101_sim.yaml',
    'koch.yaml',
    'koch_sim.yaml',
    'lekiwi.yaml',
    'lekiwi_sim.yaml',
    'so100.yaml',
    'so101.yaml',
    'so101_sim.yaml',
    'so101_twin_sim.yaml',
    'template_record.yaml',
}
"""Those that every command can be run with."""
ON_USB = ('lekiwi', 'so100', 'so101', 'bi_so101', 'koch', 'aloha', 'hope_jr_arm', 'hope_jr_hand')
OF_TWO_ROBOTS = ('two_so101_sim', 'hope_jr_sim')

each_file = pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)


@each_file
def test_every_section_is_readable(path: Path) -> None:
    sections = read_yaml(path)
    if path.name in WHOLE:
        assert set(sections) == {*SECTIONS} - {'robots', 'topics'}
    known = {name: kind for name, kind in SECTIONS.items() if name in sections}
    built = {n: build(kind, sections[n], n) for n, kind in known.items() if n != 'mux'}
    assert built or 'robots' in sections
    if 'mux' in sections:
        assert set(mux_config(path).sources) == {'teleop', 'policy'}
    for name, registry in REGISTRIES.items():
        assert name not in built or built[name].type in registry.names()
    if 'robot' in built:
        cameras = {camera.type for camera in built['robot'].cameras.values()}
        assert cameras <= set(CAMERAS.names())


@pytest.mark.parametrize(
    'path',
    [path for path in FILES if 'dataset' in read_yaml(path) and path.stem not in ON_USB],
    ids=lambda path: path.name,
)
def test_a_session_can_be_read_by_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Arms on USB need their calibrations; this is about the file.
    monkeypatch.setattr(record, 'make_robot', lambda config: config)
    session = read_session([f'--config_path={path}'])
    assert session.dataset.single_task
    assert session.attach == ('attach' in path.stem)
    assert len(session.robots) == (2 if path.stem in OF_TWO_ROBOTS else 0)


def test_only_the_simulated_one_is_simulated() -> None:
    for path in FILES:
        if 'robot' not in read_yaml(path):
            continue
        robot = build(RobotConfig, read_yaml(path)['robot'], 'robot')
        told = robot, robot.left_arm_config, robot.right_arm_config
        ports = [side.port for side in told if side]
        ports += [robot.left_arm_port, robot.right_arm_port]
        cameras = [c.ip_address or c.index_or_path for c in robot.cameras.values()]
        addresses = [*(port for port in ports if port), *cameras]
        assert all(is_sim_address(item) == ('sim' in path.stem) for item in addresses)


def test_documents_name_files_that_are_there() -> None:
    pages = [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')]
    told = {name for page in pages for name in re.findall(r'config/(\w+\.\w+)', page.read_text())}
    assert told
    assert told <= {path.name for path in (ROOT / 'config').iterdir()}
