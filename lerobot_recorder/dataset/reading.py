"""What a file of somebody else's can do to its reader becomes one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import pyarrow.parquet as pq

from lerobot_drivers.common.errors import DatasetFormatError

#: What reading odd content raises: wrong types and ranges, missing keys, damaged files.
ODD_CONTENT = (
    OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError,
    MemoryError, pa.ArrowException, av.FFmpegError,
)  # fmt: skip


def parquet_table(path: Path) -> pa.Table:
    """Read a Parquet file that may be replaced meanwhile: all of it is of one of the two.

    `pyarrow.parquet.read_table` opens a file twice, and takes the pages of the second by the
    footer of the first.
    """
    with pq.ParquetFile(path) as file:
        return file.read()


@contextmanager
def guarded(where: Any) -> Iterator[None]:
    """Turn what odd content raises into the project's own error.

    Args:
        where: The file, folder or part of a dataset, for the message.

    Raises:
        DatasetFormatError: the content is not what it should be.
    """
    try:
        yield
    except ODD_CONTENT as error:
        raise DatasetFormatError(f'{where} cannot be read: {told(error)}') from error


def told(error: BaseException) -> str:
    """Return an error as one line; the kind of it where the message alone says little."""
    lines = str(error).strip().splitlines()
    line = lines[0] if lines else ''
    return f'{type(error).__name__} {line}' if isinstance(error, LookupError) or not line else line
