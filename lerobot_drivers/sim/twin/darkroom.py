"""Where the scene's pictures are drawn, one after another, without a display."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.kinematics import JOINT_NAMES, SO101
from lerobot_drivers.sim.scenery import Image
from lerobot_drivers.sim.twin.engine import DRAWING_HELP, load_mujoco, make_gl_context
from lerobot_drivers.sim.twin.physics import Physics

_SIZE = (640, 480)
_MAX_GEOMS = 200
_NEAR_M, _FAR_M = 0.01, 6.0
_CAMERA_LINK = JOINT_NAMES[SO101.camera_link - 1]


class Darkroom:
    """One thread with the only OpenGL context, for all cameras of a world.

    To open a context takes 0.1 s of Python's lock, in which no servo answers: it is done
    once, before anybody is connected. Shadows and reflections are off: they make a picture
    four times as dear.

    Args:
        physics: the scene.
    """

    def __init__(self, physics: Physics) -> None:
        self._physics = physics
        self._mujoco = load_mujoco()
        self._width, self._height = _SIZE
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='darkroom')
        self._opened: Future[None] = self._thread.submit(self._open)
        self._opened.exception()

    def check(self) -> None:
        """Check that pictures can be drawn.

        Raises:
            DeviceError: nothing here can draw without a display.
        """
        error = self._opened.exception()
        if isinstance(error, DeviceError):
            raise error
        if error is not None:
            raise DeviceError(f'no picture can be drawn ({error}); {DRAWING_HELP}') from error

    def draw(self, view: View, image: Image, stamp_ns: int) -> None:
        """Draw the scene as it was at a moment; returns when it is done."""
        self._thread.submit(self._draw, view, image, stamp_ns).result()

    def close(self) -> None:
        """Free buffers and context."""
        if self._opened.exception() is None:
            self._thread.submit(self._free).result()
        self._thread.shutdown()

    def _open(self) -> None:
        mujoco, model = self._mujoco, self._physics.model
        self._context = make_gl_context(*_SIZE)
        model.vis.global_.offwidth, model.vis.global_.offheight = _SIZE
        self._buffers = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._buffers)
        self._data = mujoco.MjData(model)
        self._scene = mujoco.MjvScene(model, _MAX_GEOMS)
        self._options, self._camera = mujoco.MjvOption(), mujoco.MjvCamera()
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = False
        first = np.zeros((*_SIZE[::-1], 3), np.uint8)
        self._draw(View.named('front', *_SIZE), first, 0)

    def _free(self) -> None:
        self._buffers.free()
        self._context.free()

    def _draw(self, view: View, image: Image, stamp_ns: int) -> None:
        mujoco, model, data = self._mujoco, self._physics.model, self._data
        data.qpos[:] = self._physics.scene(stamp_ns)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            model, data, self._options, None, self._camera, everything, self._scene
        )
        placed = view.at(self._mount()) if view.rides else view
        for camera in self._scene.camera:
            _look(camera, placed)
        self._make_room(view.width, view.height)
        whole = mujoco.MjrRect(0, 0, view.width, view.height)
        mujoco.mjr_render(whole, self._scene, self._buffers)
        upside_down = np.empty((view.height, view.width, 3), np.uint8)
        mujoco.mjr_readPixels(upside_down, None, whole, self._buffers)
        image[:] = upside_down[::-1]

    def _make_room(self, width: int, height: int) -> None:
        if width > self._width or height > self._height:
            self._width, self._height = max(width, self._width), max(height, self._height)
            self._mujoco.mjr_resizeOffscreen(self._width, self._height, self._buffers)

    def _mount(self) -> NDArray[np.float64]:
        body = self._data.body(_CAMERA_LINK)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = body.xmat.reshape(3, 3), body.xpos
        return pose


def _look(camera: Any, view: View) -> None:
    """Let MuJoCo's camera see what a pinhole sees."""
    camera.pos[:], camera.forward[:], camera.up[:] = view.eye, view.rotation[2], -view.rotation[1]
    half_width, half_height = (
        _NEAR_M * pixels / 2 / view.focal for pixels in (view.width, view.height)
    )
    camera.frustum_center, camera.frustum_width = 0.0, half_width
    camera.frustum_bottom, camera.frustum_top = -half_height, half_height
    camera.frustum_near, camera.frustum_far = _NEAR_M, _FAR_M
    camera.orthographic = False
