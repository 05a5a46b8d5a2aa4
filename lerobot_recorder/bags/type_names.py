"""Names of message types, as ROS 2 writes them."""

from __future__ import annotations

_MOVED = {
    'tf/msg/tfMessage': 'tf2_msgs/msg/TFMessage',
    'roslib/msg/Header': 'std_msgs/msg/Header',
}
"""Types that have another name in ROS 2 but the same fields."""
_KINDS = ('msg', 'srv', 'action')


def ros2_name(written: str) -> str:
    """Return the name of a type, such as ``sensor_msgs/msg/Image``, however it was written.

    Args:
        written: ``sensor_msgs/Image`` of ROS 1 and of old bags, ``sensor_msgs::msg::Image``,
            ``sensor_msgs::msg::dds_::Image_`` of DDS tools.
    """
    words = [word for word in written.replace('::', '/').split('/') if word]
    if 'dds_' in words:
        words.remove('dds_')
        words[-1] = words[-1].removesuffix('_')
    if len(words) == 2 and words[0] not in _KINDS:
        words.insert(1, 'msg')
    name = '/'.join(words)
    return _MOVED.get(name, name)
