from __future__ import annotations

import pytest
from synthetic_messages import COMPRESSED_IMAGE, JOINT_STATE, MS, T0

from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recent_messages import KEPT_NUMBERS, KEPT_PICTURES, LARGE, RecentMessages

CLOUD = 'sensor_msgs/msg/PointCloud2'


@pytest.mark.parametrize(
    ('msgtype', 'size', 'kept'),
    [
        (JOINT_STATE, 100, KEPT_NUMBERS),
        (COMPRESSED_IMAGE, 100, KEPT_PICTURES),
        (CLOUD, LARGE + 1, KEPT_PICTURES),
        (CLOUD, LARGE, KEPT_NUMBERS),
    ],
)
def test_what_is_large_is_kept_as_seldom_as_pictures(msgtype, size, kept):
    recent = RecentMessages()
    for number in range(2 * KEPT_NUMBERS):
        recent.add(RawMessage('/t', msgtype, bytes(size), 0, T0 + number * MS))
    assert recent.size == kept * size
    before, since = recent.split(T0 + 2 * KEPT_NUMBERS * MS)
    assert len(before) == kept and since == []
