"""A session's graph as processes: names, namespaces, and where simulated ones stay."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
import yaml

from lerobot_drivers.common import graph
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import GraphError

FILE = Path('/session.yaml')
SECTIONS = {
    'robot': {'type': 'so101_follower', 'cameras': {'front': {}, 'wrist': {}}},
    'teleop': {'type': 'so101_leader'},
}
VARIABLES = ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY', 'ROS_DOMAIN_ID')


@pytest.fixture
def no_ros_settings(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, 'x')  # so that what is set below is undone
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ('section', 'namespace'),
    [
        (None, '/follower'),
        ({}, '/follower'),
        ({'id': None}, '/follower'),
        ({'id': 'black'}, '/black'),
        ({'id': 'my arm-2'}, '/my_arm_2'),
        ({'id': 7}, '/_7'),
        ({'id': 'größe'}, '/gr__e'),
    ],
)
def test_a_namespace_is_a_valid_ros_name(section, namespace):
    assert graph.namespace_of(section, 'follower') == namespace


def test_every_process_of_a_robot():
    specs = graph.robot_processes(SECTIONS, FILE)
    assert [spec.name for spec in specs] == ['arm', 'command_mux', 'front_camera', 'wrist_camera']
    assert {spec.namespace for spec in specs} == {'/follower'}
    assert all(spec.parameters['config_file'] == '/session.yaml' for spec in specs)
    assert specs[3].parameters['camera'] == 'wrist'
    without = {'robot': {'type': 'x', 'cameras': None}}
    assert len(graph.robot_processes(without, FILE)) == 2


def test_modules_named_as_strings_exist():
    specs = [
        *graph.robot_processes(SECTIONS, FILE),
        graph.teleop_process(SECTIONS, FILE),
        graph.policy_process(SECTIONS, FILE),
    ]
    assert [s.module for s in specs if importlib.util.find_spec(s.module) is None] == []


def test_a_leader_commands_the_robots_mux():
    spec = graph.teleop_process(SECTIONS, FILE)
    assert spec.namespace == '/leader'
    assert dict(spec.remappings) == {'joint_commands': '/follower/teleop/joint_commands'}


def test_two_arms_of_one_id_do_not_share_their_topics():
    sections = {'robot': {'id': 'black arm'}, 'teleop': {'id': 'black-arm'}}
    spec = graph.teleop_process(sections, FILE)
    assert spec.namespace == '/black_arm_leader'
    assert dict(spec.remappings) == {'joint_commands': '/black_arm/teleop/joint_commands'}


def test_a_policy_lives_in_the_robots_namespace():
    assert graph.policy_process({'robot': {'id': 'a'}}, FILE).namespace == '/a'


def test_the_session_is_written_as_it_is(tmp_path):
    sections = {**SECTIONS, 'dataset': {'single_task': 'Pick: "it" [up]', 'root': '/a b'}}
    assert yaml.safe_load(graph.write_session(tmp_path, sections).read_text()) == sections


def test_the_folder_is_named_by_time_and_process(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    folder = graph.session_folder(ManualClock(1_700_000_000 * 10**9))
    assert folder == tmp_path / 'lerobot_ros' / f'20231114-221320-{os.getpid()}'
    assert folder.is_dir()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'file'))
    with pytest.raises(GraphError, match=r'cannot make the folder .*set ROS_LOG_DIR'):
        graph.session_folder()


SIMULATED = {'robot': {'port': 'sim://bench/arm', 'cameras': {'f': {'index_or_path': 3}}}}


@pytest.mark.parametrize(
    ('major', 'variable', 'value'),
    [(7, 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST'), (3, 'ROS_LOCALHOST_ONLY', '1')],
)
def test_a_simulated_session_stays_on_this_machine(
    monkeypatch, no_ros_settings, major, variable, value
):
    monkeypatch.setattr(graph, 'rclpy_major', lambda: major)
    hint = graph.prepare_environment(SIMULATED)
    assert os.environ[variable] == value
    assert f'ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}' in hint
    assert 1 <= int(os.environ['ROS_DOMAIN_ID']) <= 101
    again = os.environ.pop('ROS_DOMAIN_ID')
    graph.prepare_environment({'a': ['sim://bench/other']})
    assert os.environ['ROS_DOMAIN_ID'] == again, 'one world, two domains'


def test_what_the_user_has_set_stays(monkeypatch, no_ros_settings):
    monkeypatch.setenv('ROS_DOMAIN_ID', '42')
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    monkeypatch.setattr(graph, 'rclpy_major', lambda: 9)
    assert 'ROS_DOMAIN_ID=42' in graph.prepare_environment(SIMULATED)
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'


def test_a_real_session_is_left_alone(no_ros_settings):
    assert graph.prepare_environment({'robot': {'port': '/dev/ttyACM0', 'n': 3}}) is None
    assert not set(VARIABLES) & set(os.environ)


def test_opening_a_session(tmp_path, monkeypatch, no_ros_settings):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    monkeypatch.setattr(graph, 'require_rclpy', lambda: None)
    said: list[str] = []
    path = graph.open_session(SIMULATED, said.append)
    assert path.is_relative_to(tmp_path) and yaml.safe_load(path.read_text()) == SIMULATED
    assert len(said) == 1


def test_without_rclpy_no_session_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(GraphError, match='rclpy cannot be imported'):
        graph.open_session(SIMULATED, lambda text: None)
    assert list(tmp_path.iterdir()) == []
