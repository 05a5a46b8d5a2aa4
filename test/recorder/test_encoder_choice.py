from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder import encoder_choice
from lerobot_recorder.dataset.info import VideoConfig
from lerobot_recorder.encoder_choice import Machine, Need, choose, hardware, of_dataset, resolve

VGA = (480, 640)


def chosen(cores, cameras, slowness=1.0, size=VGA, fps=30, **wish):
    need = Need((size,) * cameras, fps)
    config = choose(wish, need, lambda: Machine(cores, slowness))
    return config.vcodec, config.preset


@pytest.mark.parametrize(
    ('cores', 'cameras', 'expected'),
    [
        (2, 1, ('h264', 'superfast')),
        (2, 4, ('h264', 'superfast')),
        (2, 5, ('h264', 'ultrafast')),
        (2, 16, ('h264', 'ultrafast')),
        (4, 8, ('h264', 'superfast')),
        (4, 16, ('h264', 'ultrafast')),
        (8, 2, ('libsvtav1', 12)),
        (16, 10, ('libsvtav1', 12)),
        (16, 16, ('h264', 'superfast')),
    ],
)
def test_the_default_follows_cores_and_cameras(cores, cameras, expected):
    assert chosen(cores, cameras) == expected


def test_slow_cores_large_pictures_and_high_rates_count_too():
    assert chosen(4, 3, slowness=4.0) == ('h264', 'ultrafast')
    assert chosen(2, 2, size=(1080, 1920)) == ('h264', 'ultrafast')
    assert chosen(2, 3, fps=60) == ('h264', 'ultrafast')
    told = choose({}, Need((VGA,) * 30, 30), lambda: Machine(2, 1.0)).why
    assert '30 cameras at 30/s on 2 cores' in told and 'vcodec=mjpeg' in told


def test_what_was_asked_for_is_kept():
    assert chosen(16, 2, crf=25) == ('h264', 'superfast'), 'a crf of H.264 is meant'
    assert chosen(16, 2, size=(479, 641)) == ('h264', 'superfast')
    config = choose({'gop': 10}, Need((VGA,), 30), lambda: Machine(2, 1.0))
    assert config.gop == 10


def test_auto_takes_the_first_hardware_encoder_from_which_pictures_come_back():
    tried = []

    def works(config, need):
        tried.append(config.vcodec)
        return None if config.vcodec == 'h264_qsv' else 'no device'

    config = hardware({'gop': 2}, Need((VGA,), 30), works)
    assert config.vcodec == 'h264_qsv' and 'works' in config.why
    assert tried == ['h264_nvenc', 'hevc_nvenc', 'h264_qsv']
    assert hardware({}, Need((VGA,), 30), lambda *_: 'no device') is None


def test_auto_without_hardware_takes_what_the_cores_allow(monkeypatch):
    monkeypatch.setattr(encoder_choice, 'this_machine', lambda: Machine(2, 1.0))
    monkeypatch.setattr(encoder_choice, 'hardware', lambda *_: None)
    config = resolve('auto', {}, Need(((48, 64),), 30))
    assert config.vcodec == 'h264'
    assert config.why.startswith('no hardware encoder works; 1 camera at 30/s')


def test_here_every_encoder_that_is_found_by_opening_really_works():
    need = Need(((120, 160), (119, 161)), 30)
    assert encoder_choice.problem(VideoConfig('h264'), need) is None
    assert 'even sizes' in encoder_choice.problem(VideoConfig('libsvtav1'), need)
    found = hardware({}, Need((VGA,), 30), encoder_choice.problem)
    assert found is None or found.kind.is_hardware


def test_an_encoder_that_encodes_nonsense_is_found_out(monkeypatch):
    monkeypatch.setattr(encoder_choice, '_TRIAL_FRAMES', 3)
    encode = encoder_choice.Encoder.write
    monkeypatch.setattr(
        encoder_choice.Encoder, 'write',
        lambda self, picture, _: encode(self, encoder_choice.ArrayPicture(255 - picture.rgb()), _),
    )  # fmt: skip
    need = Need(((120, 160),), 30)
    assert 'other pictures come out' in encoder_choice.problem(VideoConfig(), need)


def test_what_was_asked_for_and_does_not_work_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r'rgb_encoder: encoder libx264 .*options .*wrong'):
        resolve('h264', {'extra_options': {'wrong': 1}}, Need(((48, 64),), 30))
    with pytest.raises(ConfigError, match=r'video.preset: .ultrafast. is not one of'):
        resolve('libsvtav1', {'preset': 'ultrafast'}, Need(((48, 64),), 30))


def document(**block):
    names = {f'video.{key}': value for key, value in block.items()}
    return {'features': {'c': {'dtype': 'video', 'shape': [48, 64, 3], 'info': names}}}


def test_a_dataset_that_is_added_to_keeps_its_codec_unless_another_is_asked_for():
    theirs = document(codec='av1', g=2, crf=30, preset=12)
    assert of_dataset(theirs, {}).told() == 'libsvtav1 preset 12 crf 30'
    assert of_dataset(document(codec='h264', preset='p4', crf=None), {}).preset == 'ultrafast'
    assert of_dataset(document(codec='vp9'), {}) is None
    need = Need(((48, 64),), 30)
    kept = resolve(None, {'gop': 2}, need, document(codec='hevc', crf=24, preset='veryfast'))
    assert (kept.vcodec, kept.crf, kept.preset) == ('hevc', 24, 'veryfast')
    assert kept.why == 'as the videos of this dataset are'
    assert resolve('h264', {}, need, theirs).vcodec == 'h264'
