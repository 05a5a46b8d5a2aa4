"""``lerobot-ros record`` up to where processes start; whole graphs are in test/nodes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lerobot_drivers.common import graph
from lerobot_drivers.common.errors import ConfigError, DatasetExistsError, GraphError, UsageError
from lerobot_drivers.common.health import Level
from lerobot_recorder.commands import record
from lerobot_recorder.findings import Finding

DATASET = ['--dataset.repo_id=me/set', '--dataset.single_task=fold']
ROBOT = ['--robot.type=so101_follower', '--robot.port=sim://t/arm']
TELEOP = ['--teleop.type=so101_leader', '--teleop.port=sim://t/leader']
SCALED = '--processor.robot_action=[{type: scale_joints_processor, scale: {gripper: 0.5}}]'
SECTIONS = {'robot': {'type': 'so101_follower'}, 'teleop': {'type': 'so101_leader'}}


@pytest.fixture
def stage(monkeypatch, tmp_path):
    """Run the command with everything but the processes."""
    made = SimpleNamespace(specs=[], events=[], code=0, error=None, sections=None, deaths=[])

    class Supervisor:
        def __init__(self, specs, log_dir, say):
            made.specs, made.logs = list(specs), log_dir

        def __enter__(self):
            made.events.append('up')
            return self

        def __exit__(self, *error):
            made.events.append('down')

        def check(self):
            return made.deaths

    class View(record.TerminalView):
        def restore(self):
            made.events.append('restored')

    def run_recorder(sections, config_file, view):
        made.events.append('recording')
        made.sections, made.view = sections, view
        if made.error is not None:
            raise made.error
        return made.code

    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'):
        monkeypatch.setenv(name, '7')
    monkeypatch.setattr(graph, 'require_rclpy', lambda: None)
    monkeypatch.setattr(record, 'Supervisor', Supervisor)
    monkeypatch.setattr(record, 'TerminalView', View)
    monkeypatch.setattr(record, 'run_recorder', run_recorder)
    return made


def test_a_session_from_beginning_to_end(stage, capsys):
    stage.code = 3
    assert record.run([*DATASET, *ROBOT, *TELEOP]) == 3
    assert stage.events == ['up', 'recording', 'restored', 'down']
    assert [spec.name for spec in stage.specs] == ['arm', 'command_mux', 'teleop']
    assert (stage.sections['attach'], stage.sections['resume']) == (False, False)
    assert capsys.readouterr().out.splitlines()[1:] == ['stopping', 'no episode was saved']


ROBOTS = (
    '--robots.members=[{robot: {type: so101_follower, id: a, port: "sim://t/a"}, '
    'teleop: {type: so101_leader, id: al, port: "sim://t/al"}}, '
    '{robot: {type: so101_follower, id: b, port: "sim://t/b"}, '
    'teleop: {type: so101_leader, id: bl, port: "sim://t/bl"}}]'
)


def test_several_robots_have_processes_and_a_file_each(stage):
    assert record.run([*DATASET, ROBOTS]) == 0
    each = ['arm', 'command_mux', 'teleop']
    assert [spec.name for spec in stage.specs] == [f'{n}_{spec}' for n in 'ab' for spec in each]
    assert [spec.node for spec in stage.specs] == each * 2
    files = {spec.parameters['config_file'] for spec in stage.specs[3:]}
    assert files == {str(stage.logs / 'robot_b.yaml')}
    assert (
        yaml.safe_load((stage.logs / 'robot_b.yaml').read_text())['robot']['port'] == 'sim://t/b'
    )


def test_several_robots_that_others_started(stage):
    assert record.run([*DATASET, ROBOTS, '--attach=true']) == 0
    assert stage.specs == [] and len(stage.sections['robots']['members']) == 2


def test_each_place_of_several_must_be_free(stage, tmp_path):
    (tmp_path / 'set_b').mkdir()
    (tmp_path / 'set_b' / 'mine.txt').write_text('precious')
    flags = [*DATASET, ROBOTS, '--robots.datasets=each', f'--dataset.root={tmp_path}/set']
    with pytest.raises(DatasetExistsError, match='set_b exists already'):
        record.run(flags)
    assert stage.events == []


@pytest.mark.parametrize(('reported', 'code'), [(True, 0), (False, 1)])
def test_a_check_says_whether_it_was_finished(stage, reported, code, monkeypatch, capsys):
    run_recorder = record.run_recorder

    def check(sections, config_file, view):
        assert sections['check'] is True
        if reported:
            view.report([Finding(Level.WARN, 'front /front', 'slow', 'let it run', '12.0 Hz')])
        return run_recorder(sections, config_file, view)

    monkeypatch.setattr(record, 'run_recorder', check)
    assert record.run([*DATASET, '--check=true']) == code
    said = capsys.readouterr().out
    assert ('the check was not finished' in said) is not reported
    assert ('warn' in said and '12.0 Hz, slow' in said) is reported
    assert 'no episode was saved' not in said


def test_the_hub_is_asked_before_anything_starts_and_served_when_all_has_stopped(
    stage, monkeypatch
):
    for name in ('check_upload', 'upload_recorded'):
        monkeypatch.setattr(record, name, lambda *_, name=name: stage.events.append(name))
    assert record.run([*DATASET, *ROBOT, *TELEOP, '--dataset.push_to_hub=true']) == 0
    before, *session, after = stage.events
    assert (before, after) == ('check_upload', 'upload_recorded')
    assert session == ['up', 'recording', 'restored', 'down']


@pytest.mark.parametrize('error', [RuntimeError('bug'), KeyboardInterrupt(), GraphError('dead')])
def test_the_terminal_is_given_back_before_the_processes_stop_whatever_happens(stage, error):
    stage.error = error
    with pytest.raises(type(error)):
        record.run([*DATASET, *ROBOT, *TELEOP])
    assert stage.events == ['up', 'recording', 'restored', 'down']


def test_the_graph_of_others_is_recorded_without_processes(stage):
    assert record.run(DATASET) == 0
    assert stage.specs == [] and stage.sections['attach'] is True


def test_a_robot_in_the_graph_of_others_needs_no_port(stage):
    assert record.run([*DATASET, '--attach', '--robot.type=so101_follower']) == 0
    assert stage.specs == [] and stage.sections['robot']['type'] == 'so101_follower'


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (TELEOP, '--teleop has no robot to drive: name a --robot.type'),
        (['--policy.type=scripted'], '--policy has no robot to drive'),
        (['--control_mode=policy'], '--control_mode has no robot to drive'),
        ([*ROBOT], 'nobody drives the robot'),
        ([*ROBOT, *TELEOP, '--control_mode=telepathy'], 'is one of teleop, policy, hybrid, found'),
        ([*ROBOT, *TELEOP, '--control_mode=[teleop]'], 'is one of teleop'),
        ([*ROBOT, *TELEOP, '--control_mode=policy'], '--control_mode=policy needs a --policy.typ'),
        ([*ROBOT, *TELEOP, '--control_mode=hybrid'], '--control_mode=hybrid needs a --policy.typ'),
        (['--attach=maybe'], "--attach is true or false, found 'maybe'"),
        (['--attach=false'], '--attach=false needs a robot'),
        (['--resume=flase'], "--resume is true or false, found 'flase'"),
        (['--decode=true'], 'unknown flag --decode'),
    ],
)
def test_a_wrong_command_line_starts_nothing(stage, tmp_path, arguments, told):
    with pytest.raises(UsageError, match=told):
        record.run([*DATASET, *arguments])
    assert stage.events == [] and not (tmp_path / 'log').exists()


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (
            [*ROBOT, '--teleop.type=so999'],
            "unknown teleoperator type 'so999'; known types: .*so100_",
        ),
        (['--robot.type=so999', *TELEOP], "unknown robot type 'so999'"),
        ([*ROBOT, '--policy.type=gpt'], "unknown policy type 'gpt'"),
        ([*ROBOT, *TELEOP, '--teleop.prot=x'], 'teleop.prot is not a known key'),
        ([*ROBOT, '--policy.type=scripted', '--policy.max_age_s=.nan'], 'policy: max_age_s must'),
        (
            [*ROBOT, *TELEOP, '--processor.teleop_action=[nope]'],
            'teleop_action step 1 .nope.: unk',
        ),
        ([*ROBOT, '--policy.type=scripted', SCALED], 'a second time: .* policy.postprocessor'),
        (['--robot=so101', *TELEOP], "robot: .*found 'so101'"),
        (['--dataset.fps=0'], 'dataset: fps must be a whole number above 0, found 0$'),
    ],
)
def test_a_setting_that_cannot_be_obeyed_starts_nothing(stage, tmp_path, arguments, told):
    with pytest.raises(ConfigError, match=told):
        record.run([*DATASET, *arguments])
    assert stage.events == [] and not (tmp_path / 'log').exists()


def test_steps_are_not_held_against_a_policy_that_does_not_drive(stage):
    idle = [*ROBOT, *TELEOP, '--policy.type=scripted', SCALED]
    assert record.run([*DATASET, *idle]) == 0
    with pytest.raises(ConfigError, match='a second time'):
        record.run([*DATASET, *idle, '--control_mode=hybrid'])


@pytest.mark.parametrize('is_file', [True, False])
def test_a_place_that_is_taken_starts_nothing(stage, tmp_path, is_file):
    root = tmp_path / 'taken'
    if not is_file:
        root.mkdir()
    (root if is_file else root / 'mine.txt').write_text('precious')
    with pytest.raises(DatasetExistsError, match=f'{root} exists already.*--resume=true'):
        record.run([*DATASET, *ROBOT, *TELEOP, f'--dataset.root={root}'])
    assert stage.events == []


def test_resuming_wants_the_place_taken(stage, tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set' / 'a').write_text('')
    assert record.run([*DATASET, f'--dataset.root={tmp_path}/set', '--resume']) == 0
    assert stage.sections['resume'] is True


@pytest.mark.parametrize(
    ('more', 'expected'),
    [
        ({}, ('teleop',)),
        ({'policy': {}}, ('teleop',)),
        ({'policy': {}, 'control_mode': 'policy'}, ('policy',)),
        ({'policy': {}, 'control_mode': 'hybrid'}, ('teleop', 'policy')),
    ],
)
def test_who_drives(more, expected):
    assert record.drivers({**SECTIONS, **more}) == expected
    specs = record.processes({**SECTIONS, **more}, Path('/s.yaml'))
    assert tuple(spec.name for spec in specs[2:]) == expected


@pytest.mark.parametrize(
    ('sections', 'namespace'),
    [({'attach': True, 'robot': {}}, '/'), ({'attach': False, 'robot': {'id': 'a b'}}, '/a_b')],
)
def test_the_recorder_runs_in_the_robots_namespace(monkeypatch, sections, namespace):
    heard = {}
    fake = SimpleNamespace(run_node=lambda node, args, profile: heard.update(f=node, a=args) or 5)
    monkeypatch.setitem(__import__('sys').modules, 'lerobot_drivers.ros', fake)
    monkeypatch.setattr(record, 'load_object', lambda target, what: lambda view: (target, view))
    assert record.run_recorder(sections, Path('/a b/s.yaml'), 'view') == 5
    assert heard['f']() == ('lerobot_recorder.recorder_node:RecorderNode', 'view')
    assert f'__ns:={namespace}' in heard['a']
    assert json.loads(heard['a'][-1].removeprefix('config_file:=')) == '/a b/s.yaml'


def test_the_dashboard_comes_along_and_its_token_is_in_no_file(stage, capsys):
    flags = ['--dashboard=true', '--dashboard.port=0', '--dashboard.token=0123456789abcdef']
    assert record.run([*DATASET, *ROBOT, *TELEOP, *flags]) == 0
    spec = stage.specs[-1]
    assert (spec.name, spec.namespace, spec.is_vital) == ('dashboard', '/follower', False)
    assert f'dashboard: http://127.0.0.1:{spec.parameters["port"]}/' in capsys.readouterr().out
    assert 'dashboard' not in stage.sections
    assert '0123456789abcdef' not in (stage.logs / 'session.yaml').read_text()


def test_the_dashboard_comes_along_in_the_graph_of_others(stage):
    assert record.run([*DATASET, '--dashboard', '--dashboard.port=0']) == 0
    (spec,) = stage.specs
    assert (spec.name, spec.namespace) == ('dashboard', '/')


def test_there_is_no_dashboard_unless_it_is_asked_for(stage):
    assert record.run([*DATASET, *ROBOT, *TELEOP, '--dashboard=false']) == 0
    assert 'dashboard' not in [spec.name for spec in stage.specs]


def test_a_dashboard_that_cannot_be_had_starts_nothing(stage):
    with pytest.raises(ConfigError, match=r'host 0\.0\.0\.0 can be reached from the network'):
        record.run([*DATASET, *ROBOT, *TELEOP, '--dashboard.host=0.0.0.0'])
    assert stage.events == []
