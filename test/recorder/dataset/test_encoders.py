from __future__ import annotations

import os
import threading

import av
import cv2
import numpy as np
import pytest

from lerobot_recorder.dataset import realtime, video_reader
from lerobot_recorder.dataset.encoders import ALIASES, ENCODERS, HARDWARE
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.picture_thread import EncodingError, PictureThread
from lerobot_recorder.dataset.video_writer import Encoder, VideoTarget

SIZE = (120, 160)
SOFTWARE = ('h264', 'hevc', 'libsvtav1')


def scene(number, size=SIZE):
    rng = np.random.default_rng(7)
    small = rng.integers(30, 225, (6, 8, 3)).astype(np.uint8)
    picture = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.roll(picture, 3 * number, axis=1)


def target(path, size=SIZE, **config):
    return VideoTarget('front', path, *size, 30, VideoConfig(**config))


def encode(path, pictures, **config):
    encoder = Encoder(target(path, pictures[0].shape[:2], **config))
    encoder.open()
    for picture in pictures:
        encoder.write(ArrayPicture(picture), False)
    encoder.close()
    return list(video_reader.frames(path, 0, None, 30))


@pytest.mark.parametrize('vcodec', SOFTWARE)
def test_every_software_encoder_gives_the_pictures_back_on_their_ticks(tmp_path, tools, vcodec):
    pictures = [scene(number) for number in range(50)]
    found = encode(tmp_path / 'a.mp4', pictures, vcodec=vcodec)
    assert len(found) == 50
    for decoded, source in zip(found, pictures, strict=True):
        assert tools.psnr(decoded, source) > 30
        assert np.abs((decoded.astype(float) - source).mean(axis=(0, 1))).max() < 2.5
    with av.open(str(tmp_path / 'a.mp4')) as container:
        stream = container.streams.video[0]
        ticks = [
            p.pts * stream.time_base * 30 for p in container.demux(stream) if p.pts is not None
        ]
        assert ticks == list(range(50))
        assert stream.average_rate == 30
    facts = video_reader.probe(tmp_path / 'a.mp4')
    assert (facts.codec, facts.pix_fmt) == (ENCODERS[vcodec].codec, 'yuv420p')


@pytest.mark.parametrize('vcodec', ['h264', 'hevc'])
@pytest.mark.parametrize('size', [(119, 160), (120, 161), (119, 161)])
def test_odd_sizes_keep_their_size(tmp_path, tools, vcodec, size):
    pictures = [scene(number, size) for number in range(4)]
    found = encode(tmp_path / 'a.mp4', pictures, vcodec=vcodec)
    assert [f.shape for f in found] == [(*size, 3)] * 4
    assert all(tools.psnr(f, p) > 30 for f, p in zip(found, pictures, strict=True))
    assert video_reader.probe(tmp_path / 'a.mp4').pix_fmt == 'yuv444p'


@pytest.mark.parametrize('vcodec', SOFTWARE)
def test_what_was_on_the_disk_before_the_end_can_be_read(tmp_path, vcodec):
    encoder = Encoder(target(tmp_path / 'a.mp4', vcodec=vcodec))
    encoder.open()
    for number in range(150):
        encoder.write(ArrayPicture(scene(number)), False)
    killed = tmp_path / 'killed.mp4'
    killed.write_bytes((tmp_path / 'a.mp4').read_bytes())
    encoder.close()
    lost_s = 2.5 if vcodec == 'libsvtav1' else 1.0
    found = list(video_reader.frames(killed, 0, None, 30))
    assert len(found) >= 150 - lost_s * 30
    assert np.abs(found[-1].astype(int) - scene(len(found) - 1)).mean() < 8


def rt_possible():
    try:
        thread = threading.get_native_id()
        os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
    except (AttributeError, PermissionError):
        return False
    return os.geteuid() == 0


def run_av1(path):
    """Realtime threads while AV1 encodes, seen from the thread that opened the encoder."""
    seen = []

    def work():
        encoder = Encoder(target(path, vcodec='libsvtav1'))
        encoder.open()
        for number in range(3):
            encoder.write(ArrayPicture(scene(number)), False)
        seen.append(realtime.realtime_threads())
        encoder.close()
        seen.append(realtime.realtime_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    return seen


def test_no_thread_becomes_a_realtime_one(tmp_path):
    assert run_av1(tmp_path / 'a.mp4') == [set(), set()]


@pytest.mark.skipif(not rt_possible(), reason='only root with CAP_SYS_NICE sees SVT-AV1 do it')
def test_without_the_cure_threads_do_become_realtime_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'sched_setscheduler', lambda *_: None)
    assert run_av1(tmp_path / 'a.mp4')[0] != set(), 'SVT-AV1 has mended it: the cure can go'


@pytest.mark.skipif(not rt_possible(), reason='needs root with CAP_SYS_NICE')
def test_a_thread_that_was_realtime_before_stays_so():
    kept = []

    def work():
        thread = threading.get_native_id()
        os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
        with realtime.no_new_realtime_threads():
            pass
        kept.append(thread in realtime.realtime_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert kept == [True]


@pytest.mark.parametrize(
    ('config', 'told'),
    [
        (
            {'extra_options': {'tun': 'film'}},
            r"libx264 \(160x120\) does not know the options .'tun'",
        ),
        (
            {'extra_options': {'profile': 'x'}},
            r'libx264 \(160x120\) cannot be opened: .*; check --d',
        ),
        (
            {'vcodec': 'h264_vaapi'},
            r'h264_vaapi .*(is not in this FFmpeg|cannot be opened).*vcodec=auto takes',
        ),
    ],
)
def test_an_encoder_that_cannot_start_says_which_camera_which_encoder_and_what_to_do(
    tmp_path, config, told
):
    thread = PictureThread('front', Encoder(target(tmp_path / 'a.mp4', **config)), 2)
    with pytest.raises(EncodingError, match=f'^front: encoding failed after 0 pictures: .*{told}'):
        thread.finish()


def test_an_encoder_lost_on_the_way_is_told(tmp_path, monkeypatch):
    encoder = Encoder(target(tmp_path / 'a.mp4'))
    thread = PictureThread('front', encoder, 2)
    thread.add(ArrayPicture(scene(0)))

    class Gone:
        def encode(self, frame):
            raise av.error.ExternalError(0, 'the device has been unplugged')

    while not encoder.frames:
        threading.Event().wait(0.005)
    monkeypatch.setattr(encoder, '_stream', Gone())
    with pytest.raises(EncodingError, match=r'front: .*libx264 .*failed at .*unplugged'):
        thread.add(ArrayPicture(scene(1)))
        thread.finish()


def test_options_come_from_the_names_of_lerobot():
    av1 = VideoConfig('av1')
    assert (av1.vcodec, av1.preset, av1.crf, av1.gop) == ('libsvtav1', 12, 30, 2)
    assert av1.options() == {
        'svtav1-params': 'lp=1:fast-decode=0', 'g': '2', 'crf': '30', 'preset': '12',
    }  # fmt: skip
    tuned = VideoConfig('hevc', extra_options={'x265-params': 'aq-mode=0', 'g': 7}, fast_decode=1)
    options = tuned.options()
    assert options['x265-params'].endswith(':aq-mode=0') and options['g'] == '2'
    assert options['tune'] == 'fastdecode' and options['bf'] == '0'
    assert VideoConfig('h264_nvenc', crf=25).options()['qp'] == '25'
    assert VideoConfig('h264_videotoolbox', crf=50).options()['global_quality'] == '5900'
    assert VideoConfig('mjpeg').options() == {'g': '2'}


@pytest.mark.parametrize('vcodec', list(ENCODERS))
def test_the_table_is_consistent(vcodec):
    kind = ENCODERS[vcodec]
    assert kind.takes_preset(kind.preset) and kind.takes_quality(kind.crf)
    assert (vcodec in HARDWARE) == kind.is_hardware
    assert set(ALIASES.values()) <= set(ENCODERS)
    assert kind.codec == 'mjpeg' or kind.ffmpeg == 'libsvtav1' or kind.fixed['bf'] == '0'
