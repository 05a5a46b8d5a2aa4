"""A session whose every write is traced; started by test_power_cut.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from crash_scenarios import INFO, DatasetWriter, EpisodeRecord, add_frames, tell, tell_durable


def accept(writer: DatasetWriter, serial: int, frames: int, outcome: str):
    add_frames(writer, serial, frames)
    pending = writer.accept_episode(EpisodeRecord(f'e{serial}', outcome))
    tell('accepted', f'e{serial}', frames, outcome)
    return pending


def main(root: Path) -> None:
    with DatasetWriter.create(root, INFO) as writer:
        first = accept(writer, 1, 24, 'success')
        second = accept(writer, 2, 20, 'failure')
        tell_durable(root, first)
        add_frames(writer, 3, 20)
        writer.discard_episode()
        tell_durable(root, second)
        tell_durable(root, accept(writer, 4, 8, 'success'))
        add_frames(writer, 5, 12)
    with DatasetWriter.resume(root, INFO) as writer:
        pending = accept(writer, 6, 21, 'success')
        add_frames(writer, 7, 18)
        tell_durable(root, pending)
    tell('closed')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
