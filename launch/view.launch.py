"""A running robot in RViz: its shape as it moves, and what its cameras see."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import Command, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage, FindPackageShare

SHARE = FindPackageShare('lerobot_ros')
DISPLAYS = PathJoinSubstitution([SHARE, 'config', 'view.rviz'])
SIMULATED = PathJoinSubstitution([SHARE, 'config', 'so101_sim.yaml'])
LEROBOT_ROS = ExecutableInPackage(package='lerobot_ros', executable='lerobot-ros')
URDF = Command([LEROBOT_ROS, " urdf '--config_path=", LaunchConfiguration('config_file'), "'"])
USE_SIM_TIME = {'use_sim_time': LaunchConfiguration('use_sim_time')}
ARGUMENTS = (
    ('config_file', SIMULATED, 'YAML file whose section robot tells what it is'),
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
                package='robot_state_publisher',
                executable='robot_state_publisher',
                name='robot_state_publisher',
                namespace=LaunchConfiguration('namespace'),
                parameters=[
                    {**USE_SIM_TIME, 'robot_description': ParameterValue(URDF, value_type=str)}
                ],
            ),
            Node(
                package='rviz2',
                executable='rviz2',
                name='rviz',
                namespace=LaunchConfiguration('namespace'),
                parameters=[USE_SIM_TIME],
                arguments=['--display-config', LaunchConfiguration('rviz_config')],
            ),
        ]
    )
