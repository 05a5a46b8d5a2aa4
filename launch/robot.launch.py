"""One robot on topics: its arm, and each of its cameras."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare('lerobot_ros')
SIMULATED = PathJoinSubstitution([SHARE, 'config', 'so101_sim.yaml'])
COMMON = {name: LaunchConfiguration(name) for name in ('config_file', 'use_sim_time', 'autostart')}
LOG_LEVEL = ['--log-level', LaunchConfiguration('log_level')]
ARGUMENTS = (
    ('config_file', SIMULATED, 'YAML file with a section per node'),
    ('namespace', 'follower', 'of the robot'),
    ('cameras', 'front,wrist', 'keys of robot.cameras'),
    ('use_sim_time', 'false', 'time from /clock'),
    ('autostart', 'true', 'configure and activate'),
    ('log_level', 'info', 'of every node'),
)


def camera_nodes(context: LaunchContext) -> list[Node]:
    cameras = LaunchConfiguration('cameras').perform(context)
    return [
        Node(
            package='lerobot_ros',
            executable='camera_node',
            name=f'{camera}_camera',
            namespace=LaunchConfiguration('namespace'),
            parameters=[{**COMMON, 'camera': camera}],
            ros_arguments=LOG_LEVEL,
        )
        for camera in cameras.replace(' ', '').split(',')
        if camera
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in ARGUMENTS
            ),
            Node(
                package='lerobot_ros',
                executable='arm_node',
                name='arm',
                namespace=LaunchConfiguration('namespace'),
                parameters=[COMMON],
                ros_arguments=LOG_LEVEL,
            ),
            OpaqueFunction(function=camera_nodes),
        ]
    )
