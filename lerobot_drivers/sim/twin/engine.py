"""MuJoCo, imported when a world needs it, with a way to draw that works without a display."""

from __future__ import annotations

import ctypes.util
import os
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DeviceError

DRAWING_HELP = (
    'install one: apt install libosmesa6, or apt install libegl1 libgl1-mesa-dri '
    '(MUJOCO_GL=osmesa or egl chooses)'
)
_NOTHING = 'disable'


def load_mujoco() -> Any:
    """Return the module ``mujoco``.

    Raises:
        DeviceError: it is not installed, or cannot be loaded.
    """
    os.environ.setdefault('MUJOCO_GL', choose_gl())
    os.environ.setdefault('LP_NUM_THREADS', '0')  # Mesa draws in the thread that asks
    try:
        import mujoco
    except ImportError as error:
        raise DeviceError(
            f"a world with physics needs MuJoCo ({error}): pip install 'lerobot_ros[sim]'"
        ) from error
    except Exception as error:
        chosen = os.environ['MUJOCO_GL']
        raise DeviceError(
            f'MuJoCo cannot draw with MUJOCO_GL={chosen} ({error}); {DRAWING_HELP}'
        ) from error
    return mujoco


def choose_gl() -> str:
    """Return the value of ``MUJOCO_GL`` for what is installed.

    With a graphics card EGL draws on it; without one OSMesa is as fast and quieter.
    """
    egl, osmesa = (ctypes.util.find_library(name) for name in ('EGL', 'OSMesa'))
    if egl and (any(Path('/dev').glob('nvidia[0-9]*')) or not osmesa):
        return 'egl'
    return 'osmesa' if osmesa else _NOTHING


def make_gl_context(width: int, height: int) -> Any:
    """Return a current OpenGL context of the calling thread; free it in the same one.

    Raises:
        DeviceError: nothing can draw without a display.
    """
    mujoco = load_mujoco()
    if os.environ['MUJOCO_GL'].lower() in (_NOTHING, 'off', 'false', '0'):
        raise DeviceError(f'cameras of a world with physics need EGL or OSMesa; {DRAWING_HELP}')
    try:
        context = mujoco.GLContext(width, height)
        context.make_current()
    except Exception as error:
        chosen = os.environ['MUJOCO_GL']
        raise DeviceError(
            f'no picture can be drawn with MUJOCO_GL={chosen} ({error}); {DRAWING_HELP}'
        ) from error
    return context
