"""The camera node on a simulated camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from lerobot_drivers import ros
from lerobot_drivers.camera_node import CameraNode
from lerobot_drivers.common.errors import LerobotRosError

pytestmark = pytest.mark.ros
CONFIG = """
robot:
  type: so101_follower
  port: sim://camera_node/follower
  cameras:
    front:
      {type: opencv, index_or_path: 'sim://camera_node/front', width: 320, height: 240, fps: 30}
    gone: {type: opencv, index_or_path: /nowhere.mp4, width: 320, height: 240, fps: 30}
"""


def make_node(path: Path, camera: str) -> CameraNode:
    values = {'config_file': str(path), 'camera': camera}
    return CameraNode(parameter_overrides=[Parameter(k, value=v) for k, v in values.items()])


def test_pictures_come_stamped_with_their_info(
    graph: Any, config_file: Callable[[str], Path]
) -> None:
    images = graph.listen(Image, 'front/image_raw')
    infos = graph.listen(CameraInfo, 'front/camera_info')
    diagnostics = graph.listen(DiagnosticArray, '/diagnostics')
    node = graph.add(make_node(config_file(CONFIG), 'front'))
    node.autostart()
    graph.until(lambda: len(images) >= 10 and len(infos) >= 10)
    image, info = images[-1], infos[-1]
    assert (image.encoding, image.is_bigendian, image.step) == ('rgb8', 0, 960)
    assert (image.height, image.width, len(image.data)) == (240, 320, 240 * 960)
    assert image.header.frame_id == info.header.frame_id == 'front_optical_frame'
    assert (info.height, info.width, list(info.k)) == (240, 320, [0.0] * 9)
    stamps = [ros.stamp_ns(message.header.stamp) for message in images]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < ros.now_ns(graph.peer)
    info_stamps = {ros.stamp_ns(message.header.stamp) for message in infos}
    assert len(info_stamps & set(stamps)) >= 9
    assert np.frombuffer(image.data, np.uint8).std() > 1
    status = graph.until(
        lambda: next((d.status[0] for d in diagnostics if d.status[0].level == b'\0'), None)
    )
    assert status.name == 'camera: front'
    values = {pair.key: pair.value for pair in status.values}
    assert float(values['age when published [ms]']) > 10
    node.trigger_deactivate()
    graph.spin(0.2)
    count = len(images)
    graph.spin(0.2)
    assert len(images) == count


@pytest.mark.parametrize(
    ('camera', 'words'),
    [
        ('top', "robot.cameras has no 'top'.*it has: front, gone"),
        ('', "robot.cameras has no ''"),
        ('gone', 'nowhere.mp4'),
    ],
)
def test_a_mistake_gives_one_clear_error(
    graph: Any, config_file: Callable[[str], Path], camera: str, words: str
) -> None:
    with pytest.raises(LerobotRosError, match=words):
        graph.add(make_node(config_file(CONFIG), camera)).autostart()
