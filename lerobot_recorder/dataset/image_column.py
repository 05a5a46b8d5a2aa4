"""The images of an episode as an Arrow column that stays on the disk.

A minute of one camera is up to a gigabyte of PNG (of depth: TIFF). The column is built over the
mapped spool file, a chunk per image, so that writing it into Parquet never holds more than a page
of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from lerobot_recorder.dataset import schema
from lerobot_recorder.image_headers import JPEG_SIGNATURE, PNG_SIGNATURE

_LENGTH = struct.Struct('<Q')


def read_column(path: Path, count: int | None = None) -> pa.ChunkedArray:
    """Return the images of a file that an `ImageSpool` wrote, as LeRobot stores them in Parquet.

    Args:
        path: The file; must stay as it is as long as the column is used.
        count: How many at most; None for all that are complete.
    """
    kind = schema.IMAGE_TYPE
    if not path.exists() or path.stat().st_size == 0:
        return pa.chunked_array([], type=kind)
    with pa.memory_map(str(path)) as file:
        whole = file.read_buffer()
    chunks: list[pa.Array] = []
    at = 0
    while at + _LENGTH.size <= whole.size and len(chunks) != count:
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(whole, at)[0]
        if at == start:
            break  # a power cut may leave zeros at the end
        if at <= whole.size:
            chunks.append(_image(whole.slice(start, at - start), len(chunks)))
    return pa.chunked_array(chunks, type=kind)


def write_images(path: Path, images: Iterable[bytes]) -> None:
    """Write encoded images into a file that `read_column` reads, one after the other."""
    with path.open('wb') as file:
        for data in images:
            file.write(_LENGTH.pack(len(data)) + data)


def _image(data: pa.Buffer, number: int) -> pa.Array:
    offsets = pa.py_buffer(struct.pack('<ii', 0, data.size))
    images = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, data])
    first = data.slice(0, len(PNG_SIGNATURE)).to_pybytes()
    is_jpeg = first.startswith(JPEG_SIGNATURE)
    ending = 'png' if first == PNG_SIGNATURE else 'jpg' if is_jpeg else 'tiff'
    names = pa.array([f'frame-{number:06d}.{ending}'])
    return pa.StructArray.from_arrays([images, names], fields=list(schema.IMAGE_TYPE))
