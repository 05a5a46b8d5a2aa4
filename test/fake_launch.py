"""As much of ROS's launch and launch_ros as our launch files use, so that they can be executed.

``launch`` is in no Python registry. Only names that exist in Humble (launch 1.0,
launch_ros 0.19) are offered; any other import fails as it would there.
"""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent


class LaunchError(Exception):
    """What the real launch would stop at."""


@dataclass
class LaunchContext:
    """Launch configurations by name, and what came of the files executed."""

    configurations: dict[str, str] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    declared: dict[str, set[str]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def perform(self, value: Any) -> Any:
        """Resolve substitutions, in lists and mappings too."""
        if isinstance(value, Substitution):
            return value.perform(self)
        if isinstance(value, Mapping):
            return {self.perform(key): self.perform(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.perform(item) for item in value]
        return value

    def text(self, value: Any) -> str:
        """Resolve some substitutions, joined as launch joins them."""
        resolved = self.perform(value)
        return ''.join(resolved) if isinstance(resolved, list) else str(resolved)


class Substitution:
    """Resolved when a file is executed, not when it is read."""

    def perform(self, context: LaunchContext) -> str:
        raise NotImplementedError


class LaunchConfiguration(Substitution):
    """The value of a launch argument."""

    def __init__(self, variable_name: str) -> None:
        self.name = variable_name

    def perform(self, context: LaunchContext) -> str:
        context.used[context.files[-1]].add(self.name)
        if self.name not in context.configurations:
            raise LaunchError(f"launch configuration '{self.name}' does not exist")
        return context.configurations[self.name]


class FindPackageShare(Substitution):
    """A package's share folder; ours is the source tree."""

    def __init__(self, package: str) -> None:
        self.package = package

    def perform(self, context: LaunchContext) -> str:
        return str(ROOT) if self.package == 'lerobot_ros' else f'/opt/ros/share/{self.package}'


class ExecutableInPackage(Substitution):
    """A program of a package; ours run from the source tree."""

    def __init__(self, *, package: str, executable: str) -> None:
        self.package = package
        self.executable = executable

    def perform(self, context: LaunchContext) -> str:
        assert (self.package, self.executable) == ('lerobot_ros', 'lerobot-ros')
        return f'{sys.executable} -m lerobot_drivers.cli'


class Command(Substitution):
    """What a command prints; as launch's, it fails on an exit code and on words on stderr."""

    def __init__(self, command: list[Any]) -> None:
        self.command = command

    def perform(self, context: LaunchContext) -> str:
        return output_of(context.text(self.command))


class ParameterValue(Substitution):
    """A parameter whose text is not to be taken for YAML."""

    def __init__(self, value: Any, *, value_type: type) -> None:
        assert value_type is str
        self.value = value

    def perform(self, context: LaunchContext) -> str:
        return context.text(self.value)


class PathJoinSubstitution(Substitution):
    """Parts of a path."""

    def __init__(self, substitutions: list[Any]) -> None:
        self.parts = substitutions

    def perform(self, context: LaunchContext) -> str:
        return str(Path(*context.perform(self.parts)))


class Action:
    """Something a launch file does."""

    def execute(self, context: LaunchContext) -> None:
        raise NotImplementedError


class DeclareLaunchArgument(Action):
    """An argument of the launch file."""

    def __init__(self, name: str, *, default_value: Any, description: str) -> None:
        self.name = name
        self.default = default_value
        self.description = description

    def execute(self, context: LaunchContext) -> None:
        context.declared[context.files[-1]].add(self.name)
        context.configurations.setdefault(self.name, context.text(self.default))


@dataclass(kw_only=True)
class Node(Action):
    """A process with a ROS node in it."""

    executable: Any
    package: Any
    name: Any = None
    namespace: Any = None
    parameters: Any = ()
    remappings: Any = ()
    ros_arguments: Any = ()
    arguments: Any = ()

    def execute(self, context: LaunchContext) -> None:
        parameters: dict[str, Any] = {}
        for mapping in self.parameters:
            parameters |= context.perform(mapping)
        context.nodes.append(
            {
                'executable': context.text(self.executable),
                'package': context.text(self.package),
                'full_name': f'/{context.text(self.namespace)}/{context.text(self.name)}',
                'parameters': parameters,
                'remappings': {
                    context.text(old): context.text(new) for old, new in self.remappings
                },
                'arguments': context.perform([*self.arguments, *self.ros_arguments]),
            }
        )


class LaunchDescription:
    """What a launch file returns."""

    def __init__(self, initial_entities: list[Action]) -> None:
        self.entities = initial_entities


class PythonLaunchDescriptionSource:
    """Where another launch file is."""

    def __init__(self, path: Any) -> None:
        self.path = path


class IncludeLaunchDescription(Action):
    """Another launch file, in the same scope."""

    def __init__(self, source: PythonLaunchDescriptionSource) -> None:
        self.source = source

    def execute(self, context: LaunchContext) -> None:
        execute_file(Path(context.text(self.source.path)), context)


class OpaqueFunction(Action):
    """A function that returns further actions."""

    def __init__(self, *, function: Callable[[LaunchContext], list[Action]]) -> None:
        self.function = function

    def execute(self, context: LaunchContext) -> None:
        for action in self.function(context):
            action.execute(context)


@cache
def output_of(command: str) -> str:
    """Run a command once, however many tests ask for it."""
    words = shlex.split(command)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise LaunchError(f'{command}: {done.stderr}')
    return done.stdout


MODULES: dict[str, list[type]] = {
    'launch': [LaunchContext, LaunchDescription],
    'launch.actions': [DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction],
    'launch.launch_description_sources': [PythonLaunchDescriptionSource],
    'launch.substitutions': [Command, LaunchConfiguration, PathJoinSubstitution],
    'launch_ros': [],
    'launch_ros.actions': [Node],
    'launch_ros.parameter_descriptions': [ParameterValue],
    'launch_ros.substitutions': [ExecutableInPackage, FindPackageShare],
}


def execute_file(path: Path, context: LaunchContext) -> None:
    """Execute a launch file and the ones it includes."""
    with patch.dict(sys.modules, _modules()):
        description = runpy.run_path(str(path))['generate_launch_description']()
    context.declared.setdefault(path.name, set())
    context.used.setdefault(path.name, set())
    context.files.append(path.name)
    for entity in description.entities:
        entity.execute(context)
    context.files.pop()


def launch(path: Path, **arguments: str) -> LaunchContext:
    """Execute a launch file with arguments, as ``ros2 launch FILE name:=value`` does."""
    context = LaunchContext(configurations=dict(arguments))
    execute_file(path, context)
    return context


def _modules() -> dict[str, ModuleType]:
    modules = {}
    for name, classes in MODULES.items():
        modules[name] = module = ModuleType(name)
        for kind in classes:
            setattr(module, kind.__name__, kind)
    return modules
