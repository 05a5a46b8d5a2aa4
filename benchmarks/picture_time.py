"""How far apart in time are the pictures of a dataset and its joint angles?

The arm's angles are measured in the pictures themselves and compared with
``observation.state`` of the same rows; a camera that was recorded later than the joints
shows them as they were before. For datasets of the simulated SO-101, fixed views::

    python -m benchmarks.picture_time DATASET
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure_pictures import measure_film, time_offset
from lerobot_drivers.common.naming import IMAGES_PREFIX, OBSERVATION_STATE
from lerobot_drivers.sim.camera_model import View
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView

FIXED_VIEWS = ('front', 'side', 'top')
BODY_JOINTS = 5


@dataclass(frozen=True)
class PictureTime:
    """What one camera of one episode shows.

    Attributes:
        offset_ms: time of the pictures minus time of the joint angles [ms].
        error_mrad: median difference of the angles once that offset is taken out [mrad].
        pictures: number of pictures in which the arm could be measured.
    """

    offset_ms: float
    error_mrad: float
    pictures: int


def picture_time(reader: DatasetReader, episode: EpisodeView, camera: str) -> PictureTime:
    """Compare one camera of one episode with its joint angles.

    Args:
        reader: the dataset.
        episode: one of its episodes.
        camera: name of a camera with a fixed view.
    """
    key = IMAGES_PREFIX + camera
    height, width = reader.features[key]['shape'][:2]
    view = View.named(camera, width, height)
    measured = measure_film(episode.frames(key), view)[:, :BODY_JOINTS]
    state = np.deg2rad(episode.rows[OBSERVATION_STATE][:, :BODY_JOINTS].astype(np.float64))
    times = np.arange(episode.length) / reader.fps
    offset_s = time_offset(times, measured, times, state)
    error = measured - _interpolated(times + offset_s, times, state)
    error -= np.nanmedian(error, 0)
    good = int(np.isfinite(measured).all(1).sum())
    return PictureTime(1e3 * offset_s, 1e3 * float(np.nanmedian(np.abs(error))), good)


def _interpolated(
    at: NDArray[np.float64], times: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.column_stack([np.interp(at, times, column) for column in values.T])


def main() -> int:
    """Print the offset of every fixed camera in every episode."""
    reader = DatasetReader(Path(sys.argv[1]))
    cameras = [key.removeprefix(IMAGES_PREFIX) for key in reader.cameras]
    for episode in reader.episodes():
        for camera in (name for name in cameras if name in FIXED_VIEWS):
            found = picture_time(reader, episode, camera)
            print(
                f'episode {episode.index} {camera}: pictures {found.offset_ms:+.2f} ms against '
                f'the joints, angles differ by {found.error_mrad:.2f} mrad (median of '
                f'{found.pictures} of {episode.length} pictures)'
            )
    return 0


if __name__ == '__main__':
    sys.exit(main())
