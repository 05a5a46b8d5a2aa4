from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from synthetic_messages import COMPRESSED_IMAGE, IMAGE, T0, compressed, header, make, raw
from synthetic_messages import image as make_image

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.dataset.i420 import to_i420
from lerobot_recorder.dataset.picture import PlanarPicture
from lerobot_recorder.dataset.statistics import decimated
from lerobot_recorder.image_headers import picture_size
from lerobot_recorder.images import to_picture
from lerobot_recorder.messages import decode
from lerobot_recorder.pixels import LAYOUTS

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
SMOOTH = cv2.resize(RGB, (64, 48), interpolation=cv2.INTER_CUBIC)
GREY = np.repeat(RGB[:, :, :1], 3, axis=2)
WIDE = RGB.astype('<u2') * 256 + 99
WIDE_ALPHA = np.full((6, 8, 1), 777, '<u2')
ALPHA = np.full((6, 8, 1), 77, np.uint8)

ENCODED = {
    'rgb8': (RGB, RGB),
    'bgr8': (RGB[:, :, ::-1], RGB),
    '8UC3': (RGB[:, :, ::-1], RGB),
    'rgba8': (np.concatenate([RGB, ALPHA], 2), RGB),
    'bgra8': (np.concatenate([RGB[:, :, ::-1], ALPHA], 2), RGB),
    'mono8': (RGB[:, :, :1], GREY),
    '8UC1': (RGB[:, :, :1], GREY),
    '8UC4': (np.concatenate([RGB[:, :, ::-1], ALPHA], 2), RGB),
    'mono16': (WIDE[:, :, :1], GREY),
    '16UC1': (WIDE[:, :, :1], GREY),
    '16UC3': (WIDE[:, :, ::-1], RGB),
    '16UC4': (np.concatenate([WIDE[:, :, ::-1], WIDE_ALPHA], 2), RGB),
    'rgb16': (WIDE, RGB),
    'bgr16': (WIDE[:, :, ::-1], RGB),
    'rgba16': (np.concatenate([WIDE, WIDE_ALPHA], 2), RGB),
    'bgra16': (np.concatenate([WIDE[:, :, ::-1], WIDE_ALPHA], 2), RGB),
}
NUMBERS = [
    f'{bits}{kind}C{channels}'
    for bits, kind in (
        *((8, 'U'), (8, 'S'), (16, 'U'), (16, 'S')),
        *((32, 'S'), (32, 'F'), (64, 'F')),
    )
    for channels in (1, 2, 3, 4)
]
NAMED = [
    'rgb8', 'rgba8', 'rgb16', 'rgba16', 'bgr8', 'bgra8', 'bgr16', 'bgra16', 'mono8', 'mono16',
    *(f'bayer_{p}{bits}' for p in ('rggb', 'bggr', 'gbrg', 'grbg') for bits in (8, 16)),
    'uyvy', 'yuv422', 'yuyv', 'yuv422_yuy2', 'nv21', 'nv24', *NUMBERS,
]  # fmt: skip
"""All that sensor_msgs/image_encodings.hpp names."""
YUV = {'yuv422_yuy2', 'yuyv', 'yuv422', 'uyvy'}
BAYER = {
    'bayer_rggb8': ('rg', 'gb'), 'bayer_bggr8': ('bg', 'gr'),
    'bayer_gbrg8': ('gb', 'rg'), 'bayer_grbg8': ('gr', 'bg'),
}  # fmt: skip


def image(stamp_ns, pixels, encoding='rgb8', pad=0):
    """A message of pixels that may be wide."""
    made = make_image(stamp_ns, np.ascontiguousarray(pixels).view(np.uint8), encoding, pad)
    made.width = pixels.shape[1]
    return made


def through_the_wire(message, is_depth=False, topic='/cam'):
    entry = raw(topic, message, T0)
    return to_picture(decode(entry), entry.msgtype, topic, is_depth)


@pytest.mark.parametrize('pad', [0, 5])
@pytest.mark.parametrize('encoding', list(ENCODED))
def test_every_encoding_becomes_rgb(encoding, pad):
    pixels, expected = ENCODED[encoding]
    picture = through_the_wire(image(T0, pixels, encoding, pad))
    assert (picture.height, picture.width) == (6, 8)
    assert picture.rgb().dtype == np.uint8
    assert np.array_equal(picture.rgb(), expected)


@pytest.mark.parametrize('pad', [0, 6])
@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv'), ('yuv422', 'uyvy'), ('uyvy', 'uyvy')],
)
def test_yuv_with_the_chroma_where_it_belongs(encoding, order, pad):
    luma, red_minus, blue_minus = 120, 200, 90  # ITU-R BT.601, video range
    pair = {'y': luma, 'u': blue_minus, 'v': red_minus}
    pixels = np.array([pair[c] for c in order] * 4 * 6, np.uint8).reshape(6, 8, 2)
    y, u, v = 1.164 * (luma - 16), blue_minus - 128, red_minus - 128
    expected = [y + 1.596 * v, y - 0.813 * v - 0.391 * u, y + 2.018 * u]
    rgb = through_the_wire(image(T0, pixels, encoding, pad)).rgb()
    assert rgb.shape == (6, 8, 3)
    assert rgb.reshape(-1, 3).mean(axis=0) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('encoding', list(BAYER))
def test_bayer_patterns_have_their_colours_where_they_belong(encoding, bits):
    value = {'r': 200, 'g': 90, 'b': 20}
    pattern = np.array([[value[c] for c in row] for row in BAYER[encoding]], np.uint8)
    if bits == 16:
        encoding, pattern = encoding.replace('8', '16'), pattern * np.uint16(256) + np.uint16(255)
    rgb = through_the_wire(image(T0, np.tile(pattern, (8, 8))[:, :, None], encoding)).rgb()
    assert rgb.shape == (16, 16, 3)
    assert rgb[4:-4, 4:-4].reshape(-1, 3).mean(axis=0) == pytest.approx([200, 90, 20], abs=1)


def semi_planar(rgb, encoding):
    planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    chroma = planes[48:].reshape(2, 24, 32)[:: 1 if encoding == 'nv12' else -1]
    return planes, np.concatenate([planes[:48], chroma.transpose(1, 2, 0).reshape(24, 64)])


@pytest.mark.parametrize('pad', [0, 6])
@pytest.mark.parametrize('encoding', ['nv12', 'nv21'])
def test_semi_planar_pictures_are_regrouped_not_converted(encoding, pad):
    planes, packed = semi_planar(SMOOTH, encoding)
    message = image(T0, packed, encoding, pad)
    message.height = 48
    picture = through_the_wire(message)
    assert np.array_equal(picture.i420(), planes)
    assert np.array_equal(picture.rgb(), cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420))


@pytest.mark.parametrize('pad', [0, 6])
def test_a_picture_with_all_its_colours_in_planes(pad):
    planes = np.random.default_rng(5).integers(20, 230, (3, 9, 7)).astype(np.uint8)
    y, u, v = planes.astype(float)
    pairs = np.stack([planes[1], planes[2]], axis=-1).reshape(18, 7)
    message = image(T0, np.concatenate([planes[0], pairs]), 'nv24', pad)
    message.height = 9
    luma = 1.164 * (y - 16)  # ITU-R BT.601, video range
    expected = np.stack(
        [
            luma + 1.596 * (v - 128),
            luma - 0.813 * (v - 128) - 0.391 * (u - 128),
            luma + 2.018 * (u - 128),
        ],
        axis=-1,
    )
    assert through_the_wire(message).rgb() == pytest.approx(np.clip(expected, 0, 255), abs=2)


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bgra16', 'bayer_grbg16'])
def test_wide_values_differ_by_no_more_than_one_from_what_cv_bridge_makes(encoding):
    channels = {'rgb16': 3, 'bgra16': 4}.get(encoding, 1)
    wide = np.random.default_rng(6).integers(0, 65536, (8, 8, channels)).astype(np.uint16)
    codes = {
        'mono16': cv2.COLOR_GRAY2RGB, 'bgra16': cv2.COLOR_BGRA2RGB,
        'bayer_grbg16': cv2.COLOR_BayerGB2RGB,
    }  # fmt: skip
    rgb = cv2.cvtColor(wide, codes[encoding]) if encoding in codes else wide
    expected = np.round(rgb * (255.0 / 65535.0))
    found = through_the_wire(image(T0, wide, encoding)).rgb().astype(int)
    assert abs(found - expected).max() <= 1


@pytest.mark.parametrize('encoding', sorted(NAMED))
def test_every_encoding_that_has_a_name_is_a_picture_or_says_why_not(encoding):
    message = make(IMAGE, header(T0), 4, 4, encoding, 0, 64, np.zeros(64 * 12, np.uint8))
    if encoding in LAYOUTS or encoding == '32FC1':
        picture = through_the_wire(message, None)
        assert (picture.height, picture.width) == (4, 4)
        return
    told = rf"^/cam: image encoding '{encoding}' are numbers, not colours .* native: {{NAME: {{to"
    with pytest.raises(StreamError, match=told):
        through_the_wire(message, None)


@pytest.mark.parametrize(
    ('encoding', 'topic', 'is_depth', 'unit'),
    [
        ('16UC1', '/cam', None, 'mm'),
        ('16UC1', '/thermal', False, None),
        ('mono16', '/thermal', None, None),
        ('mono16', '/Depth/image_raw', None, 'mm'),
        ('mono16', '/cam', True, 'mm'),
        ('mono16', '/depth', False, None),
        ('32FC1', '/cam', None, 'm'),
    ],
)
def test_sixteen_bits_are_depth_or_grey(encoding, topic, is_depth, unit):
    pixels = np.zeros((4, 4, 2 if encoding == '32FC1' else 1), '<u2')
    message = image(T0, pixels, encoding)
    assert getattr(through_the_wire(message, is_depth, topic), 'unit', None) == unit


def test_floats_cannot_be_grey():
    message = make(IMAGE, header(T0), 4, 4, '32FC1', 0, 16, np.zeros(64, np.uint8))
    with pytest.raises(StreamError, match="image encoding '32FC1' are numbers"):
        through_the_wire(message, False)


@pytest.mark.parametrize('encoding', sorted(LAYOUTS))
def test_the_sample_is_the_decimated_picture_and_the_short_way_the_long_one(encoding):
    rng, layout = np.random.default_rng(3), LAYOUTS[encoding]
    rows, channels = layout.rows(320), layout.channels
    kind = '<u2' if layout.wide else np.uint8
    pixels = rng.integers(0, 65536 if layout.wide else 256, (rows, 448, channels)).astype(kind)
    message = image(T0, pixels.view(np.uint8).reshape(rows, -1), encoding, 3)
    message.height, message.width = 320, 448
    picture = through_the_wire(message)
    rgb = picture.rgb()
    assert np.array_equal(picture.sample(), decimated(rgb))
    if isinstance(picture, PlanarPicture):
        expected = to_i420(rgb)
        if encoding.startswith('nv'):
            assert picture.i420().shape == expected.shape
        else:
            assert abs(picture.i420().astype(int) - expected).max() <= 1


def test_the_bytes_of_wide_values_may_be_swapped():
    message = image(T0, WIDE.astype('>u2').view(np.uint8), 'rgb16')
    message.width, message.is_bigendian = 8, 1
    assert np.array_equal(through_the_wire(message).rgb(), RGB)


def test_every_encoding_is_tested():
    bayer = (name.replace('8', '16') for name in BAYER)
    assert set(LAYOUTS) == {*ENCODED, *YUV, *BAYER, *bayer, 'nv12', 'nv21', 'nv24'}


@pytest.mark.parametrize('extension', ['jpeg', 'png'])
def test_compressed_pictures(extension):
    picture = through_the_wire(compressed(T0, SMOOTH, extension))
    assert (picture.height, picture.width) == (48, 64)
    error = abs(picture.rgb().astype(int) - SMOOTH).mean()
    assert error == 0 if extension == 'png' else error < 4


DEEP = np.random.default_rng(7).integers(0, 65536, (6, 8)).astype(np.uint16)


def file_message(extension, pixels, text):
    data = cv2.imencode(f'.{extension}', pixels)[1].ravel()
    return make(COMPRESSED_IMAGE, header(T0), text, data)


@pytest.mark.parametrize('text', ['16UC1; png compressed ', '16UC1; tiff compressed '])
def test_a_picture_file_of_sixteen_bits_is_depth_where_it_says_so(text):
    picture = through_the_wire(file_message(text[7:10].replace('tif', 'tiff'), DEEP, text), None)
    assert (picture.unit, picture.height, picture.width) == ('mm', 6, 8)
    np.testing.assert_array_equal(picture.depth(), DEEP, strict=True)


@pytest.mark.parametrize(('topic', 'is_depth'), [('/cam', None), ('/depth', False)])
@pytest.mark.parametrize('text', ['mono16; png compressed ', 'png'])
def test_or_grey_where_it_does_not(text, topic, is_depth):
    picture = through_the_wire(file_message('png', DEEP, text), is_depth, topic)
    expected = np.repeat((DEEP >> 8).astype(np.uint8)[:, :, None], 3, 2)
    assert abs(picture.rgb().astype(int) - expected).max() <= 1


def test_metres_in_a_tiff():
    metres = np.random.default_rng(8).random((6, 8)).astype(np.float32)
    picture = through_the_wire(file_message('tiff', metres, '32FC1; tiff compressed '), None)
    assert picture.unit == 'm'
    np.testing.assert_array_equal(picture.depth(), metres, strict=True)


@pytest.mark.parametrize(
    ('extension', 'text'),
    [
        ('png', 'bgr8; png compressed'), ('png', 'rgb8; png compressed bgr8'), ('png', ''),
        ('jpeg', 'rgb8; jpeg compressed bgr8'), ('jpeg', 'bgr8; jpeg compressed '),
        ('jpg', 'jpg'), ('tiff', 'rgb8; tiff compressed bgr8'), ('webp', 'webp'),
    ],
)  # fmt: skip
def test_pictures_have_the_colours_that_any_viewer_shows(extension, text):
    bgr = np.ascontiguousarray(SMOOTH[:, :, ::-1])
    picture = through_the_wire(file_message(extension, bgr, text), None)
    assert (picture.height, picture.width) == (48, 64)
    assert abs(picture.rgb().astype(int) - SMOOTH).mean() < 6
    assert (picture.jpeg() is not None) == extension.startswith('jp')


@pytest.mark.parametrize('extension', ['tiff', 'webp'])
def test_a_damaged_file_gives_one_line(extension):
    message = file_message(extension, SMOOTH, extension)
    message.data = message.data[:30].copy()
    with pytest.raises(StreamError, match=r'^/cam: a compressed image cannot be decoded$'):
        through_the_wire(message)


def encoded(extension, *options):
    return cv2.imencode(f'.{extension}', SMOOTH, list(options))[1].tobytes()


@pytest.mark.parametrize(
    'data',
    [
        encoded('jpeg'),
        encoded('jpeg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encoded('jpeg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        encoded('jpeg') + bytes(100),
        encoded('png'),
    ],
)
def test_the_size_is_read_from_the_header(data):
    assert picture_size(data) == (48, 64)


@pytest.mark.parametrize('extension', ['jpeg', 'png'])
@pytest.mark.parametrize('share', [0.0, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_picture_cut_short_is_none(extension, share):
    whole = encoded(extension)
    assert picture_size(whole[: int(len(whole) * share)]) is None


def test_a_thumbnail_inside_a_cut_jpeg_does_not_make_it_whole():
    whole = encoded('jpeg')
    thumbnail = b'\xff\xd8 tiny \xff\xd9'
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    assert picture_size(whole[:2] + segment + whole[2:]) == (48, 64)
    assert picture_size(whole[:2] + segment + whole[2:-100]) is None


def test_a_camera_that_notes_its_orientation_is_not_turned():
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    data = encoded('jpeg')
    turned = np.frombuffer(data[:2] + segment + data[2:], np.uint8)
    message = make(COMPRESSED_IMAGE, header(T0), 'jpeg', turned)
    assert through_the_wire(message).rgb().shape == (48, 64, 3)


@pytest.mark.parametrize(
    ('message', 'told'),
    [
        (image(T0, RGB, 'yuv'), "image encoding 'yuv' cannot be recorded; known: rgb8, bgr8"),
        (make(IMAGE, header(T0), 6, 8, 'rgb8', 0, 24, RGB.ravel()[:-1]), 'needs 144 bytes, found'),
        (make(IMAGE, header(T0), 6, 8, 'rgb8', 0, 23, RGB.ravel()), 'with step 23'),
        (make(IMAGE, header(T0), 0, 0, 'rgb8', 0, 0, RGB.ravel()[:0]), 'cannot be 0x0 rgb8'),
        (make(IMAGE, header(T0), 2, 3, 'yuyv', 0, 6, RGB.ravel()[:12]), 'cannot be 3x2 yuyv'),
        (
            make(COMPRESSED_IMAGE, header(T0), 'jpeg', np.arange(9, dtype=np.uint8)),
            "a compressed image holds no whole JPEG, PNG, TIFF or WebP; its format is 'jpeg'",
        ),
        (
            make(COMPRESSED_IMAGE, header(T0), '16UC1; compressedDepth', RGB.ravel()),
            'a compressed depth image holds no whole PNG or RVL',
        ),
    ],
)
def test_what_is_no_picture_gives_one_line(message, told):
    with pytest.raises(StreamError, match=f'^/cam: .*{told}'):
        through_the_wire(message)


def test_bytes_that_only_look_like_a_picture_give_an_error_when_decoded():
    whole = bytearray(encoded('png'))
    whole[60:-20] = bytes(len(whole) - 80)
    message = make(COMPRESSED_IMAGE, header(T0), 'png', np.frombuffer(bytes(whole), np.uint8))
    picture = through_the_wire(message)
    with pytest.raises(StreamError, match='/cam: a compressed image holds no picture'):
        picture.rgb()


def test_a_definition_of_ones_own_without_a_format_is_read_by_its_data():
    bare = SimpleNamespace(data=np.zeros(10, np.uint8))
    with pytest.raises(StreamError, match='/cam: a compressed image holds no whole JPEG, PNG'):
        to_picture(bare, COMPRESSED_IMAGE, '/cam')
    with pytest.raises(StreamError, match='/cam: its sensor_msgs/msg/Image is not the usual one'):
        to_picture(bare, IMAGE, '/cam')
