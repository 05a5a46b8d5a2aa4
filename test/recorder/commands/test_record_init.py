"""``lerobot-ros record --init`` up to where ROS begins; a whole graph is in test/nodes."""

from __future__ import annotations

import pytest
import yaml

from lerobot_drivers.common.errors import ConfigError, GraphError, StreamError, UsageError
from lerobot_recorder.commands import record, record_init
from lerobot_recorder.offers import Offer
from lerobot_recorder.survey import SeenTopic

LAB = (Offer('/lab', 'x', True),)
GRAPH = {
    one.topic: one
    for one in (
        SeenTopic('/joint_states', 'sensor_msgs/msg/JointState', LAB, 100.0, ('a', 'b')),
        SeenTopic('/joint_commands', 'sensor_msgs/msg/JointState', LAB, 50.0, ('a', 'b')),
        SeenTopic('/front/image_raw', 'sensor_msgs/msg/Image', LAB, 15.0, size=(640, 480)),
    )
}
SO101 = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')


@pytest.fixture(autouse=True)
def graph(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    seen = dict(GRAPH)
    monkeypatch.setattr(record_init, 'listen', lambda sections: seen)
    return seen


def test_the_file_is_written_where_it_was_asked_for(tmp_path, capsys):
    assert record.run(['--init']) == 0
    said = capsys.readouterr().out
    assert '15 rows/s fit: /front/image_raw 15.0 Hz' in said
    assert 'record --config_path=record.yaml --check=true' in said
    written = yaml.safe_load((tmp_path / 'record.yaml').read_text())
    assert written['dataset']['fps'] == 15
    assert list(written['recorder']['features'])[1] == 'action'
    assert record.run(['--init=other.yaml', '--topics.action=none', '--dataset.fps=10']) == 0
    other = yaml.safe_load((tmp_path / 'other.yaml').read_text())
    assert 'action' not in other['recorder']['features'] and other['dataset']['fps'] == 10


def test_nothing_is_overwritten_unless_told(tmp_path):
    (tmp_path / 'record.yaml').write_text('precious')
    with pytest.raises(UsageError, match=r'record.yaml is there already: .* --force'):
        record.run(['--init'])
    assert (tmp_path / 'record.yaml').read_text() == 'precious'
    assert record.run(['--init', '--force']) == 0
    assert 'attach: true' in (tmp_path / 'record.yaml').read_text()


def test_a_robot_of_ours_gives_its_units(graph, tmp_path, capsys):
    for topic in ('/joint_states', '/joint_commands'):
        graph[topic] = SeenTopic(topic, 'sensor_msgs/msg/JointState', LAB, 100.0, SO101)
    assert record.run(['--init=plain.yaml']) == 0
    assert (
        'the joints of koch_follower, so100_follower, so101_follower:' in capsys.readouterr().out
    )
    assert record.run(['--init', '--robot.type=so101_follower', '--robot.port=sim://t/arm']) == 0
    assert 'the joints of' not in capsys.readouterr().out
    written = yaml.safe_load((tmp_path / 'record.yaml').read_text())
    units = written['recorder']['features']['action']['units']
    assert units['gripper']['mode'] == 'range_0_100' and units['shoulder_pan']['mode'] == 'degrees'
    assert written['robot']['type'] == 'so101_follower'


@pytest.mark.parametrize(
    ('flags', 'error', 'told'),
    [
        (['--init=/nope/record.yaml'], UsageError, 'there is no folder /nope'),
        (['--init', '--recorder.preset=ur5'], ConfigError, "no preset 'ur5'; known: aloha"),
        (['--init', '--topics.state=/nope'], StreamError, 'there is no topic /nope'),
        (['--init', '--teleop.type=x'], UsageError, 'unknown flag --teleop'),
        (['--init', '--recorder.mode=x'], UsageError, 'unknown flag --recorder.mode'),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(flags, error, told, tmp_path):
    with pytest.raises(error, match=told):
        record.run(flags)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_with_nothing_of_use(graph, tmp_path):
    graph.clear()
    graph['/chatter'] = SeenTopic('/chatter', 'std_msgs/msg/Bool', LAB, 1.0, ('0',))
    with pytest.raises(GraphError, match=r'no topic looks like .*: /chatter; name them'):
        record.run(['--init'])
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_decided_is_said(graph, capsys):
    graph['/b/joint_states'] = SeenTopic('/b/joint_states', 'sensor_msgs/msg/JointState', LAB)
    assert record.run(['--init']) == 0
    said = capsys.readouterr().out
    assert 'observation.state is not decided: take one of its candidates in record.yaml' in said


def test_the_help_lists_the_presets():
    assert '  ur_trajectory ' in str(record.HELP) and '--init' in str(record.HELP)
