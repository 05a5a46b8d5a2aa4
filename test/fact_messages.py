"""Messages that tell of a lens, of frames, of a robot's model, of forces; for tests."""

from __future__ import annotations

import numpy as np
from synthetic_messages import MS, T0, header, make, raw

TF = 'tf2_msgs/msg/TFMessage'
STRING = 'std_msgs/msg/String'
INFO = 'sensor_msgs/msg/CameraInfo'


def wrench(at, value=1.0, received=None, frame='tool'):
    vectors = [make('geometry_msgs/msg/Vector3', value, 0.0, float(n)) for n in range(2)]
    inner = make('geometry_msgs/msg/Wrench', *vectors)
    stamp = header(at)
    stamp.frame_id = frame
    message = make('geometry_msgs/msg/WrenchStamped', stamp, inner)
    return raw('/w', message, received or at + MS, at + MS // 2)


def camera_info(at, focal=500.0, topic='/lab/left/camera_info'):
    k = np.array([float(focal), 0, 320, 0, focal, 240, 0, 0, 1])
    region = make('sensor_msgs/msg/RegionOfInterest', 0, 0, 0, 0, False)
    message = make(
        INFO, header(at), 480, 640, 'plumb_bob', np.array([0.1, np.nan]), k, np.eye(3).ravel(),
        np.zeros(12), 0, 0, region,
    )  # fmt: skip
    return raw(topic, message, at)


def transforms(*pairs, at=T0, x=0.5):
    made = []
    for parent, child in pairs:
        stamp = header(at)
        stamp.frame_id = parent
        vector = make('geometry_msgs/msg/Vector3', x, 0.0, 0.0)
        turn = make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 1.0)
        inner = make('geometry_msgs/msg/Transform', vector, turn)
        made.append(make('geometry_msgs/msg/TransformStamped', stamp, child, inner))
    return raw('/tf_static', make(TF, made), at)


def description(text, at=T0):
    return raw('/robot_description', make(STRING, text), at)
