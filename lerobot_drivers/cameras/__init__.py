"""Cameras, by LeRobot's type names; a ``sim://`` address chooses the simulated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lerobot_drivers.common.registry import Registry
from lerobot_drivers.sim.address import is_sim_address

if TYPE_CHECKING:
    from lerobot_drivers.cameras.camera import Camera
    from lerobot_drivers.common.clock import Clock
    from lerobot_drivers.robots.config import CameraConfig

CAMERAS = Registry(
    'camera',
    {
        'opencv': 'lerobot_drivers.cameras.opencv_camera:OpenCVCamera',
        'reachy2_camera': 'lerobot_drivers.cameras.reachy2_camera:Reachy2Camera',
        'lekiwi': 'lerobot_drivers.cameras.lekiwi_camera:LeKiwiCamera',
        'sim': 'lerobot_drivers.cameras.sim_camera:SimCamera',
    },
)


def make_camera(name: str, config: CameraConfig, clock: Clock) -> Camera:
    """Return the camera that a configuration describes, not connected yet.

    Args:
        name: the camera's name in the robot, e.g. ``front``.
        config: its configuration.
        clock: what its stamps are taken from.

    Raises:
        ConfigError: its type is unknown.
    """
    kind = 'sim' if is_sim_address(config.index_or_path) else config.type
    camera: Camera = CAMERAS.load(kind)(name, config, clock)
    return camera
