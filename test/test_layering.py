"""The rules that hold the house up, checked on every import of the product.

Layers: policy -> recorder | teleop -> drivers. ROS at the edge: only nodes, and ``ros.py``
and ``ros_*.py`` of a package. Nodes are imported by nobody. The product knows no
tests. Cores take the time from a clock they are given.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from source_files import ROOT, imports_of, product_files, tree_of

MAY_IMPORT = {
    'lerobot_drivers': set(),
    'lerobot_teleop': {'lerobot_drivers'},
    'lerobot_recorder': {'lerobot_drivers'},
    'lerobot_policy': {'lerobot_drivers', 'lerobot_recorder'},
}
ROS_EDGE = re.compile(r'ros(_\w+)?\.py')
CLOCK = Path('lerobot_drivers/common/clock.py')
ROS_PACKAGES = ('rclpy', 'launch', 'launch_ros', 'std_srvs', 'tf2_ros', 'ament_index_python')
ROS_SUFFIXES = ('_msgs', '_interfaces')
TEST_PACKAGES = ('test', 'tests', 'conftest', 'source_files', 'pytest', 'hypothesis')
WALL_CLOCKS = {
    ('time', 'time'),
    ('time', 'time_ns'),
    ('datetime', 'now'),
    ('datetime', 'utcnow'),
    ('date', 'today'),
}


def breaches(path: Path, tree: ast.Module) -> list[str]:
    """Return what a module does that it must not, one line each."""
    return [*_layer_breaches(path, tree), *_ros_breaches(path, tree), *_clock_breaches(path, tree)]


def _is_node(name: str) -> bool:
    return name.endswith('_node')


def _imports_node(name: str) -> bool:
    """Whether a dotted name leads to a node's module (and not to a function like run_node)."""
    *parents, last = name.split('.')
    return any(map(_is_node, parents)) or (_is_node(last) and ROOT.joinpath(*parents).is_dir())


def _layer_breaches(path: Path, tree: ast.Module) -> list[str]:
    package = path.parts[0]
    found = []
    for item in imports_of(tree, path):
        where = f'{path}:{item.line}'
        allowed = MAY_IMPORT[package] | {package}
        if item.package in MAY_IMPORT and item.package not in allowed:
            may = ', '.join(sorted(MAY_IMPORT[package])) or 'none of the others'
            found.append(f'{where} imports {item.name}, but {package} may import {may}')
        if item.package in MAY_IMPORT and _imports_node(item.name):
            found.append(f'{where} imports {item.name}, but nobody may import a node')
        if item.package in TEST_PACKAGES:
            found.append(f'{where} imports {item.name}, but the product knows no tests')
    return found


def _ros_breaches(path: Path, tree: ast.Module) -> list[str]:
    if (len(path.parts) == 2 and ROS_EDGE.fullmatch(path.name)) or _is_node(path.stem):
        return []
    return [
        f'{path}:{item.line} must stay ROS-free but imports {item.package}; '
        f'only *_node.py, ros.py and ros_*.py may'
        for item in imports_of(tree, path)
        if item.package in ROS_PACKAGES or item.package.endswith(ROS_SUFFIXES)
    ]


def _clock_breaches(path: Path, tree: ast.Module) -> list[str]:
    if path == CLOCK or _is_node(path.stem):
        return []
    calls = [
        (f'{node.value.id}.{node.attr}', node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in WALL_CLOCKS
    ]
    calls += [
        (item.name, item.line)
        for item in imports_of(tree, path)
        if tuple(item.name.split('.')) in WALL_CLOCKS
    ]
    return [
        f'{path}:{line} uses {name}, but cores take the time from an injected Clock ({CLOCK})'
        for name, line in calls
    ]


def test_all_modules_keep_the_rules() -> None:
    found = [breach for path in product_files() for breach in breaches(path, tree_of(path))]
    assert not found, '\n' + '\n'.join(found)


@pytest.mark.parametrize(
    ('path', 'source', 'reason'),
    [
        ('lerobot_teleop/a.py', 'import lerobot_recorder.session', 'lerobot_teleop may import'),
        ('lerobot_recorder/a.py', 'from lerobot_policy import b', 'lerobot_recorder may import'),
        ('lerobot_drivers/a.py', 'from lerobot_teleop.config import C', 'none of the others'),
        ('lerobot_drivers/a.py', 'def f():\n    import lerobot_policy', 'none of the others'),
        ('lerobot_recorder/a.py', 'import rclpy', 'must stay ROS-free but imports rclpy'),
        ('lerobot_recorder/a.py', 'from sensor_msgs.msg import Image', 'imports sensor_msgs'),
        ('lerobot_recorder/a.py', 'from . import recorder_node', 'nobody may import a node'),
        ('lerobot_teleop/b_node.py', 'from .c_node import C', 'nobody may import a node'),
        ('lerobot_drivers/a.py', 'from test.drivers import fakes', 'knows no tests'),
        ('lerobot_drivers/a.py', 'import pytest', 'knows no tests'),
        ('lerobot_drivers/a.py', 'import time\ntime.time()', 'uses time.time'),
        ('lerobot_drivers/a.py', 'import time\nf = time.time_ns', 'uses time.time_ns'),
        ('lerobot_drivers/a.py', 'from time import time', 'uses time.time'),
        ('lerobot_drivers/a.py', 'import datetime\ndatetime.now()', 'uses datetime.now'),
    ],
)
def test_a_breach_is_noticed(path: str, source: str, reason: str) -> None:
    (found,) = breaches(Path(path), ast.parse(source))
    assert reason in found


@pytest.mark.parametrize(
    ('path', 'source'),
    [
        ('lerobot_policy/a.py', 'from lerobot_recorder.features import f'),
        ('lerobot_recorder/a_node.py', 'import rclpy\nfrom lerobot_drivers.ros import run_node'),
        ('lerobot_drivers/ros.py', 'import rclpy\nfrom diagnostic_msgs.msg import KeyValue'),
        ('lerobot_drivers/a.py', 'import time\ntime.monotonic()\nself.time.time_left'),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    assert breaches(Path(path), ast.parse(source)) == []
