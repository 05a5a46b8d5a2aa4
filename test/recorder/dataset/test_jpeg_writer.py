from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from lerobot_recorder.dataset import video_reader
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo, VideoConfig
from lerobot_recorder.dataset.jpeg_writer import JpegCopier
from lerobot_recorder.dataset.picture import ArrayPicture
from lerobot_recorder.dataset.repair import repair_dataset
from lerobot_recorder.dataset.sampling import SampledHistogram
from lerobot_recorder.dataset.statistics import PictureHistogram
from lerobot_recorder.dataset.validate import validate_dataset
from lerobot_recorder.dataset.video_writer import VideoTarget
from lerobot_recorder.image_headers import JpegKind, jpeg_kind
from lerobot_recorder.images import CompressedPicture

SIZE = (48, 64)
HALVES = {'420': 0x221111, '422': 0x211111, '444': 0x111111}


def scene(number, size=SIZE):
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])[None, :]
    blue = np.full(size, 20 + 7 * (number % 30))
    return np.stack([60 + rows + 0 * columns, 50 + columns + 0 * rows, blue], 2).astype(np.uint8)


def jpeg(rgb, sampling='420', *options):
    flags = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, HALVES[sampling], cv2.IMWRITE_JPEG_QUALITY, 92]
    pixels = rgb[:, :, ::-1] if rgb.ndim == 3 else rgb
    return cv2.imencode('.jpg', pixels, [*flags, *options])[1].tobytes()


def sent(data, size=SIZE):
    return CompressedPicture(*size, np.frombuffer(data, np.uint8), '/front')


def copy(path, pictures, size=SIZE):
    copier = JpegCopier(VideoTarget('front', path, *size, 30, VideoConfig('mjpeg')))
    copier.open()
    samples = [copier.write(picture, True) for picture in pictures]
    copier.close()
    return copier, samples


def packets(path):
    import av

    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(video=0) if p.pts is not None]


@pytest.mark.parametrize('size', [SIZE, (47, 63)])
@pytest.mark.parametrize('sampling', list(HALVES))
def test_jpegs_are_copied_byte_by_byte_and_have_the_right_colours(tmp_path, sampling, size):
    films = [scene(number, size) for number in range(40)]
    data = [jpeg(picture, sampling) for picture in films]
    copier, samples = copy(tmp_path / 'a.mp4', [sent(d, size) for d in data], size)
    assert packets(tmp_path / 'a.mp4') == data
    assert copier.reencoded == 0
    facts = video_reader.probe(tmp_path / 'a.mp4')
    assert (facts.codec, facts.pix_fmt, facts.fps) == ('mjpeg', f'yuvj{sampling}p', 30)
    found = list(video_reader.frames(tmp_path / 'a.mp4', 0, None, 30))
    assert len(found) == 40
    for decoded, sample, source in zip(found, samples, films, strict=True):
        assert decoded.shape == (*size, 3)
        assert np.abs(decoded.astype(int) - source).mean() < 3
        assert np.abs((decoded.astype(float) - source).mean(axis=(0, 1))).max() < 1.5
        assert np.abs(sample.astype(int) - source).mean() < 3


def test_black_and_white_stay_black_and_white(tmp_path):
    """Full range taken for video range, or the other way round, would show here."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[:, 32:] = 255
    copy(tmp_path / 'a.mp4', [sent(jpeg(picture, '444'))] * 3)
    for found in video_reader.frames(tmp_path / 'a.mp4', 0, None, 30):
        assert found[:, :24].max() <= 2 and found[:, 40:].min() >= 253


def test_what_cannot_be_copied_is_compressed_like_the_others_and_counted(tmp_path):
    png = cv2.imencode('.png', scene(1)[:, :, ::-1])[1].tobytes()
    pictures = [
        sent(jpeg(scene(0), '422')), sent(png), sent(jpeg(scene(2), '420')),
        ArrayPicture(scene(3)), sent(jpeg(scene(4), '422')),
        sent(jpeg(scene(5), '422', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
    ]  # fmt: skip
    copier, _ = copy(tmp_path / 'a.mp4', pictures)
    assert copier.reencoded == 3
    kinds = {jpeg_kind(data) for data in packets(tmp_path / 'a.mp4')}
    assert kinds == {JpegKind(*SIZE, (2, 1))}
    for number, found in enumerate(video_reader.frames(tmp_path / 'a.mp4', 0, None, 30)):
        assert np.abs(found.astype(int) - scene(number)).mean() < 3


def test_grey_jpegs_stay_grey_jpegs(tmp_path):
    data = [jpeg(scene(number)[:, :, 2]) for number in range(3)]
    copier, _ = copy(tmp_path / 'a.mp4', [*map(sent, data), ArrayPicture(scene(3))])
    assert packets(tmp_path / 'a.mp4')[:3] == data and copier.reencoded == 1
    found = list(video_reader.frames(tmp_path / 'a.mp4', 0, None, 30))
    assert all(f.shape == (*SIZE, 3) and np.ptp(f, axis=2).max() <= 1 for f in found)


def test_jpegs_that_video_decoders_do_not_take_have_no_kind():
    assert jpeg_kind(b'') is None and jpeg_kind(b'\xff\xd8\xff') is None
    good = jpeg(scene(0))
    at = good.index(b'\xff\xc0')
    assert jpeg_kind(good) == JpegKind(*SIZE, (2, 2))
    assert jpeg_kind(good[:at] + b'\xff\xc9' + good[at + 2 :]) is None, 'arithmetic coding'
    assert jpeg_kind(good[: at + 4] + b'\x0c' + good[at + 5 :]) is None, '12 bits'
    assert jpeg_kind(good[: at + 9] + b'\x04' + good[at + 10 :]) is None, 'CMYK'


@pytest.mark.parametrize('length', [1, 60, 99, 100, 101, 250, 1000, 4000])
def test_pictures_looked_at_are_evenly_spaced_and_about_as_many_as_lerobots(length):
    histogram, looked_at = SampledHistogram(), []
    for number in range(length):
        if histogram.wants_next():
            looked_at.append(number)
            histogram.add(np.full((2, 2, 3), number % 256, np.uint8))
        else:
            histogram.skip()
    lerobots = length if length < 100 else max(100, int(length**0.75))
    assert lerobots / 2 - 1 <= histogram.pictures <= lerobots
    kept = looked_at[-1] // max(1, histogram.pictures - 1)
    expected = PictureHistogram()
    for number in range(0, length, histogram._step):
        expected.add(np.full((2, 2, 3), number % 256, np.uint8))
    assert kept >= 0 and np.array_equal(histogram.counts, expected.counts)


CAMERA = 'observation.images.front'
FEATURES = {
    'action': {'dtype': 'float32', 'shape': [1], 'names': ['a']},
    CAMERA: {'dtype': 'video', 'shape': [*SIZE, 3], 'names': ['height', 'width', 'channels']},
}


def record(root, lengths, stop_before_saving=False):
    info = DatasetInfo(30, FEATURES, 'so_follower', VideoConfig('mjpeg'))
    with DatasetWriter.create(root, info) as writer:
        for length in lengths:
            for number in range(length):
                picture = sent(jpeg(scene(number)))
                writer.add_frame({'action': np.ones(1, np.float32)}, {CAMERA: picture}, 'Look')
            writer.save_episode()


def test_a_dataset_of_jpegs(tmp_path):
    root = tmp_path / 'd'
    record(root, [30, 12])
    assert validate_dataset(root, decode=True) == []
    reader = DatasetReader(root)
    block = reader.features[CAMERA]['info']
    assert (block['video.codec'], block['video.pix_fmt']) == ('mjpeg', 'yuvj420p')
    assert (block['video.crf'], block['video.preset']) == (None, None)
    for view in reader.episodes():
        for number, found in enumerate(view.frames(CAMERA)):
            assert np.abs(found.astype(int) - scene(number)).mean() < 3
    summary = reader.rows_of_episodes()[0].statistics[CAMERA]
    assert summary.count == 30
    films = np.stack([scene(number) for number in range(30)]) / 255
    np.testing.assert_allclose(summary.mean, films.mean(axis=(0, 1, 2)), atol=0.01)
    np.testing.assert_allclose(summary.std, films.std(axis=(0, 1, 2)), atol=0.01)


def test_an_interrupted_dataset_of_jpegs_is_recovered(tmp_path):
    root = tmp_path / 'd'
    info = DatasetInfo(30, FEATURES, 'so_follower', VideoConfig('mjpeg'))
    with DatasetWriter.create(root, info) as writer:
        for number in range(60):
            picture = sent(jpeg(scene(number)))
            writer.add_frame({'action': np.ones(1, np.float32)}, {CAMERA: picture}, 'Look')
        while writer._episode._cameras[CAMERA]._done < 60:
            pass
        shutil.copytree(root, tmp_path / 'killed')
        writer.discard_episode()
    told = repair_dataset(tmp_path / 'killed')
    assert any('recovered' in line for line in told), told
    view = DatasetReader(tmp_path / 'killed').episode(0)
    assert view.length >= 30
    assert validate_dataset(tmp_path / 'killed', decode=True) == []
