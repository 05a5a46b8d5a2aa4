"""``lerobot-ros convert --init``: from a bag of unknown content to a dataset."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from synthetic_messages import (
    MS,
    T0,
    S,
    compressed,
    header,
    image,
    joint_state,
    make,
    raw,
    write_bag,
)

from lerobot_drivers.common.errors import BagError, StreamError, UsageError
from lerobot_recorder.commands import convert
from lerobot_recorder.dataset.dataset_reader import DatasetReader


def stream(topic, make_one, hz, seconds=3.0, late_ms=2):
    for k in range(round(seconds * hz)):
        stamp = T0 + k * S // hz
        yield raw(topic, make_one(stamp, k), stamp + late_ms * MS)


def joints(topic, names, hz=100, factor=1.0, **more):
    return stream(
        topic, lambda at, k: joint_state(at, names, [factor * k / hz] * len(names)), hz, **more
    )


def camera(topic='/front/image_raw', hz=30):
    def picture(at, k):
        return image(at, np.full((24, 32, 3), 8 * (k % 30), np.uint8))

    return stream(topic, picture, hz, late_ms=20)


def vector(x=0.0, y=0.0, z=0.0):
    return make('geometry_msgs/msg/Vector3', x, y, z)


def twist(topic, hz=10):
    return stream(topic, lambda at, k: make('geometry_msgs/msg/Twist', vector(k), vector()), hz)


def bag_of(tmp_path, *streams):
    messages = sorted((one for some in streams for one in some), key=lambda one: one.received_ns)
    return str(write_bag(tmp_path / 'bag', messages))


def init(tmp_path, *streams, flags=()):
    """Return the bag, the file written and what it says."""
    bag, path = bag_of(tmp_path, *streams), tmp_path / 'first.yaml'
    assert convert.run([bag, f'--init={path}', *flags]) == 0
    return bag, path, yaml.safe_load(path.read_text())


def converted(bag, path, root):
    flags = [f'--config_path={path}', '--dataset.repo_id=me/set', f'--dataset.root={root}']
    assert convert.run([str(bag), *flags]) == 0
    return DatasetReader(root)


def uncomment(path, first_line):
    """Take the "# " from a commented entry, and the null away that stands for it."""
    key = first_line.partition(':')[0]
    lines = [line for line in path.read_text().splitlines() if line.strip() != f'{key}: null']
    at = next(i for i, line in enumerate(lines) if line.strip() == f'# {first_line}')
    lines[at] = lines[at].replace('# ', '', 1)
    while at + 1 < len(lines) and lines[at + 1].lstrip().startswith('#   '):
        at += 1
        lines[at] = lines[at].replace('# ', '', 1)
    path.write_text('\n'.join(lines))


def test_from_a_bag_to_a_dataset(tmp_path, capsys):
    bag, path, said = init(
        tmp_path, joints('/joint_states', 'ab'), joints('/joint_commands', 'ab', 50), camera()
    )
    told = capsys.readouterr().out
    assert f'{path} is written: lerobot-ros convert {bag} --config_path={path}' in told
    assert '300 messages, 100.0 Hz' in ' '.join(told.split())
    assert said['dataset']['fps'] == 30 and 'num_episodes' not in said['dataset']
    assert list(said['recorder']['features']) == [
        'observation.state', 'action', 'observation.images.front'
    ]  # fmt: skip
    text = path.read_text()
    assert 'best effort' not in text and 'reliable' not in text  # a bag knows no publishers
    reader = converted(bag, path, tmp_path / 'set')
    assert reader.episode(0).length == 90
    times = np.arange(90) / 30
    assert reader.episode(0).rows['observation.state'] == pytest.approx(
        np.c_[times, times], abs=1e-6
    )


def test_the_state_one_row_later_as_action(tmp_path):
    bag, path, said = init(tmp_path, joints('/joint_states', 'ab'), camera())
    assert 'action' not in said['recorder']['features']
    uncomment(path, 'action:')
    rows = converted(bag, path, tmp_path / 'set').episode(0).rows
    assert len(rows['action']) > 80
    assert rows['action'][:-1] == pytest.approx(rows['observation.state'][1:], abs=1e-5)


def test_two_arms_and_a_gripper_are_laid_out_and_can_be_one(tmp_path, capsys):
    bag, path, said = init(
        tmp_path, joints('/left/joint_states', 'ab'), joints('/right/joint_states', 'ab', factor=2)
    )
    assert said['recorder']['features']['observation.state'] is None
    assert 'observation.state is not decided' in capsys.readouterr().out
    with pytest.raises(Exception, match=r'observation\.state is not decided yet'):
        converted(bag, path, tmp_path / 'set')
    text = path.read_text()
    text = text[: text.index('# observation.state')] + text[text.index('# all of these') :]
    path.write_text(text)
    uncomment(path, 'observation.state:')
    reader = converted(bag, path, tmp_path / 'set')
    assert reader.features['observation.state']['names'] == [
        'left_a.pos', 'left_b.pos', 'right_a.pos', 'right_b.pos'
    ]  # fmt: skip
    state = reader.episode(0).rows['observation.state']
    assert state[:, 2] == pytest.approx(2 * state[:, 0], abs=1e-5)


def test_a_mobile_base_has_its_place_as_state_and_its_velocity_as_action(tmp_path):
    def odometry(at, k):
        pose = make('geometry_msgs/msg/Pose', make('geometry_msgs/msg/Point', k, 0.0, 0.0),
                    make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 1.0))  # fmt: skip
        moving = make('geometry_msgs/msg/Twist', vector(1.0), vector())
        placed = make('geometry_msgs/msg/PoseWithCovariance', pose, np.zeros(36))
        driven = make('geometry_msgs/msg/TwistWithCovariance', moving, np.zeros(36))
        return make('nav_msgs/msg/Odometry', header(at), 'base', placed, driven)

    bag, path, said = init(tmp_path, stream('/odom', odometry, 50), twist('/cmd_vel'), camera())
    features = said['recorder']['features']
    assert features['observation.state'] == {'topic': '/odom'}
    assert features['action'] == {'topic': '/cmd_vel'}
    reader = converted(bag, path, tmp_path / 'set')
    assert reader.features['action']['names'][0] == 'linear.x'
    assert reader.episode(0).rows['observation.state'][3, 0] == pytest.approx(5, abs=0.01)


def test_a_bag_of_one_sensor(tmp_path):
    bag, path, said = init(tmp_path, twist('/measured', 50))
    assert said['recorder']['features'] == {'observation.measured': {'topic': '/measured'}}
    rows = converted(bag, path, tmp_path / 'set').episode(0).rows
    assert rows['observation.measured'].shape[1] == 6 and len(rows['observation.measured']) > 85


def test_depth_is_offered_and_other_transports_are_told(tmp_path):
    def depth(at, k):
        return image(at, np.full((24, 32, 2), 5, np.uint8), '16UC1')

    def small(at, k):
        return compressed(at, np.zeros((24, 32, 3), np.uint8))

    _, path, said = init(
        tmp_path,
        camera(),
        stream('/front/image_raw/compressed', small, 30),
        stream('/front/depth/image_raw', depth, 30),
    )
    assert list(said['recorder']['features']) == ['observation.images.front']
    text = path.read_text()
    assert '# observation.images.front_depth: {topic: /front/depth/image_raw}' in text
    assert '# /front/image_raw/compressed: another transport of a camera' in text


def test_without_a_name_it_is_called_convert_and_a_dash_shows_it(tmp_path, monkeypatch, capsys):
    bag = bag_of(tmp_path, joints('/joint_states', 'ab'))
    monkeypatch.chdir(tmp_path)
    assert convert.run(['--init', bag]) == 0
    assert 'observation.state' in (tmp_path / 'convert.yaml').read_text()
    capsys.readouterr()
    assert convert.run([bag, '--init=-']) == 0
    said = yaml.safe_load(capsys.readouterr().out)  # the table goes elsewhere
    assert list(said['recorder']['features']) == ['observation.state']
    with pytest.raises(UsageError, match=r'convert.yaml is there already: .* --force'):
        convert.run([bag, '--init'])


def test_what_the_user_says_decides(tmp_path):
    flags = ['--topics.state=/right/joint_states', '--topics.action=none', '--dataset.fps=15']
    _, _, said = init(
        tmp_path, joints('/left/joint_states', 'ab'), joints('/right/joint_states', 'ab'),
        flags=flags,
    )  # fmt: skip
    assert said['recorder']['features']['observation.state']['topic'] == '/right/joint_states'
    assert said['dataset']['fps'] == 15


@pytest.mark.parametrize(
    ('flags', 'error', 'told'),
    [
        (['--init=/nope/x.yaml'], UsageError, 'there is no folder /nope'),
        (['--init', '--topics.state=/nope'], StreamError, 'there is no topic /nope'),
        (['--init', '--start_s=5'], UsageError, 'unknown flag --start_s'),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(flags, error, told, tmp_path, monkeypatch):
    bag = bag_of(tmp_path, joints('/joint_states', 'ab'))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=told):
        convert.run([bag, *flags])
    assert [path.name for path in tmp_path.iterdir()] == ['bag']


def test_a_bag_with_nothing_of_use_is_refused_with_what_there_is(tmp_path):
    words = stream('/chatter', lambda at, k: make('std_msgs/msg/String', 'hello'), 5)
    bag = bag_of(tmp_path, words)
    with pytest.raises(BagError, match=r'holds no topic .* there are: /chatter \(std_msgs/msg'):
        convert.run([bag, f'--init={tmp_path}/x.yaml'])
    with pytest.raises(UsageError, match='name the bag'):
        convert.run(['--init'])
    assert [path.name for path in tmp_path.iterdir()] == ['bag']


def test_what_makes_no_feature_can_be_kept_beside_the_dataset(tmp_path):
    words = stream('/chatter', lambda at, k: make('std_msgs/msg/String', f'hello {k}'), 5)
    bag, path, said = init(tmp_path, joints('/joint_states', 'ab'), words)
    assert 'native' not in said['recorder']
    uncomment(path, 'native:  # every message beside the dataset, at its own rate')
    assert converted(bag, path, tmp_path / 'set').episode(0).length > 80
    (table,) = (tmp_path / 'set').rglob('*.chatter.parquet')
    assert pq.read_table(table)['data'].to_pylist() == [f'hello {k}' for k in range(15)]


def test_what_does_not_go_together_stands_in_the_file(tmp_path, capsys):
    _, path, _ = init(
        tmp_path,
        joints('/joint_states', 'abc'),
        joints('/joint_commands', 'ab', 10, 3.0),
        camera(),
    )
    line = 'joints of action: /joint_commands lacks c.pos of /joint_states'
    assert f'noticed: {line}' in capsys.readouterr().out
    assert f'# {line}' in path.read_text()
    assert 'action /joint_commands: comes at 10.0 Hz, the rows at 30' in path.read_text()


def transforms(topic, links, hz, static=False):
    """Stream a tree: links are parent, child pairs; the last one moves along x."""

    def message(at, k):
        made = []
        for number, (parent, child) in enumerate(links):
            move = 0.0 if static or number < len(links) - 1 else k / hz
            turned = make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 1.0)
            pose = make('geometry_msgs/msg/Transform', vector(move), turned)
            stamped = make('std_msgs/msg/Header', header(at).stamp, parent)
            made.append(make('geometry_msgs/msg/TransformStamped', stamped, child, pose))
        return make('tf2_msgs/msg/TFMessage', made)

    return stream(topic, message, hz, seconds=0.1 if static else 3.0)


def test_frames_are_laid_out_as_a_tree_and_one_of_them_can_be_recorded(tmp_path):
    bag, path, said = init(
        tmp_path,
        joints('/joint_states', 'ab'),
        transforms('/tf', [('world', 'base'), ('base', 'arm')], 50),
        transforms('/tf_static', [('arm', 'tool0'), ('arm', 'camera')], 10, static=True),
    )
    text = path.read_text()
    assert list(said['recorder']['features']) == ['observation.state']
    assert 'world > base > arm > camera' in text and 'world > base > arm > tool0' in text
    uncomment(path, 'observation.tool0:')
    rows = converted(bag, path, tmp_path / 'set').episode(0).rows
    assert rows['observation.tool0'][:, 0] == pytest.approx(
        np.arange(len(rows['index'])) / 30, abs=1e-4
    )


def test_a_type_of_ones_own_is_read_by_its_fields(shared_data, tmp_path):
    bag, path = shared_data / 'bags/cruise_rosbagjs__fixtures/example-lz4.bag', tmp_path / 'x.yaml'
    assert convert.run([str(bag), f'--init={path}', '--topics.action=none']) == 0
    features = yaml.safe_load(path.read_text())['recorder']['features']
    assert features['observation.turtle1_pose'] == {
        'topic': '/turtle1/pose',
        'fields': ['x', 'y', 'theta', 'linear_velocity', 'angular_velocity'],
    }
    assert 'observation.rosout' not in features


def test_commands_of_a_type_of_ones_own_are_laid_out(shared_data, tmp_path):
    bag, path = shared_data / 'bags/interbotix__duck_dunk/duck_dunk.bag', tmp_path / 'x.yaml'
    assert convert.run([str(bag), f'--init={path}']) == 0
    assert yaml.safe_load(path.read_text())['recorder']['features'] == {'action': None}
    assert '#   topic: /wx250/commands/joint_group\n    #   fields: [cmd]' in path.read_text()
    uncomment(path, 'action:')
    with pytest.raises(BagError, match='nothing that is observed: no policy can learn from that'):
        converted(bag, path, tmp_path / 'set')
