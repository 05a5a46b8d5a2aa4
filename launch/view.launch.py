"""The cameras of a running robot in RViz."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

DISPLAYS = PathJoinSubstitution([FindPackageShare('lerobot_ros'), 'config', 'view.rviz'])
ARGUMENTS = (
    ('rviz_config', DISPLAYS, 'file of displays'),
    ('namespace', 'follower', 'of the robot'),
    ('use_sim_time', 'false', 'time from /clock'),
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in ARGUMENTS
            ),
            Node(
                package='rviz2',
                executable='rviz2',
                name='rviz',
                namespace=LaunchConfiguration('namespace'),
                parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
                arguments=['--display-config', LaunchConfiguration('rviz_config')],
            ),
        ]
    )
