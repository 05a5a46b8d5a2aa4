"""How large files and folders of a dataset may become, as info.json tells every writer of it.

We write a file per episode, so only the number of files in a chunk matters while recording;
the sizes are what `compact`, and LeRobot when it appends, join files up to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lerobot_recorder.dataset import layout

DEFAULTS = {
    'chunks_size': layout.CHUNKS_SIZE,
    'data_files_size_in_mb': 100,
    'video_files_size_in_mb': 200,
}
MAX_SIZE_IN_MB = 1 << 20


@dataclass(frozen=True)
class FileLimits:
    """The limits of a dataset; None for LeRobot's default, or for those it has already.

    Attributes:
        chunks_size: Files in a folder. More than 1000 would get names that no longer sort.
        data_files_size_in_mb: Size of a Parquet file of data [MiB].
        video_files_size_in_mb: Size of a video [MiB].

    Raises:
        ValueError: one is out of range.
    """

    chunks_size: int | None = None
    data_files_size_in_mb: int | None = None
    video_files_size_in_mb: int | None = None

    def __post_init__(self) -> None:
        for key, value in self._asked().items():
            most = layout.CHUNKS_SIZE if key == 'chunks_size' else MAX_SIZE_IN_MB
            if not 1 <= value <= most:
                raise ValueError(f'{key} must be 1 to {most}, found {value!r}')

    def document(self) -> dict[str, int]:
        """Return the keys of info.json of a new dataset."""
        return {**DEFAULTS, **self._asked()}

    def differences(self, document: Mapping[str, Any]) -> list[str]:
        """Return where a dataset has other limits than those asked for."""
        found = {key: document.get(key, DEFAULTS[key]) for key in self._asked()}
        return [
            f'its {key} is {found[key]!r}, this session asks for {value}: leave that out'
            for key, value in self._asked().items()
            if found[key] != value
        ]

    def _asked(self) -> dict[str, int]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def files_per_chunk(document: Mapping[str, Any]) -> int:
    """Return how many files a folder takes; never so many that names no longer sort."""
    value = document.get('chunks_size')
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return min(value, layout.CHUNKS_SIZE) if is_number and value else layout.CHUNKS_SIZE
