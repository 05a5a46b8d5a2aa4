"""What a session needs besides its streams, before the first episode: disk, folder, encoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.health import Level
from lerobot_recorder.companion import Companion
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.dataset import schema
from lerobot_recorder.disk_room import GIB, DiskRoom, free_bytes, nearest_folder, needed_per_s
from lerobot_recorder.encoder_choice import told
from lerobot_recorder.findings import Finding, errors_of
from lerobot_recorder.preflight import Reach, check_streams
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.session_file import RecordConfig


def check_session(
    dataset: DatasetConfig, features: schema.Features | None, resume: bool
) -> list[Finding]:
    """Return a line for the folder, and for encoder and disk if the features are known.

    Args:
        dataset: what was asked for.
        features: what will be recorded, pictures as video; None if a stream is unknown yet.
        resume: whether the dataset is there already.
    """
    found = [check_folder(dataset.folder)]
    if features is None:
        return found
    try:
        info = dataset.info(features, None, resume)
    except LerobotRosError as error:
        return [*found, Finding(Level.ERROR, 'encoder', str(error))]
    if how := told(info):
        level = Level.WARN if 'too much' in how else Level.OK
        found.append(Finding(level, 'encoder', how))
    needed = needed_per_s(info.features, info.fps, info.video.vcodec)
    return [*found, check_disk(dataset, needed)]


def check_folder(folder: Path) -> Finding:
    """Return whether the dataset can be written where it is to lie."""
    place = nearest_folder(folder)
    if os.access(place, os.W_OK | os.X_OK):
        return Finding(Level.OK, 'folder', f'{folder} can be written')
    advice = f'name another --dataset.root, or: sudo chown -R "$USER" {place}'
    return Finding(Level.ERROR, 'folder', f'{place} cannot be written by this user', advice)


def check_disk(dataset: DatasetConfig, bytes_per_s: float) -> Finding:
    """Return whether the disk holds an episode, and the session."""
    try:
        room = DiskRoom(free_bytes(dataset.folder), bytes_per_s)
    except OSError as error:
        return Finding(Level.WARN, 'disk', f'does not tell what is free: {error.strerror}')
    episode = dataset.episode_time_s * bytes_per_s
    session = episode * dataset.num_episodes
    advice = 'free some, name another --dataset.root, or record fewer or smaller pictures'
    if room.free_bytes < 2 * episode:
        text = f'{room.told}, less than two episodes need'
        return Finding(Level.ERROR, 'disk', text, advice)
    if room.free_bytes < session:
        text = f'{room.told}; this session may need {session / GIB:.1f} GiB'
        return Finding(Level.WARN, 'disk', text, advice)
    return Finding(Level.OK, 'disk', room.told)


class Preflight(Companion):
    """Looks at everything before the first episode, and shows it all at once.

    Args:
        config: what was asked for.
        reach: how messages can reach us.
        others: who else goes along, and has findings of its own.
        show: tells the operator.
    """

    def __init__(
        self,
        config: RecordConfig,
        reach: Reach,
        others: Sequence[Companion],
        show: Callable[[Sequence[Finding]], None],
    ) -> None:
        self._config = config
        self._reach = reach
        self._others = tuple(others)
        self._show = show

    def check(self, plan: RowPlan) -> None:
        """Look at everything.

        Raises:
            StreamError: something stands against recording; all of that is in the message.
        """
        config = self._config
        features = plan.features() if plan.is_learned else None
        found = [
            *check_streams(plan, self._reach, config.recorder.allow_low_rate),
            *check_session(config.dataset, features, config.resume),
            *(finding for other in self._others for finding in other.findings()),
        ]
        self._show(found)
        error = errors_of(found)
        if error is not None:
            raise error
