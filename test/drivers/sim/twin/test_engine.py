"""What draws is chosen by what is installed; what is missing is told."""

from __future__ import annotations

import builtins

import pytest

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.sim.twin import engine


@pytest.mark.parametrize(
    ('libraries', 'has_card', 'chosen'),
    [
        (('EGL', 'OSMesa'), False, 'osmesa'),
        (('EGL', 'OSMesa'), True, 'egl'),
        (('EGL',), False, 'egl'),
        (('OSMesa',), True, 'osmesa'),
        ((), True, 'disable'),
    ],
)
def test_what_draws(monkeypatch, libraries, has_card, chosen):
    monkeypatch.setattr(engine.ctypes.util, 'find_library', lambda n: n in libraries or None)
    monkeypatch.setattr(engine.Path, 'glob', lambda path, pattern: iter([path] * has_card))
    assert engine.choose_gl() == chosen


@pytest.mark.parametrize(
    ('error', 'told'),
    [
        (ImportError("No module named 'mujoco'"), r"pip install 'lerobot_ros\[sim\]'"),
        (RuntimeError('invalid value'), 'MUJOCO_GL=osmesa .invalid value.; install one: apt'),
    ],
)
def test_what_is_missing_is_one_line(monkeypatch, error, told):
    usual = builtins.__import__

    def fail(name, *rest, **more):
        if name == 'mujoco':
            raise error
        return usual(name, *rest, **more)

    monkeypatch.setenv('MUJOCO_GL', 'osmesa')
    monkeypatch.setattr(builtins, '__import__', fail)
    with pytest.raises(DeviceError, match=told) as caught:
        engine.load_mujoco()
    assert '\n' not in str(caught.value)
