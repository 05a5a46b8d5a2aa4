from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.picture_thread import PictureThread
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget

SIZE = (120, 160)


def target(path, size=SIZE, **config):
    return VideoTarget('front', path, size[0], size[1], 30, VideoConfig(**config))


def video_writer(target, queue_size=30):
    return PictureThread(target.key, Encoder(target), queue_size)


def scene(number, size=SIZE):
    rng = np.random.default_rng(7)
    small = rng.integers(30, 225, (6, 8, 3)).astype(np.uint8)
    picture = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.roll(picture, 3 * number, axis=1)


def write(path, pictures, **config):
    writer = video_writer(target(path, **config))
    for picture in pictures:
        writer.add(ArrayPicture(picture))
    assert writer.finish() == writer.fed == len(pictures)
    return writer


@pytest.mark.parametrize('preset', ['ultrafast', 'superfast', 'veryfast'])
def test_pictures_come_back_in_order_at_their_time_and_in_their_colours(tmp_path, preset, tools):
    pictures = [scene(number) for number in range(20)]
    write(tmp_path / 'a.mp4', pictures, preset=preset)
    times = video_reader.frame_times(tmp_path / 'a.mp4')
    np.testing.assert_allclose(times, np.arange(20) / 30, atol=1e-9)
    found = list(video_reader.frames(tmp_path / 'a.mp4', 0, 20, 30))
    for decoded, source in zip(found, pictures, strict=True):
        assert tools.psnr(decoded, source) > 30
        bias = (decoded.astype(float) - source).mean(axis=(0, 1))
        assert np.abs(bias).max() < 2.5


@pytest.mark.parametrize('colour', [(255, 0, 0), (0, 255, 0), (0, 0, 255), (250, 250, 20)])
def test_pure_colours_are_right(tmp_path, colour):
    picture = np.full((*SIZE, 3), colour, np.uint8)
    write(tmp_path / 'a.mp4', [picture] * 3)
    for decoded in video_reader.frames(tmp_path / 'a.mp4', 0, 3, 30):
        assert np.abs(decoded.astype(int) - picture).max() <= 6


def test_the_file_says_what_it_is(tmp_path):
    write(tmp_path / 'a.mp4', [scene(0)] * 4)
    facts = video_reader.probe(tmp_path / 'a.mp4')
    assert (facts.height, facts.width, facts.codec) == (*SIZE, 'h264')
    assert (facts.pix_fmt, facts.channels, facts.fps, facts.frames) == ('yuv420p', 3, 30, 4)


def test_any_frame_can_be_read_alone(tmp_path, tools):
    pictures = [scene(number) for number in range(15)]
    write(tmp_path / 'a.mp4', pictures)
    for number in (14, 0, 7, 8):
        found = next(video_reader.frames(tmp_path / 'a.mp4', number, 1, 30))
        assert tools.psnr(found, pictures[number]) > 30


def test_too_few_frames_are_noticed_when_reading(tmp_path):
    write(tmp_path / 'a.mp4', [scene(0)] * 4)
    with pytest.raises(DatasetError, match='ends at frame 4'):
        list(video_reader.frames(tmp_path / 'a.mp4', 0, 5, 30))


class Stuck:
    height, width = SIZE

    def __init__(self):
        self.go = threading.Event()

    def rgb(self):
        assert self.go.wait(20)
        return scene(0)


def test_a_full_queue_blocks_and_loses_nothing(tmp_path):
    writer = video_writer(target(tmp_path / 'a.mp4'), queue_size=2)
    stuck = Stuck()
    adder = threading.Thread(target=lambda: [writer.add(stuck) for _ in range(10)])
    adder.start()
    adder.join(0.2)
    assert adder.is_alive()
    assert writer.fed <= 3
    stuck.go.set()
    adder.join(20)
    assert writer.finish() == 10
    assert len(video_reader.frame_times(tmp_path / 'a.mp4')) == 10


class Broken:
    height, width = SIZE

    def rgb(self):
        raise ValueError('not a picture')


def test_a_failure_is_told_and_blocks_nobody(tmp_path):
    writer = video_writer(target(tmp_path / 'a.mp4'), queue_size=2)
    writer.add(ArrayPicture(scene(0)))
    with pytest.raises(DatasetError, match=r'front.*after 1 pictures.*not a picture'):
        for _ in range(10_000):
            writer.add(Broken())
    with pytest.raises(DatasetError, match='not a picture'):
        writer.finish()
    writer.abort()


def test_a_picture_of_another_size_is_a_failure(tmp_path):
    writer = video_writer(target(tmp_path / 'a.mp4'))
    writer.add(ArrayPicture(scene(0, (60, 80))))
    with pytest.raises(DatasetError, match='expected uint8'):
        writer.finish()


def test_no_thread_is_left(tmp_path):
    writer = video_writer(target(tmp_path / 'a.mp4'))
    writer.add(ArrayPicture(scene(0)))
    writer.abort()
    write(tmp_path / 'b.mp4', [scene(0)])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('encode')]
