"""A robot driven by a policy, through the same command mux as a leader."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
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
    ('use_sim_time', 'false', 'time from /clock'),
    ('autostart', 'true', 'configure and activate'),
    ('log_level', 'info', 'of every node'),
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in ARGUMENTS
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(
                    PathJoinSubstitution([SHARE, 'launch', 'robot.launch.py'])
                )
            ),
            Node(
                package='lerobot_ros',
                executable='command_mux_node',
                name='command_mux',
                namespace=LaunchConfiguration('namespace'),
                parameters=[COMMON],
                ros_arguments=LOG_LEVEL,
            ),
            Node(
                package='lerobot_ros',
                executable='policy_node',
                name='policy',
                namespace=LaunchConfiguration('namespace'),
                parameters=[COMMON],
                ros_arguments=LOG_LEVEL,
            ),
        ]
    )
