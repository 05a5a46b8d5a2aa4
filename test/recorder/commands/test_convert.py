"""``lerobot-ros convert``: flags, and a report one can read."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from synthetic_messages import MS, T0, S, image, joint_state, raw, write_bag

from lerobot_drivers.common.errors import BagError, ConfigError, DatasetExistsError, UsageError
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.commands import convert
from lerobot_recorder.dataset.dataset_reader import DatasetReader

CAMERA = '/robot/left_wrist_camera_of_the_arm/image_raw'
DATASET = ['--dataset.repo_id=me/set', '--dataset.single_task=Sort: red #3', '--dataset.fps=10']


def messages():
    for k in range(100):
        stamp = T0 + k * 20 * MS
        yield raw('/joint_states', joint_state(stamp, 'ab', [k, 0]), stamp + MS)
        yield raw('/joint_commands', joint_state(stamp, 'ab', [k, 1]), stamp + MS)
        if k % 5 == 0 and k not in (50, 55):
            yield raw(CAMERA, image(stamp, np.zeros((16, 16, 3), np.uint8)), stamp + 2 * MS)


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / 'bag', messages())


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'set'


def run(bag, root, *more):
    return convert.run([str(bag), *DATASET, f'--dataset.root={root}', *more])


def test_a_bag_becomes_a_dataset_with_the_task_as_typed(bag, root):
    assert run(bag, root) == 0
    reader = DatasetReader(root)
    assert (reader.num_episodes, reader.episode(0).length) == (1, 20)
    assert reader.tasks == ['Sort: red #3']


def test_the_reports_are_readable_in_80_columns(bag, root, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    run(bag, root)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert max(len(line) for line in lines[1:-1]) <= 80
    starts = [line.split()[:2] for line in lines if not line.startswith(' ')]
    name = 'observation.images.left_wrist_camera_of_the_arm'
    assert [start for start in starts if start[0] not in ('network', 'arrive,')] == [
        ['bag', str(bag) + ':'], ['/joint_commands', '100'], ['/joint_states', '100'],
        [CAMERA, '18'], ['clock', 'the'], [CAMERA + ':', 'makes'],
        ['noticed', 'observation.state'],
        ['observation.state', '100'], ['action', '100'], [name, '18'],
        ['encoding', 'h264'], ['20', 'frames,'],
    ]  # fmt: skip
    text = ' '.join(' '.join(lines).split())
    assert '18 sensor_msgs/Image; 10.00 Hz (8.95 with its gaps); stamped by header' in text
    assert f'observation.images.left_wrist_camera_of_the_arm {CAMERA}: its pictures are bl' in text
    assert '2 repeated' in text and 'skew 0.0 ms, 95 % within 105.0 ms; clock: header 18' in text
    assert '20 frames, 2.0 s, usable (left_wrist_camera_of_the_arm: 10.0% of its pict' in text
    assert text.endswith(f'in {root}')


def test_the_bag_may_be_in_the_file(bag, root, tmp_path):
    path = tmp_path / 'session.yaml'
    path.write_text(
        f'bag: {bag}\ndataset: {{repo_id: me/set, single_task: x, root: {root}, fps: 10}}\n'
        'policy: {type: scripted}\n'
    )
    assert convert.run([f'--config_path={path}']) == 0
    assert DatasetReader(root).num_episodes == 1


def test_a_robot_that_is_known_tells_joints_and_units_and_needs_no_port(tmp_path, root):
    robot = make_robot(RobotConfig(type='so101_follower', port='x'))
    names = [joint.name for joint in reversed(robot.joints)]
    said = [raw('/joint_states', joint_state(T0 + k * 20 * MS, names, [0.1] * 6), T0 + k * 20 * MS)
            for k in range(50)]  # fmt: skip
    bag = write_bag(tmp_path / 'arm', said)
    assert run(bag, root, '--robot.type=so101_follower', '--topics.action=none') == 0
    reader = DatasetReader(root)
    assert reader.features['observation.state']['names'] == list(robot.action_features)
    assert reader.episode(0).rows['observation.state'][0, 0] == pytest.approx(math.degrees(0.1))


def test_a_part_of_a_bag(bag, root):
    start = T0 / S
    run(bag, root, f'--start_s={start + 0.5}', f'--end_s={start + 1.25}')
    assert 6 <= DatasetReader(root).episode(0).length <= 8


@pytest.mark.parametrize(
    ('more', 'told'),
    [
        (['--start_s=soon'], "--start_s is a number of seconds, found 'soon'"),
        (['--end_s=.nan'], '--end_s is a number of seconds, found nan'),
        (['--end_s=.inf'], '--end_s is a number of seconds, found inf'),
        (['--start_s=5', '--end_s=5'], '--start_s must lie before --end_s'),
        (['--resume=maybe'], "--resume is true or false, found 'maybe'"),
        (['--dry-run=2'], '--dry_run is true or false, found 2'),
        (['--report'], '--report is a file, such as --report=convert.json, found True'),
        (['--report=/nowhere/r.json'], '--report: there is no folder /nowhere'),
    ],
)
def test_wrong_flags_leave_nothing(bag, root, more, told):
    with pytest.raises(UsageError, match=told):
        run(bag, root, *more)
    assert not root.exists()


def test_without_a_bag():
    with pytest.raises(UsageError, match='name the bag'):
        convert.run(DATASET)
    with pytest.raises(BagError, match='bag /nope does not exist'):
        convert.run(['/nope', *DATASET])


def test_without_a_dataset(bag):
    with pytest.raises(ConfigError, match=r'dataset\.repo_id is missing'):
        convert.run([str(bag)])


def test_a_place_that_is_taken_is_refused(bag, root):
    root.mkdir()
    (root / 'mine').write_text('precious')
    with pytest.raises(
        DatasetExistsError, match=r'exists already.*or add to it with --resume=true'
    ):
        run(bag, root)
    assert [path.name for path in root.iterdir()] == ['mine']


def test_steps_are_done_to_the_rows_told_and_kept(bag, root, capsys):
    camera = 'left_wrist_camera_of_the_arm'
    rename = {'type': 'rename_observations_processor', 'rename_map': {camera: 'wrist'}}
    crop = {'type': 'image_crop_resize_processor', 'resize_size': [8, 12]}
    flag = f'--processor.robot_observation={json.dumps([rename, crop])}'
    assert run(bag, root, flag, '--dataset.augmentation.brightness=0.2') == 0
    assert 'steps on rows: rename_observations_processor, image_crop' in capsys.readouterr().out
    assert DatasetReader(root).features['observation.images.wrist']['shape'] == [8, 12, 3]
    (path,) = (root / 'meta/ros/episodes').glob('*.json')
    details = json.loads(path.read_text())['details']
    kept = details['session']['processors']['robot_observation']
    assert [step['config'] for step in kept['steps']] == [
        {'rename_map': rename['rename_map']},
        {'crop_params_dict': {}, 'resize_size': [8, 12]},
    ]
    assert list(details['processors']['image_augmentation_processor']['cameras']) == ['wrist']
    name = details['kept']['files']['processor.robot_observation']
    assert json.loads((root / 'meta/ros/files' / name).read_text()) == kept


def test_a_step_that_cannot_be_leaves_nothing_behind(bag, root):
    rename = {'type': 'rename_observations_processor', 'rename_map': {'side': 'wrist'}}
    with pytest.raises(ConfigError, match=r"no 'side'; there are a.pos, b.pos, left_wrist"):
        run(bag, root, f'--processor.robot_observation={json.dumps([rename])}')
    assert not root.exists()


def test_a_dry_run_tells_what_would_be_made_and_writes_nothing(bag, root, tmp_path, capsys):
    assert run(bag, root, '--dry-run', f'--report={tmp_path / "dry.json"}') == 0
    text = ' '.join(capsys.readouterr().out.split())
    assert '0 0.00 s 1.98 s about 21 Sort: red #3 the whole bag' in text
    assert 'observation.state float32 2: a.pos, b.pos' in text
    assert '1 episodes, about 21 rows' in text and text.endswith('nothing was written')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['bag', 'dry.json']
    report = json.loads((tmp_path / 'dry.json').read_text())
    assert report['features']['action']['shape'] == [2]
    assert report['before']['streams']['/joint_states']['count'] == 100


def test_a_dry_run_needs_no_name_nor_a_dataset_whose_folder_is_told(bag, root):
    _, task, fps = DATASET
    assert convert.run([str(bag), task, fps, '--dry-run']) == 0
    assert convert.run([str(bag), task, fps, f'--dataset.root={root}']) == 0
    assert DatasetReader(root).num_episodes == 1


def test_what_cannot_be_made_is_told_with_what_is_there_and_all_reasons(bag, root, capsys):
    features = (
        '{observation.state: {topic: /joint_states, joints: [a, wrist]}, action: {topic: /no}}'
    )
    with pytest.raises(BagError) as caught:
        run(bag, root, f'--report={bag}.json', f'--recorder.features={features}')
    told = str(caught.value)
    report = json.loads(bag.with_name('bag.json').read_text())
    assert len(report['problems']) == 2 and report['before']['streams'] and not root.exists()
    assert 'holds no messages on /no; topics there: /joint_commands' in told
    assert 'no message of /joint_states holds wrist; there are a, b' in told and '\n' not in told
    out = capsys.readouterr().out
    assert '100 sensor_msgs/JointState; 50.00 Hz' in out and 'no message' in out


def test_a_report_for_machines(bag, root, tmp_path):
    assert run(bag, root, f'--report={tmp_path / "made.json"}') == 0
    report = json.loads((tmp_path / 'made.json').read_text())
    (episode,) = report['episodes']
    assert (report['frames'], episode['frames'], episode['task']) == (20, 20, 'Sort: red #3')
    assert episode['streams']['observation.state']['skew_p95_ms'] == 0.0
    (path,) = (root / 'meta/ros/episodes').glob('*.json')
    details = json.loads(path.read_text())['details']
    assert details['source']['bag'] == str(bag) and details['source']['is_whole']
    look = json.loads((root / 'meta/ros/files' / details['kept']['files']['bag']).read_text())
    assert look == report['before']


def test_bags_go_into_one_dataset_one_by_one(bag, root, tmp_path, capsys):
    first = (one for one in messages() if one.received_ns < T0 + S)
    later = write_bag(tmp_path / 'later', first)
    for one in (bag, later, bag):
        assert run(one, root, '--resume=true') == 0
    assert DatasetReader(root).num_episodes == 2
    assert f'nothing new for {root}' in capsys.readouterr().out


def test_episodes_by_a_file_of_the_session(bag, root, tmp_path):
    cuts = tmp_path / 'cuts.csv'
    cuts.write_text('0.2,0.6,grasp\n1.5,1.9,let go\n')
    path = tmp_path / 'session.yaml'
    path.write_text(
        f'dataset: {{repo_id: me/set, root: {root}, fps: 10}}\nepisodes: {{file: {cuts}}}\n'
    )
    assert convert.run([str(bag), f'--config_path={path}']) == 0
    assert DatasetReader(root).tasks == ['grasp', 'let go']
