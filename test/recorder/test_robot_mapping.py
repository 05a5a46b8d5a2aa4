"""The mapping of a robot with a mobile base: LeRobot's nine values from four topics."""

from __future__ import annotations

from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.lekiwi_plan import ARM_JOINTS
from lerobot_recorder.capture import Capture
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.robot_mapping import robot_features, robots_with
from lerobot_recorder.session_file import of_others, record_config
from lerobot_recorder.several_robots import joined_features

KIWI = RobotConfig(type='lekiwi', id='kiwi', port='sim://t/kiwi')
NAMES = [f'{name}.pos' for name in ARM_JOINTS] + ['x.vel', 'y.vel', 'theta.vel']
JOINTS, TWIST = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/TwistStamped'


def names(feature):
    found = []
    for source in feature['sources']:
        found += source.get('names') or [f'{joint}.pos' for joint in source['joints']]
    return found


def test_state_and_action_are_arm_and_base():
    features = robot_features(KIWI, '/kiwi')
    assert names(features['observation.state']) == names(features['action']) == NAMES
    topics = {key: [s['topic'] for s in f['sources']] for key, f in features.items()}
    assert topics == {
        'observation.state': ['/kiwi/joint_states', '/kiwi/odom'],
        'action': ['/kiwi/joint_commands', '/kiwi/cmd_vel_sent'],
    }
    base = features['action']['sources'][1]
    assert base['joints'] == ['linear.x', 'linear.y', 'angular.z']
    assert base['units']['angular.z']['mode'] == 'degrees'
    build_mapping({'features': features}, 'kiwi')


def test_in_a_graph_or_bag_of_others_the_base_is_found_beside_the_joints():
    told = {'robot': {'type': 'lekiwi'}, 'dataset': {'repo_id': 'me/x', 'single_task': 'go'}}
    session = record_config(of_others(told), 'file')
    topics = {f'/k/joint_{name}': JOINTS for name in ('states', 'commands', 'commands_sent')}
    base = {'/k/odom': 'nav_msgs/msg/Odometry', '/k/cmd_vel_sent': TWIST}
    whole = session.mapping('/', {**topics, **base}).features
    assert [s.topic for s in whole['observation.state'].sources] == ['/k/joint_states', '/k/odom']
    assert whole['action'].sources[1].names == ['x.vel', 'y.vel', 'theta.vel']
    alone = session.mapping('/', topics).features
    assert [s.topic for s in alone['action'].sources] == ['/k/joint_commands']


def test_beside_another_robot_its_id_is_in_front():
    arm = RobotConfig(type='so101_follower', id='arm', port='sim://t/arm')
    joined = joined_features([KIWI, arm])
    assert names(joined['action'])[:9] == [f'kiwi_{name}' for name in NAMES]
    assert names(joined['action'])[9] == 'arm_shoulder_pan.pos'


def test_what_the_base_was_asked_and_sent_is_kept_at_its_own_rate():
    capture = Capture(build_mapping({'features': robot_features(KIWI, '/kiwi')}, 'kiwi'))
    arm = {f'/kiwi/joint_{topic}': JOINTS for topic in ('commands', 'commands_sent')}
    capture.look({**arm, '/kiwi/cmd_vel': 'geometry_msgs/msg/Twist', '/kiwi/cmd_vel_sent': TWIST})
    assert [log.name for log in capture.logs()] == [
        'joint_commands', 'joint_commands_sent', 'cmd_vel', 'cmd_vel_sent',
    ]  # fmt: skip


def test_robots_are_known_by_their_joints_two_arms_too():
    arm = ['waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper']
    assert robots_with(arm) == ['viperx']
    both = [f'{side}_{joint}' for side in ('left', 'right') for joint in arm]
    assert robots_with(both) == ['aloha', 'bi_viperx']
    assert robots_with(['nobodys']) == []
