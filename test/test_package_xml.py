"""What the product imports is what setup.py, package.xml and requirements-pip.txt declare."""

from __future__ import annotations

import ast
import runpy
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import setuptools
from packaging.requirements import Requirement
from source_files import PACKAGES, ROOT, imports_of, product_files, tree_of

# module -> (distribution in setup.py, rosdep key in package.xml; None: requirements-pip.txt)
PYTHON: dict[str, tuple[str, str | None]] = {
    'numpy': ('numpy', 'python3-numpy'),
    'yaml': ('pyyaml', 'python3-yaml'),
    'serial': ('pyserial', 'python3-serial'),
    'cv2': ('opencv-python-headless', 'python3-opencv'),
    'rich': ('rich', 'python3-rich'),
    'pydantic': ('pydantic', None),
    'pyarrow': ('pyarrow', None),
    'av': ('av', None),
    'rosbags': ('rosbags', None),
    'lz4': ('lz4', None),
    'backports': ('backports.zstd', None),
    'huggingface_hub': ('huggingface_hub', None),
}
# In the standard library of a Python newer than some that are supported
NEWER = ('compression',)
# module -> (extra of setup.py, distribution): imported only when it is asked for
OPTIONAL = {
    'rerun': ('display', 'rerun-sdk'),
    'Xlib': ('keys', 'python-xlib'),
    'datatrove': ('cluster', 'datatrove'),
    # The SDK, and what it brings: imported in the interpreter that has it.
    **dict.fromkeys(
        ('reachy2_sdk', 'reachy2_sdk_api', 'grpc', 'google'), ('reachy2', 'reachy2-sdk')
    ),
    'mujoco': ('sim', 'mujoco'),
}
# The same for what an extra of setup.py brings: module -> (extra, distribution, rosdep key)
EXTRAS = {
    'aiohttp': ('dashboard', 'aiohttp', 'python3-aiohttp'),
}
ROS_EXTRAS = ('ros', 'ros-jazzy')


@cache
def metadata() -> dict[str, Any]:
    """Return what setup.py hands to setuptools."""
    with patch.object(setuptools, 'setup') as setup, patch.object(sys, 'argv', ['setup.py']):
        runpy.run_path(str(ROOT / 'setup.py'))
    return dict(setup.call_args.kwargs)


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Return requirements by distribution."""
    return {item.name.lower(): item for item in map(Requirement, lines)}


def pip_file() -> dict[str, Requirement]:
    """Return the requirements in requirements-pip.txt."""
    text = (ROOT / 'requirements-pip.txt').read_text(encoding='utf-8')
    lines = [line.strip() for line in text.splitlines()]
    return requirements([line for line in lines if line and not line.startswith('#')])


@cache
def manifest() -> ElementTree.Element:
    """Return package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def keys(tag: str) -> set[str]:
    """Return the keys that package.xml lists under a tag."""
    return {str(element.text) for element in manifest().iter(tag)}


def foreign_packages(path: Path, tree: ast.Module) -> set[str]:
    """Return the packages of others that a module imports."""
    found = {item.package for item in imports_of(tree, path)}
    return {name for name in found if name not in {*sys.stdlib_module_names, *NEWER, *PACKAGES}}


@cache
def undeclared(package: str) -> list[str]:
    """Return where an imported package should be declared but is not."""
    if package in OPTIONAL:
        extra, name = OPTIONAL[package]
        there = name in requirements(metadata()['extras_require'][extra])
        return [] if there else [f'extra {extra!r} of setup.py ({name})']
    if package in PYTHON:
        return _undeclared_python(*PYTHON[package])
    if package in EXTRAS:
        return _undeclared_extra(*EXTRAS[package])
    distribution = f'ros-{package.replace("_", "-")}'
    missing = [
        f'extra {extra!r} of setup.py ({distribution})'
        for extra in ROS_EXTRAS
        if distribution not in requirements(metadata()['extras_require'][extra])
    ]
    return missing + ([] if package in keys('exec_depend') else ['package.xml (exec_depend)'])


def _undeclared_python(distribution: str, key: str | None) -> list[str]:
    missing = []
    if distribution not in requirements(metadata()['install_requires']):
        missing.append(f'install_requires of setup.py ({distribution})')
    if key is None and distribution not in pip_file():
        missing.append(f'requirements-pip.txt ({distribution})')
    if key is not None and key not in keys('exec_depend'):
        missing.append(f'package.xml (exec_depend {key})')
    return missing


def _undeclared_extra(extra: str, distribution: str, key: str) -> list[str]:
    missing = []
    if distribution not in requirements(metadata()['extras_require'].get(extra, [])):
        missing.append(f'extra {extra!r} of setup.py ({distribution})')
    return missing + ([] if key in keys('exec_depend') else [f'package.xml (exec_depend {key})'])


def test_imports_are_declared() -> None:
    lines = [
        f'{path} imports {name}, missing in: {", ".join(missing)}'
        for path in product_files()
        for name in sorted(foreign_packages(path, tree_of(path)))
        if (missing := undeclared(name))
    ]
    assert not lines, '\n' + '\n'.join(lines)


def test_an_undeclared_import_is_noticed() -> None:
    assert foreign_packages(Path('a.py'), ast.parse('import os, scipy.linalg')) == {'scipy'}
    assert len(undeclared('scipy')) == len(ROS_EXTRAS) + 1


def test_pip_file_repeats_setup_py() -> None:
    declared = requirements(metadata()['install_requires'])
    assert {name: str(item) for name, item in pip_file().items()} == {
        name: str(declared[name]) for name, key in PYTHON.values() if key is None
    }


def test_nothing_is_declared_in_vain() -> None:
    used = set().union(*(foreign_packages(path, tree_of(path)) for path in product_files()))
    declared = requirements(metadata()['install_requires'])
    in_vain = [
        module for module, (name, _) in PYTHON.items() if name in declared and module not in used
    ]
    in_vain += [module for module in EXTRAS if module not in used]
    assert not in_vain, f'declared but imported nowhere: {in_vain}'


def test_manifest_agrees_with_setup_py() -> None:
    data = metadata()
    (name, version) = (manifest().findtext('name'), manifest().findtext('version'))
    assert (name, version) == (data['name'], data['version'])
    assert manifest().findtext('license') == data['license']
    assert manifest().get('format') == '3'
    assert manifest().findtext('export/build_type') == 'ament_python'


def test_console_scripts_exist() -> None:
    for script in metadata()['entry_points']['console_scripts']:
        name, _, target = script.replace(' ', '').partition('=')
        module, _, function = target.partition(':')
        path = ROOT / f'{module.replace(".", "/")}.py'
        assert path.is_file(), f'{name}: there is no {path.relative_to(ROOT)}'
        functions = {
            node.name for node in ast.parse(path.read_text()).body if hasattr(node, 'name')
        }
        assert function in functions, f'{name}: {module} has no {function}()'


def test_every_python_package_is_packaged() -> None:
    packaged = set(metadata()['packages'])
    on_disk = {'.'.join(path.parent.parts) for path in product_files()}
    assert on_disk <= packaged, f'folders without __init__.py: {sorted(on_disk - packaged)}'
