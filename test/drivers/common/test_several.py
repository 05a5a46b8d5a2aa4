"""Several robots: their files are read, and what would get in the other's way is refused."""

from __future__ import annotations

from copy import deepcopy

import pytest
import yaml

from lerobot_drivers.common.command_line import read_sections
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.several import expanded, members_of, name_of


def robot(name, **more):
    arm = {'type': 'so101_follower', 'id': name, 'port': f'sim://t/{name}', 'cameras': {}}
    leader = {'type': 'so101_leader', 'id': f'{name}_l', 'port': f'sim://t/{name}_l'}
    return {'robot': arm, 'teleop': leader, **more}


@pytest.fixture
def files(tmp_path):
    for name in ('left', 'right'):
        path = tmp_path / f'{name}.yaml'
        path.write_text(yaml.safe_dump(robot(name, dataset={'repo_id': 'not/this'})))
    return tmp_path


def test_each_robots_file_is_read(files):
    paths = f'[{files}/left.yaml, {files}/right.yaml]'
    found = expanded(read_sections([f'--robots.config_paths={paths}'], ('robots',)))
    assert [name_of(member) for member in members_of(found)] == ['left', 'right']
    assert members_of(found)[1] == robot('right'), 'datasets belong to the session'
    assert expanded(found) == found, 'a session file may be read again'


def test_paths_in_a_file_are_beside_it(files, monkeypatch):
    session = files / 'session.yaml'
    session.write_text('robots: {config_paths: [left.yaml, right.yaml]}')
    monkeypatch.chdir('/')
    found = expanded(read_sections([f'--config_path={session}'], ('robots',)))
    assert len(members_of(found)) == 2


def test_a_file_of_a_robot_alone_will_do(files):
    (files / 'bare.yaml').write_text('{type: so101_follower, id: bare, port: /dev/b}')
    paths = [str(files / 'left.yaml'), str(files / 'bare.yaml')]
    found = expanded({'robots': {'config_paths': paths}, 'mux': {'sources': {}}})
    bare = members_of(found)[1]
    assert name_of(bare) == 'bare' and bare['mux'] == {'sources': {}}, 'what is said for all'


def test_one_robot_is_its_own_session():
    sections = {'robot': {'type': 'x'}}
    assert expanded(sections) == sections and members_of(sections) == [sections]


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (lambda s: s['robots'].update(members=[robot('a')]), 'at least two robots, found 1'),
        (lambda s: s.update(robot={'type': 'x'}), 'robots and robot exclude each other'),
        (lambda s: s.update(teleop={'type': 'x'}), 'robots and teleop exclude each other'),
        (lambda s: s['robots']['members'][1]['robot'].pop('id'), 'number 2 has no robot.id'),
        (lambda s: s['robots']['members'][1]['robot'].update(id='a'), 'ids must differ, a occurs'),
        (
            lambda s: s['robots']['members'][1]['robot'].update(port='sim://t/a'),
            'ports must differ, sim://t/a occurs twice',
        ),
        (
            lambda s: s['robots']['members'][1]['robot'].update(port='sim://t/a_l'),
            'ports must differ, sim://t/a_l occurs twice',
        ),
        (
            lambda s: s['robots']['members'][1]['robot'].update(left_arm_port='sim://t/a'),
            'ports must differ, sim://t/a occurs twice',
        ),
        (
            lambda s: s['robots']['members'][1]['teleop'].update(
                right_arm_config={'port': 'sim://t/a'}
            ),
            'ports must differ, sim://t/a occurs twice',
        ),
        (
            lambda s: s['robots']['members'][1]['teleop'].update(id='a_l'),
            'teleop ids must differ, a_l occurs twice',
        ),
        (
            lambda s: [
                member['robot'].update(cameras={'f': {'index_or_path': 0}})
                for member in s['robots']['members']
            ],
            'cameras must differ, 0 occurs twice',
        ),
        (lambda s: s['robots'].update(datasets='both'), 'robots.datasets'),
        (lambda s: s['robots'].update(config_path=[]), r'did you mean config_paths\?'),
    ],
)
def test_what_cannot_work_is_told(change, told):
    sections = {'robots': {'members': [robot('a'), robot('b')]}}
    sections = deepcopy(sections)
    change(sections)
    with pytest.raises(ConfigError, match=told):
        expanded(sections)
