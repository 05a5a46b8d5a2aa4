"""The encoders there are: LeRobot's names, FFmpeg's, and how each is told what quality to give.

Sources: LeRobot's `configs/video.py` (names, and which option carries the quality), FFmpeg's
`libavcodec` (option names and ranges). A CRF means something else to each encoder; the defaults
of the software encoders give about the same luma PSNR, see `benchmarks/encode.py`. Those of
hardware encoders were set by their scales alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_X264_PRESETS = (
    'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow',
)  # fmt: skip
_SVT_PRESETS = tuple(range(14))
_NVENC_PRESETS = tuple(f'p{number}' for number in range(1, 8))
_IN_ORDER = {'bf': '0'}
_SOFTWARE = {**_IN_ORDER, 'threads': '1'}
# x265 would start a pool of threads per encoder and tell its life on stderr.
_QUIET_X265 = 'pools=none:log-level=none'


@dataclass(frozen=True)
class EncoderType:
    """One encoder.

    Attributes:
        ffmpeg: FFmpeg's name of it.
        codec: FFmpeg's canonical name of what it makes, as info.json holds it.
        quality: Option that sets a constant quality; None if there is none.
        crf: Its default.
        best, worst: The ends of the scale of that option.
        unit: What one of it is for FFmpeg.
        presets: What the preset may be, empty if there are none.
        preset: The default one.
        pix_fmts: Formats it takes; the first is the default.
        odd_pix_fmt: Format for pictures of odd sizes, None if it cannot take them.
        fixed: Options that are always set: frames in order (the container needs it) and one
            thread (cameras are the parallelism).
        is_hardware: Whether it needs a device.
    """

    ffmpeg: str
    codec: str
    quality: str | None
    crf: float | None
    best: float = 0
    worst: float = 51
    unit: int = 1
    presets: tuple[str | int, ...] = ()
    preset: str | int | None = None
    pix_fmts: tuple[str, ...] = ('yuv420p',)
    odd_pix_fmt: str | None = None
    fixed: Mapping[str, str] = field(default_factory=lambda: _IN_ORDER)
    is_hardware: bool = False

    def takes_preset(self, preset: str | int | None) -> bool:
        """Return whether there is such a preset."""
        return preset in self.presets if self.presets else preset is None

    def takes_quality(self, crf: float | None) -> bool:
        """Return whether the quality lies on the scale."""
        if crf is None or self.quality is None:
            return crf is None
        return min(self.best, self.worst) <= crf <= max(self.best, self.worst)


def _hardware(ffmpeg: str, quality: str, crf: float, **more: object) -> EncoderType:
    codec = ffmpeg.partition('_')[0]
    return EncoderType(ffmpeg, codec, quality, crf, is_hardware=True, **more)  # type: ignore[arg-type]


def _nvenc(ffmpeg: str) -> EncoderType:
    fixed = {**_IN_ORDER, 'rc': 'constqp', 'delay': '0'}
    return _hardware(ffmpeg, 'qp', 23, presets=_NVENC_PRESETS, preset='p4', fixed=fixed)


def _qsv(ffmpeg: str) -> EncoderType:
    presets = _X264_PRESETS[2:]
    return _hardware(
        ffmpeg, 'global_quality', 23, best=1, presets=presets, preset='veryfast',
        pix_fmts=('nv12',), fixed={**_IN_ORDER, 'async_depth': '1'},
    )  # fmt: skip


def _videotoolbox(ffmpeg: str) -> EncoderType:
    fixed = {**_IN_ORDER, 'flags': '+qscale'}
    return _hardware(ffmpeg, 'global_quality', 60, best=100, worst=1, unit=118, fixed=fixed)


JPEG = 'mjpeg'
ENCODERS: Mapping[str, EncoderType] = {
    'h264': EncoderType(
        'libx264', 'h264', 'crf', 21, presets=_X264_PRESETS, preset='ultrafast',
        pix_fmts=('yuv420p', 'yuv444p'), odd_pix_fmt='yuv444p', fixed=_SOFTWARE,
    ),
    'hevc': EncoderType(
        'libx265', 'hevc', 'crf', 22, presets=_X264_PRESETS, preset='ultrafast',
        pix_fmts=('yuv420p', 'yuv444p'), odd_pix_fmt='yuv444p',
        fixed={**_SOFTWARE, 'x265-params': _QUIET_X265},
    ),
    'libsvtav1': EncoderType(
        'libsvtav1', 'av1', 'crf', 30, worst=63, presets=_SVT_PRESETS, preset=12,
        fixed={'svtav1-params': 'lp=1'},
    ),
    'h264_nvenc': _nvenc('h264_nvenc'),
    'hevc_nvenc': _nvenc('hevc_nvenc'),
    'h264_qsv': _qsv('h264_qsv'),
    'hevc_qsv': _qsv('hevc_qsv'),
    'h264_vaapi': _hardware('h264_vaapi', 'qp', 23, worst=52, pix_fmts=('nv12',)),
    'hevc_vaapi': _hardware('hevc_vaapi', 'qp', 23, worst=52, pix_fmts=('nv12',)),
    'h264_videotoolbox': _videotoolbox('h264_videotoolbox'),
    'hevc_videotoolbox': _videotoolbox('hevc_videotoolbox'),
    JPEG: EncoderType(
        'mjpeg', 'mjpeg', None, None, pix_fmts=('yuvj420p',), odd_pix_fmt='yuvj420p', fixed={}
    ),
}  # fmt: skip
#: Order in which `auto` tries the hardware, LeRobot's with its neighbours.
HARDWARE = tuple(name for name, encoder in ENCODERS.items() if encoder.is_hardware)
THREADS: Mapping[str, tuple[str, str]] = {
    'h264': ('threads', ''),
    'hevc': ('x265-params', 'pools='),
    'libsvtav1': ('svtav1-params', 'lp='),
}
"""Where an encoder is told its number of threads: option, and what stands before the number."""
ALIASES: Mapping[str, str] = {'av1': 'libsvtav1', 'libx264': 'h264', 'libx265': 'hevc'}


def options(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return all options of an encoder: those always set, and those given over them.

    Parameter lists of the libraries (`x265-params`, `svtav1-params`) are joined.
    """
    merged = dict(ENCODERS[name].fixed)
    for key, value in given.items():
        joined = key.endswith('-params') and key in merged
        merged[key] = f'{merged[key]}:{value}' if joined else value
    return merged
