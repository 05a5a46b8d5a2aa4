"""Makes real LeRobot importable for the tests in this folder, where it is installed."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec('torch') is not None:
    sys.path.insert(0, str(Path(__file__).parent))
    importlib.import_module('torchvision_operators')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        importlib.import_module('torchvision')


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the warnings of LeRobot and its dependencies to LeRobot."""
    for item in items:
        if item.get_closest_marker('lerobot'):
            item.add_marker(pytest.mark.filterwarnings('ignore'))
