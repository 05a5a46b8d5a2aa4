"""How the session is, once a second: its disk, its memory, what is behind.

======  =====================================================================================
level   the session has it when
======  =====================================================================================
ERROR   the encoders are 5 s behind (at 10 s the take ends), or the disk is full in 2 minutes
WARN    the encoders are 1 s behind, or the disk is full in 10 minutes, or a further episode
        would have to wait until earlier ones are saved
======  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lerobot_drivers.common.health import Health, Level
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.disk_room import DiskRoom
from lerobot_recorder.memory_guard import resident_bytes
from lerobot_recorder.recorder_status import RecorderStatus
from lerobot_recorder.take import Take

BEHIND_WARN_S, BEHIND_ERROR_S = 1.0, 5.0
DISK_WARN_MIN, DISK_ERROR_MIN = 10.0, 2.0


@dataclass(frozen=True)
class Behind:
    """What waits inside the recorder.

    Attributes:
        frames: pictures that are not encoded yet.
        seconds: the same in time [s].
        rows: rows that are due and not written yet.
        episodes: accepted episodes that are not durable yet.
        is_full: whether the next accepted episode would have to wait.
    """

    frames: int = 0
    seconds: float = 0.0
    rows: int = 0
    episodes: int = 0
    is_full: bool = False

    @classmethod
    def of(
        cls, writer: DatasetWriter | None, take: Take | None, episodes: int, now_ns: int
    ) -> Behind:
        """Return what waits in a writer and a take, as far as there are such."""
        frames = writer.frames_behind if writer else 0
        return cls(
            frames=frames,
            seconds=take.seconds(frames) if take else 0.0,
            rows=take.rows_behind(now_ns) if take else 0,
            episodes=episodes,
            is_full=writer is not None and not writer.can_accept,
        )


def session_health(status: RecorderStatus, behind: Behind, room: DiskRoom | None) -> Health:
    """Return how the session is.

    Args:
        status: what the operator is told.
        behind: what waits.
        room: what is left of the disk, None if it does not tell.
    """
    found = sorted([*_late(behind), *_full(room)], key=lambda one: -one[0])
    level = max((level for level, _ in found), default=Level.OK)
    text = '; '.join(text for _, text in found) or status.summary
    values: dict[str, object] = {
        'phase': status.phase,
        'episodes saved': status.saved,
        'episodes being saved': behind.episodes,
        'frames': status.frames,
        'pictures to be encoded': behind.frames,
        'encoder lag [s]': behind.seconds,
        'rows due': behind.rows,
        'memory [MiB]': memory_mib(),
    }
    if room is not None:
        values |= {'disk free [GiB]': room.free_bytes / (1 << 30)}
        values |= {'disk lasts [min]': round(min(room.minutes_left, 1e6))}
    return Health(level, text, {k: v for k, v in values.items() if v is not None})


def memory_mib() -> int | None:
    """Return the memory of this process [MiB], None where the system does not tell."""
    try:
        return resident_bytes() >> 20
    except (OSError, ValueError, IndexError):
        return None


def _late(behind: Behind) -> Iterator[tuple[Level, str]]:
    if behind.seconds >= BEHIND_WARN_S:
        level = Level.ERROR if behind.seconds >= BEHIND_ERROR_S else Level.WARN
        yield level, f'the encoders are {behind.seconds:.1f} s behind'
    if behind.is_full:
        yield Level.WARN, f'{behind.episodes} episodes wait to be saved'


def _full(room: DiskRoom | None) -> Iterator[tuple[Level, str]]:
    if room is not None and room.minutes_left < DISK_WARN_MIN:
        level = Level.ERROR if room.minutes_left < DISK_ERROR_MIN else Level.WARN
        yield level, room.told
