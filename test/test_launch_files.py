"""Launch files are dull: short, nothing newer than Humble, and every name in them exists."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
import yaml
from fake_launch import MODULES, LaunchError, launch
from source_files import ROOT, imports_of
from test_package_xml import keys, metadata

from lerobot_drivers.urdf.models import robot_urdf

FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
MAX_LINES = 60
EVERY_NODE = {'config_file', 'use_sim_time', 'autostart'}

each_file = pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)


def scripts() -> set[str]:
    return {
        line.partition('=')[0].strip() for line in metadata()['entry_points']['console_scripts']
    }


def humble_names() -> set[str]:
    return {f'{module}.{kind.__name__}' for module, kinds in MODULES.items() for kind in kinds}


def names(path: Path, **arguments: str) -> list[str]:
    return [node['full_name'] for node in launch(path, **arguments).nodes]


def test_the_files_are_there() -> None:
    found = [path.name.partition('.')[0] for path in FILES]
    assert found == ['policy', 'record', 'robot', 'teleop', 'view']


@each_file
def test_short_and_without_logic(path: Path) -> None:
    source = path.read_text(encoding='utf-8')
    assert len(source.splitlines()) <= MAX_LINES
    tree = ast.parse(source)
    statements = (ast.If, ast.While, ast.Try, ast.With, ast.ClassDef, ast.Global)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, statements)]


@each_file
def test_imports_only_what_humble_has(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding='utf-8'))
    assert {item.name for item in imports_of(tree, path)} <= humble_names()


@each_file
def test_arguments_declared_are_used_and_described(path: Path) -> None:
    context = launch(path)
    for name in context.declared:
        assert context.declared[name] == context.used[name], name


@each_file
def test_nodes_exist(path: Path) -> None:
    for node in launch(path).nodes:
        if node['package'] == 'lerobot_ros':
            assert node['executable'] in scripts()
            assert set(node['parameters']) >= EVERY_NODE
            assert node['arguments'] == ['--log-level', 'info']
        else:
            assert node['package'] in keys('exec_depend')
    assert max(Counter(names(path)).values()) == 1


@each_file
def test_default_files_exist_and_hold_the_cameras(path: Path) -> None:
    for node in launch(path).nodes:
        parameters = node['parameters']
        if 'config_file' in parameters:
            config = yaml.safe_load(Path(parameters['config_file']).read_text(encoding='utf-8'))
            assert parameters.get('camera') in {None, *config['robot']['cameras']}
        for argument in node['arguments']:
            assert not argument.startswith('/') or Path(argument).is_file()


def test_record_starts_the_whole_graph() -> None:
    assert sorted(names(ROOT / 'launch/record.launch.py')) == [
        '/follower/arm',
        '/follower/command_mux',
        '/follower/front_camera',
        '/follower/recorder',
        '/follower/wrist_camera',
        '/leader/teleop',
    ]


def test_arguments_reach_the_included_files() -> None:
    context = launch(
        ROOT / 'launch/record.launch.py',
        namespace='left',
        leader_namespace='left_leader',
        cameras='top',
        config_file='/tmp/mine.yaml',
    )
    found = {node['full_name']: node for node in context.nodes}
    assert set(found) == {
        '/left/arm',
        '/left/top_camera',
        '/left/command_mux',
        '/left_leader/teleop',
        '/left/recorder',
    }
    assert {node['parameters']['config_file'] for node in context.nodes} == {'/tmp/mine.yaml'}
    assert found['/left/top_camera']['parameters']['camera'] == 'top'
    assert found['/left_leader/teleop']['remappings'] == {
        'joint_commands': '/left/teleop/joint_commands'
    }


def test_what_is_viewed_is_the_robot_of_the_file() -> None:
    path = str(ROOT / 'config/koch_sim.yaml')
    nodes = launch(ROOT / 'launch/view.launch.py', config_file=path, namespace='lab').nodes
    found = {node['full_name']: node['parameters'] for node in nodes}
    assert set(found) == {'/lab/robot_state_publisher', '/lab/rviz'}
    told = found['/lab/robot_state_publisher']['robot_description']
    assert told == robot_urdf('koch_follower')


def test_no_cameras() -> None:
    assert names(ROOT / 'launch/robot.launch.py', cameras='') == ['/follower/arm']


@pytest.mark.parametrize(
    ('line', 'error', 'message'),
    [
        ('from launch.substitutions import EqualsSubstitution', ImportError, 'EqualsSubstitution'),
        ("n = LaunchConfiguration('prot')", LaunchError, "'prot' does not exist"),
    ],
)
def test_a_mistake_is_noticed(
    tmp_path: Path, line: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / 'bad.launch.py'
    path.write_text(
        'from launch import LaunchDescription\n'
        'from launch.substitutions import LaunchConfiguration\n'
        'from launch_ros.actions import Node\n'
        f'n = "a"\n{line}\n'
        'def generate_launch_description():\n'
        '    node = Node(package="p", executable=n, name="a", namespace="b")\n'
        '    return LaunchDescription([node])\n'
    )
    with pytest.raises(error, match=message):
        launch(path)
