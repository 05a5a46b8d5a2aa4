from __future__ import annotations

import pytest

from lerobot_recorder.bags.type_names import ros2_name


@pytest.mark.parametrize(
    ('written', 'name'),
    [
        ('sensor_msgs/msg/Image', 'sensor_msgs/msg/Image'),
        ('sensor_msgs/Image', 'sensor_msgs/msg/Image'),
        ('sensor_msgs::msg::Image', 'sensor_msgs/msg/Image'),
        ('sensor_msgs::msg::dds_::Image_', 'sensor_msgs/msg/Image'),
        ('tf/tfMessage', 'tf2_msgs/msg/TFMessage'),
        ('tf2_msgs/TFMessage', 'tf2_msgs/msg/TFMessage'),
        ('std_srvs/srv/Trigger_Event', 'std_srvs/srv/Trigger_Event'),
        ('lab/action/Grip_FeedbackMessage', 'lab/action/Grip_FeedbackMessage'),
        ('foxglove.CompressedImage', 'foxglove.CompressedImage'),
        ('', ''),
    ],
)
def test_however_it_was_written(written, name):
    assert ros2_name(written) == name
