"""Live pictures, made small and only on demand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_messages import T0, compressed, image, raw

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dashboard import previews as module
from lerobot_recorder.dashboard.previews import LEASE_NS, WIDTH, Previews
from lerobot_recorder.dashboard.thumbnail import message_thumbnail, thumbnail


def message(height=6, width=8, shade=100):
    return raw('/cam', image(T0, np.full((height, width, 3), shade, np.uint8)), T0)


def opened(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def test_interest_ends_when_nobody_asks_any_more():
    clock = ManualClock(1)
    previews = Previews(clock)
    previews.want('front')
    clock.advance(LEASE_NS / 2e9)
    previews.want('side')
    assert previews.wanted() == {'front', 'side'}
    clock.advance(LEASE_NS / 2e9)
    assert previews.wanted() == {'side'}


def test_a_picture_is_made_once_for_all_browsers(monkeypatch):
    made = []
    monkeypatch.setattr(module, 'message_thumbnail', lambda raw, width: made.append(raw) or b'j')
    previews = Previews(ManualClock())
    previews.put('front', message())
    for _ in range(3):
        previews.jpeg('front', previews.newest('front'))
    assert len(made) == 1
    previews.put('front', message())
    previews.jpeg('front', previews.newest('front'))
    assert len(made) == 2


def test_a_camera_that_is_heard_no_more_shows_nothing_old():
    previews = Previews(ManualClock())
    previews.put('front', message())
    number = previews.newest('front').number
    previews.drop('front')
    assert previews.newest('front') is None
    previews.put('front', message())
    assert previews.newest('front').number > number


@pytest.mark.parametrize(('size', 'expected'), [((600, 960), (300, 480)), ((6, 8), (6, 8))])
def test_large_pictures_shrink_and_small_ones_stay(size, expected):
    assert opened(message_thumbnail(message(*size), WIDTH)).shape[:2] == expected


def test_compressed_pictures_and_depth_are_shown_too():
    jpeg = raw('/cam', compressed(T0, np.full((6, 8, 3), 90, np.uint8)), T0)
    assert opened(message_thumbnail(jpeg, WIDTH)).shape == (6, 8, 3)
    near_to_far = np.tile(np.linspace(500, 3000, 64).astype(np.uint16), (48, 1))
    near_to_far[:8] = 0
    message = image(T0, near_to_far.view(np.uint8), encoding='16UC1')
    message.width = 64
    shown = opened(message_thumbnail(raw('/depth', message, T0), WIDTH))
    assert shown[:4].max() < 40, 'what is unknown is dark'
    blue, _, red = shown[24, 4], None, shown[24, 60]
    assert blue[2] > blue[0] and red[0] > red[2], 'near is warm, far is cold'


def test_depth_without_any_distance_is_black():
    assert opened(thumbnail(np.full((4, 4), np.nan, np.float32), WIDTH)).max() == 0


def test_what_is_no_picture_is_told():
    broken = raw('/cam', image(T0, np.zeros((2, 2, 3), np.uint8), 'odd9'), T0)
    with pytest.raises(StreamError, match='odd9'):
        message_thumbnail(broken, WIDTH)
