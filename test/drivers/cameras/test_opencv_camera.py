from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.cameras.camera import Camera
from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.config import CameraConfig

COUNT, FPS, WIDTH, HEIGHT = 20, 25, 160, 96
START_NS = 1_000_000_000_000
PERIOD_NS = 1_000_000_000 // FPS


@pytest.fixture(scope='module')
def film(tmp_path_factory) -> Path:
    """Each picture's left half is as bright as its number says, its right half is red."""
    path = tmp_path_factory.mktemp('film') / 'film.mp4'
    with av.open(str(path), 'w') as out:
        stream = out.add_stream('libx264', rate=FPS, options={'crf': '10'})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        for number in range(COUNT):
            image = np.full((HEIGHT, WIDTH, 3), 10 * number + 20, np.uint8)
            image[:, WIDTH // 2 :] = (220, 20, 20)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        out.mux(stream.encode())
    return path


def camera(path: object, clock: ManualClock | None = None, **changes) -> Camera:
    values = {'index_or_path': path, 'width': WIDTH, 'height': HEIGHT, 'fps': FPS}
    return make_camera('front', CameraConfig(**values | changes), clock or ManualClock(START_NS))


def number(image: np.ndarray) -> int:
    return round((float(image[:, : WIDTH // 2 - 8].mean()) - 20) / 10)


def test_a_file_plays_at_its_rate_and_ends(film):
    clock = ManualClock(START_NS)
    with camera(str(film), clock) as front:
        for index in range(COUNT):
            frame = front.read()
            assert number(frame.image) == index
            assert frame.stamp_ns == START_NS + index * PERIOD_NS == clock.now_ns()
        with pytest.raises(DeviceError, match='has ended after 20 pictures'):
            front.read()
    assert not front.is_connected


def test_a_slow_reader_misses_pictures_and_keeps_time(film):
    clock = ManualClock(START_NS)
    with camera(str(film), clock) as front:
        front.read()
        clock.advance(0.21)
        frame = front.read()
    assert number(frame.image) == 5
    assert frame.stamp_ns == START_NS + 5 * PERIOD_NS


def test_colors_and_rotation(film):
    with camera(str(film)) as front:
        image = front.read().image
    assert image[HEIGHT // 2, -10] == pytest.approx([220, 20, 20], abs=12)
    with camera(str(film), color_mode='bgr') as front:
        assert front.read().image[HEIGHT // 2, -10] == pytest.approx([20, 20, 220], abs=12)
    with camera(str(film), width=HEIGHT, height=WIDTH, rotation=90) as front:
        turned = front.read().image
    assert (np.rot90(image, -1) == turned).all()


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'index_or_path': '/nowhere/film.mp4'}, '/nowhere/film.mp4 does not exist'),
        ({'index_or_path': '/dev/video77'}, '/dev/video77 does not exist'),
        ({'index_or_path': 77}, 'no camera can be opened at 77'),
        ({'index_or_path': '77'}, 'no camera can be opened at 77'),
        ({'width': 640, 'height': 480}, '160x96, not the configured 640x480'),
        ({'fps': 30}, '25 fps, not the configured 30'),
    ],
)
def test_what_is_wrong_is_one_clear_line(film, changes, words, capfd):
    front = camera(str(film), **changes)
    with pytest.raises(DeviceError, match=words) as caught:
        front.connect()
    assert str(caught.value).startswith('camera front')
    assert '\n' not in str(caught.value)
    assert not front.is_connected
    assert capfd.readouterr().err == ''


def test_a_file_that_is_no_video(tmp_path, capfd):
    path = tmp_path / 'notes.mp4'
    path.write_text('not a film')
    with pytest.raises(DeviceError, match='cannot be opened as a video'):
        camera(str(path)).connect()
    assert capfd.readouterr().err == ''


def test_reading_before_connecting(film):
    with pytest.raises(DeviceError, match='front is not connected'):
        camera(str(film)).read()


def test_the_next_picture_is_not_waited_for_beyond_the_time_limit(film):
    with camera(str(film)) as front:
        front.read()
        with pytest.raises(DeviceError, match='no picture within'):
            front.read(0.001)
