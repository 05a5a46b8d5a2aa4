"""Which files an old dataset has, whatever its templates say.

The templates of info.json are often wrong (chunks by episode, folders in another order); the
names are not: `episode_000012.parquet`, `episode_000012.mp4` in a folder named as the camera.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lerobot_drivers.common.errors import DatasetFormatError

_NAME = re.compile(r'episode_(\d+)\.(?:parquet|mp4)')


@dataclass(frozen=True)
class OldFiles:
    """What lies in `data` and `videos`.

    Attributes:
        tables: Episode -> its Parquet file.
        videos: Camera -> episode -> its video.
    """

    tables: Mapping[int, Path]
    videos: Mapping[str, Mapping[int, Path]]

    def has_video(self, episode: int) -> bool:
        """Return whether a camera has a video of an episode."""
        return any(episode in videos for videos in self.videos.values())


def find(root: Path, cameras: Iterable[str]) -> OldFiles:
    """Return the files of an old dataset.

    Raises:
        DatasetFormatError: an episode is there twice.
    """
    tables: dict[int, Path] = {}
    videos: dict[str, dict[int, Path]] = {key: {} for key in cameras}
    for number, path in _walk(root / 'data', '.parquet'):
        _put(tables, number, path)
    for number, path in _walk(root / 'videos', '.mp4'):
        key = _camera(path.relative_to(root).as_posix(), videos)
        if key is not None:
            _put(videos[key], number, path)
    return OldFiles(tables, videos)


def _walk(folder: Path, ending: str) -> Iterator[tuple[int, Path]]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            match = _NAME.fullmatch(name)
            if match and name.endswith(ending):
                yield int(match[1]), Path(parent) / name


def _camera(path: str, cameras: Iterable[str]) -> str | None:
    found = [key for key in cameras if f'/{key}/' in path]
    return max(found, key=len, default=None)


def _put(files: dict[int, Path], number: int, path: Path) -> None:
    if number in files:
        raise DatasetFormatError(
            f'episode {number} is there twice, as {files[number]} and {path}; keep one of them'
        )
    files[number] = path
