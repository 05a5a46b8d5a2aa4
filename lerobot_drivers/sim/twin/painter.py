"""Draws the scene as a camera sees it: the same pinholes as without physics."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.kinematics import JOINT_NAMES, SO101
from lerobot_drivers.sim.scenery import Image
from lerobot_drivers.sim.twin.engine import load_mujoco, make_gl_context
from lerobot_drivers.sim.twin.physics import Physics

_LEAD_NS = 24_000_000
_MAX_GEOMS = 200
_NEAR_M, _FAR_M = 0.01, 6.0
_CAMERA_LINK = JOINT_NAMES[SO101.camera_link - 1]
_model_lock = threading.Lock()


class TwinPainter:
    """One camera's pictures, drawn without a display; all from the thread that made it.

    Shadows and reflections are off: they make a picture four times as dear.

    Args:
        physics: the scene.
        view: what the camera sees.

    Raises:
        DeviceError: nothing here can draw.
    """

    lead_ns = _LEAD_NS

    def __init__(self, physics: Physics, view: View) -> None:
        self._mujoco = mujoco = load_mujoco()
        self._physics, self._view = physics, view
        self._context = make_gl_context(view.width, view.height)
        model = physics.model
        with _model_lock:
            model.vis.global_.offwidth, model.vis.global_.offheight = view.width, view.height
            self._buffers = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._buffers)
        self._data = mujoco.MjData(model)
        self._scene = mujoco.MjvScene(model, _MAX_GEOMS)
        self._options, self._camera = mujoco.MjvOption(), mujoco.MjvCamera()
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = False
        self._upside_down = np.zeros((view.height, view.width, 3), np.uint8)

    def draw(self, image: Image, stamp_ns: int) -> None:
        """Draw the scene as it was at a moment."""
        mujoco, model, data = self._mujoco, self._physics.model, self._data
        self._context.make_current()
        data.qpos[:] = self._physics.scene(stamp_ns)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            model, data, self._options, None, self._camera, everything, self._scene
        )
        view = self._view.at(self._mount()) if self._view.rides else self._view
        for camera in self._scene.camera:
            _look(camera, view)
        whole = mujoco.MjrRect(0, 0, view.width, view.height)
        mujoco.mjr_render(whole, self._scene, self._buffers)
        mujoco.mjr_readPixels(self._upside_down, None, whole, self._buffers)
        image[:] = self._upside_down[::-1]

    def close(self) -> None:
        """Free buffers and context."""
        self._buffers.free()
        self._context.free()

    def _mount(self) -> np.ndarray[Any, np.dtype[np.float64]]:
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
