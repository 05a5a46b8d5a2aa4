"""Packaging of lerobot_ros: one tree for pip and for colcon (docs/decisions/0001-packaging.md)."""

from __future__ import annotations

import subprocess
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

NAME = 'lerobot_ros'

NODES = {
    'arm_node': 'lerobot_drivers',
    'camera_node': 'lerobot_drivers',
    'teleop_node': 'lerobot_teleop',
    'command_mux_node': 'lerobot_teleop',
    'recorder_node': 'lerobot_recorder',
    'dashboard_node': 'lerobot_recorder',
    'play_node': 'lerobot_recorder',
    'policy_node': 'lerobot_policy',
    'display_node': 'lerobot_recorder',
}

REQUIRES = [
    'numpy>=1.21',
    'pyyaml>=5.4',
    'pydantic>=2,<3',
    'pyserial>=3.5',
    'opencv-python-headless>=4.5,<6',
    'pyarrow>=15',
    'av>=15',
    'rosbags>=0.11,<0.12',
    # Chunks, messages and files of bags; rosbags brings both.
    'lz4>=4,<5',
    'backports.zstd>=1,<2; python_version < "3.14"',
    'rich>=11',
    'huggingface_hub>=1.6,<3',
]

# The wheels of one ROS distribution fit together only as a set, hence the narrow ranges.
ROS_KILTED = [
    'ros-rclpy[fastrtps]>=9.1,<9.2',
    'ros-builtin-interfaces>=2.3,<2.4',
    'ros-lifecycle-msgs>=2.3,<2.4',
    'ros-rcl-interfaces>=2.3,<2.4',
    'ros-diagnostic-msgs>=5.5,<5.6',
    'ros-geometry-msgs>=5.5,<5.6',
    'ros-nav-msgs>=5.5,<5.6',
    'ros-rosgraph-msgs>=2.3,<2.4',
    'ros-sensor-msgs>=5.5,<5.6',
    'ros-std-msgs>=5.5,<5.6',
    'ros-std-srvs>=5.5,<5.6',
]
ROS_JAZZY = [
    'ros-rclpy[fastrtps]>=7.1,<7.2',
    'ros-builtin-interfaces>=2.0,<2.1',
    'ros-lifecycle-msgs>=2.0,<2.1',
    'ros-rcl-interfaces>=2.0,<2.1',
    'ros-diagnostic-msgs>=5.3,<5.4',
    'ros-geometry-msgs>=5.3,<5.4',
    'ros-nav-msgs>=5.3,<5.4',
    'ros-rosgraph-msgs>=2.0,<2.1',
    'ros-sensor-msgs>=5.3,<5.4',
    'ros-std-msgs>=5.3,<5.4',
    'ros-std-srvs>=5.3,<5.4',
]

KEYS = ['python-xlib>=0.33,<1']
# What shows data in a window; 200 MB.
DISPLAY = ['rerun-sdk>=0.24,<0.34']
DASHBOARD = ['aiohttp>=3.9,<4']
# Conversion of bags on a cluster; Ray, 200 MB, only where it is wanted.
CLUSTER = ['datatrove>=0.6,<0.11']
# It pins grpcio, protobuf, numpy and OpenCV narrowly; better in an environment of its own.
REACHY2 = ['reachy2-sdk>=1.0.15,<1.1']
# Simulated worlds with physics; 4.0 is another kind of package, for Python 3.11 and up.
SIM = ['mujoco>=3.2,<4']

# A LeKiwi that is reached by network.
LEKIWI = ['pyzmq>=25,<28']

TEST = [
    *DASHBOARD,
    *LEKIWI,
    *CLUSTER,
    *SIM,
    'pytest>=8',
    'pytest-timeout>=2.3',
    'pytest-xdist>=3.5,<4',
    'hypothesis>=6.100',
    'psutil>=5.9',
    'packaging>=22',
    'setuptools>=59',
    *KEYS,
    'feetech-servo-sdk>=1.0,<2',
    'dynamixel-sdk>=4.0,<5',
    'mcap>=1.2',
    'mcap-ros2-support>=0.5',
    'urdf-parser-py>=0.0.4,<0.1',
    'ruff==0.17.*',
    'mypy==2.4.*',
    'types-PyYAML',
]


class BuildWithCommit(build_py):
    """Builds, and notes in the package which commit of a checkout it is made of."""

    def run(self) -> None:
        """Build."""
        super().run()
        commit = checkout_commit(Path(__file__).resolve().parent)
        if commit and not getattr(self, 'editable_mode', False):
            target = Path(self.build_lib, 'lerobot_recorder', 'data', 'commit')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(commit, encoding='utf-8')


def checkout_commit(folder: Path) -> str | None:
    """Return the commit that this file is tracked in, with ``-dirty``; None if nobody knows."""
    answers = []
    for words in (
        'ls-files --error-unmatch setup.py',
        'rev-parse HEAD',
        'status --porcelain -uno',
    ):
        command = ['git', '-C', str(folder), *words.split()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return None
        if done.returncode:
            return None
        answers.append(done.stdout.strip())
    return answers[1] + ('-dirty' if answers[2] else '')


setup(
    name=NAME,
    version='0.1.0',
    description='LeRobot data collection and policies inside an ordinary ROS 2 graph',
    maintainer='lerobot_ros maintainers',
    maintainer_email='maintainers@lerobot-ros.invalid',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['lerobot_*']),
    package_data={'': ['data/*', 'data/presets/*', '*.urdf', 'py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', sorted(glob('launch/*.launch.py'))),
        (f'share/{NAME}/config', sorted(glob('config/*'))),
        (f'share/{NAME}/urdf', sorted(glob('lerobot_drivers/urdf/*.urdf'))),
    ],
    zip_safe=False,
    cmdclass={'build_py': BuildWithCommit},
    install_requires=REQUIRES,
    extras_require={
        'ros': ROS_KILTED,
        'ros-jazzy': ROS_JAZZY,
        'display': DISPLAY,
        'keys': KEYS,
        'dashboard': DASHBOARD,
        'cluster': CLUSTER,
        'lekiwi': LEKIWI,
        'reachy2': REACHY2,
        'sim': SIM,
        'test': TEST,
    },
    entry_points={
        'console_scripts': [
            'lerobot-ros = lerobot_drivers.cli:main',
            *(f'{node} = {package}.{node}:main' for node, package in NODES.items()),
        ],
    },
)
