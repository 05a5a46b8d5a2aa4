from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.guess import TopicHints, guess_cameras, guess_features, likely_actions

JS, IMG = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
CMP, ARR = 'sensor_msgs/msg/CompressedImage', 'std_msgs/msg/Float64MultiArray'
TRJ, STR = 'trajectory_msgs/msg/JointTrajectory', 'std_msgs/msg/String'

OURS = {
    '/follower/joint_states': JS,
    '/follower/joint_commands': JS,
    '/follower/joint_commands_sent': JS,
    '/follower/teleop/joint_commands': JS,
    '/follower/policy/joint_commands': JS,
    '/leader/joint_states': JS,
    '/follower/front/image_raw': IMG,
    '/follower/wrist/image_raw': IMG,
    '/follower/front/camera_info': 'sensor_msgs/msg/CameraInfo',
    '/follower/active_source': STR,
}

FOUND = [
    (OURS, ('/follower/joint_states', '/follower/joint_commands', {'front', 'wrist'})),
    (
        {'/joint_states': JS, '/joint_commands': JS, '/cam_high/image_raw/compressed': CMP},
        ('/joint_states', '/joint_commands', {'cam_high'}),
    ),
    (
        {'/joint_states': JS, '/forward_position_controller/commands': ARR},
        ('/joint_states', '/forward_position_controller/commands', set()),
    ),
    (
        {'/joint_states': JS, '/arm_controller/joint_trajectory': TRJ, '/chatter': STR},
        ('/joint_states', '/arm_controller/joint_trajectory', set()),
    ),
    (
        {'/follower/joint_states': JS, '/leader/joint_states': JS},
        ('/follower/joint_states', '/leader/joint_states', set()),
    ),
    (
        {'/joint_states': JS, '/teleop/joint_commands': JS},
        ('/joint_states', '/teleop/joint_commands', set()),
    ),
    (
        {'/a/joint_states': JS, '/a/joint_commands': JS, '/b/joint_commands': JS},
        ('/a/joint_states', '/a/joint_commands', set()),
    ),
]


@pytest.mark.parametrize(('topics', 'expected'), FOUND)
@pytest.mark.parametrize('turn', [1, -1])
def test_what_is_clear_is_found(topics, expected, turn):
    features = guess_features(dict(list(topics.items())[::turn]), TopicHints())
    state, action, cameras = expected
    assert features['observation.state'] == {'topic': state}
    assert features['action'] == {'topic': action}
    images = {f'observation.images.{camera}' for camera in cameras}
    assert set(features) == {'observation.state', 'action'} | images


UNCLEAR = [
    (
        {},
        'no topic looks like joint states; there are no joint topics; name one with '
        '--topics.state=TOPIC',
    ),
    ({'/arm_state': JS}, 'no topic looks like joint states; joint topics there: /arm_state'),
    ({'/joint_states': JS}, r'no topic looks like commands; .* or --topics.action=none'),
    (
        {'/l/joint_states': JS, '/r/joint_states': JS},
        'several topics could be the joint states: /l/joint_states, /r/joint_states',
    ),
    (
        {'/joint_states': JS, '/a/commands': ARR, '/b/commands': ARR},
        'several topics could be the commands: /a/commands, /b/commands',
    ),
    ({'/joint_states': STR, '/joint_commands': JS}, 'no topic looks like joint states'),
]


@pytest.mark.parametrize(('topics', 'told'), UNCLEAR)
def test_what_is_not_clear_is_asked_for(topics, told):
    with pytest.raises(StreamError, match=told):
        guess_features(topics, TopicHints())


def test_hints_come_first():
    hints = TopicHints('/leader/joint_states', 'none', {'eye': '/follower/wrist/image_raw'})
    assert guess_features(OURS, hints) == {
        'observation.state': {'topic': '/leader/joint_states'},
        'observation.images.eye': {'topic': '/follower/wrist/image_raw'},
    }


@pytest.mark.parametrize(
    ('hints', 'flag'),
    [
        (
            TopicHints(state='/no'),
            '--topics.state: there is no topic /no; topics there: /follower',
        ),
        (TopicHints(action='/no'), '--topics.action: there is no topic /no'),
        (TopicHints(cameras={'eye': '/no'}), '--topics.cameras.eye: there is no topic /no'),
    ],
)
def test_hints_that_name_nothing_are_refused(hints, flag):
    with pytest.raises(StreamError, match=flag):
        guess_features(OURS, hints)


CAMERAS = [
    ({'/front/image_raw': IMG, '/front/image_raw/compressed': CMP}, {'front': '/front/image_raw'}),
    ({'/front/image_raw/compressed': CMP}, {'front': '/front/image_raw/compressed'}),
    (
        {'/camera/color/image_raw': IMG, '/camera/depth/image_rect_raw': IMG},
        {'color': '/camera/color/image_raw'},
    ),
    (
        {'/l/color/image_raw': IMG, '/r/color/image_raw': IMG},
        {'l_color': '/l/color/image_raw', 'r_color': '/r/color/image_raw'},
    ),
    (
        {'/front/image_raw': IMG, '/front/image_raw/compressedDepth': CMP, '/top/image': IMG},
        {'front': '/front/image_raw', 'top': '/top/image'},
    ),
    ({'/image_raw': IMG}, {'image_raw': '/image_raw'}),
    ({'/joint_states': JS}, {}),
]


@pytest.mark.parametrize(('topics', 'cameras'), CAMERAS)
def test_cameras_are_named_after_their_topics(topics, cameras):
    assert guess_cameras(topics) == cameras


def test_less_usual_names_of_commands_are_known_too():
    twist, array = 'geometry_msgs/msg/Twist', 'std_msgs/msg/Float64MultiArray'
    topics = {
        '/odom': 'nav_msgs/msg/Odometry', '/cmd_vel': twist, '/joint_states': JS,
        '/arm/target_pose': 'geometry_msgs/msg/PoseStamped', '/recommended': array,
        '/planned': 'trajectory_msgs/msg/JointTrajectory', '/joint_commands_sent': JS,
        '/gripper_command': 'my_msgs/msg/Grip',
    }  # fmt: skip
    assert likely_actions(topics, '/joint_states') == ['/cmd_vel', '/arm/target_pose', '/planned']
