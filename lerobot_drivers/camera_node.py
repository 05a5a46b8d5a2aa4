"""A camera as a node: ``<name>/image_raw`` and ``<name>/camera_info``, stamped at exposure."""

from __future__ import annotations

import sys
from typing import Any

# Before any message package: it says in one line that rclpy is missing.
from lerobot_drivers.ros import (
    AutostartLifecycleNode,
    DiagnosticsPublisher,
    declare,
    declare_config_file,
    qos_images,
    run_node,
    stamp_message,
)

# isort: split
import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.cameras.camera import CameraFrame
from lerobot_drivers.capture import Capture
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import CAMERA_INFO, image_topic, optical_frame
from lerobot_drivers.common.processes import SHARED_MEMORY_PROFILE
from lerobot_drivers.robots import robot_config


class CameraNode(AutostartLifecycleNode):
    """Configure connects, activate streams from the capture thread."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('camera', **kwargs)
        path = declare_config_file(self)
        name = declare(self, 'camera', '', 'which of robot.cameras this node is')
        cameras = robot_config(path).cameras
        if name not in cameras:
            known = ', '.join(cameras) or 'none'
            raise ConfigError(
                f'{path}: robot.cameras has no {name!r} (parameter camera); it has: {known}'
            )
        self._camera_name = name
        self._config = cameras[self._camera_name]
        self._camera = make_camera(self._camera_name, self._config, SystemClock())
        self._capture = Capture(self._camera, self._publish, SystemClock(), self._warn)
        self._configured_topics = False

    def do_configure(self) -> None:
        """Connect, and open the topics."""
        self._camera.connect()
        self._image = Image(encoding=f'{self._config.color_mode}8')
        self._image.header.frame_id = optical_frame(self._camera_name)
        # All zero but the size: the intrinsics are not known (sensor_msgs/CameraInfo, K[0] = 0).
        self._info = CameraInfo(height=self._config.height, width=self._config.width)
        self._images = self.create_publisher(Image, image_topic(self._camera_name), qos_images())
        self._infos = self.create_publisher(
            CameraInfo, f'{self._camera_name}/{CAMERA_INFO}', qos_images()
        )
        self._diagnostics = DiagnosticsPublisher(
            self, self._camera_name, self._capture.health, self._config.place
        )
        self._configured_topics = True

    def do_activate(self) -> None:
        """Start to capture."""
        self._capture.start()

    def do_deactivate(self) -> None:
        """Stop to capture."""
        self._capture.stop()

    def do_cleanup(self) -> None:
        """Leave the topics and disconnect."""
        if self._configured_topics:
            self._configured_topics = False
            self._diagnostics.destroy()
            self.destroy_publisher(self._infos)
            self.destroy_publisher(self._images)
        self._camera.disconnect()

    def _publish(self, frame: CameraFrame) -> None:
        if (self._image.height, self._image.width) != frame.image.shape[:2]:
            self._resize(frame.image)
        np.copyto(self._pixels, frame.image)
        self._image.header.stamp = stamp_message(frame.stamp_ns)
        self._info.header = self._image.header
        self._images.publish(self._image)
        self._infos.publish(self._info)

    def _resize(self, image: np.ndarray) -> None:
        """Make the message's own array as large as a picture, and a view to write through."""
        height, width, channels = image.shape
        message = Image(header=self._image.header, encoding=self._image.encoding)
        message.height, message.width, message.step = height, width, width * channels
        message.data.frombytes(bytes(image.size))
        self._pixels = np.frombuffer(message.data, np.uint8).reshape(image.shape)
        self._image = message
        self._info.height, self._info.width = height, width

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text)


def main() -> int:
    """Run the node; the entry point ``camera_node``."""
    return run_node(CameraNode, profile=SHARED_MEMORY_PROFILE)


if __name__ == '__main__':
    sys.exit(main())
